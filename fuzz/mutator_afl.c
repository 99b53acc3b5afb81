/* The mutator in AFL++'s words: a library of its own, named by AFL_CUSTOM_MUTATOR_LIBRARY, because AFL++
 * ignores libFuzzer's hooks. */
#include <stdlib.h>
#include <string.h>

#include <pagelab/compiler.h>

#include "engine/program.h"
#include "fuzz/family.h"
#include "fuzz/mutator.h"

#define SPLICE_ONE_IN     6u
#define MUTATIONS_AT_ONCE 256u

struct mutator_afl {
    enum fuzz_target target;
    struct mutator_random random;
    uint8_t bytes[PROGRAM_BYTES_MAX];
};

/* AFL++'s: it looks these up by name. `afl` is its state, of no use here. */
PL_EXPORT void *afl_custom_init(void *afl, unsigned int seed);
PL_EXPORT size_t afl_custom_fuzz(void *data, unsigned char *buf, size_t buf_size, unsigned char **out_buf,
                                 unsigned char *add_buf, size_t add_buf_size, size_t max_size);
PL_EXPORT unsigned int afl_custom_fuzz_count(void *data, const unsigned char *buf, size_t buf_size);
PL_EXPORT void afl_custom_deinit(void *data);

void *afl_custom_init(void *afl, unsigned int seed)
{
    (void)afl;
    struct mutator_afl *self = calloc(1, sizeof(*self));
    if (self != NULL) {
        self->random.state = seed;
        (void)fuzz_target_of_environment(&self->target); /* the target refuses names that are wrong */
    }
    return self;
}

/* How often the next input is mutated here. AFL++'s own choice doubles at each find: from an empty corpus,
 * the first input would be all that it works on for half a minute. */
unsigned int afl_custom_fuzz_count(void *data, const unsigned char *buf, size_t buf_size)
{
    (void)data;
    (void)buf;
    (void)buf_size;
    return MUTATIONS_AT_ONCE;
}

/* 0 tells AFL++ to skip this mutation. */
size_t afl_custom_fuzz(void *data, unsigned char *buf, size_t buf_size, unsigned char **out_buf,
                       unsigned char *add_buf, size_t add_buf_size, size_t max_size)
{
    struct mutator_afl *self = data;
    size_t limit = max_size < sizeof(self->bytes) ? max_size : sizeof(self->bytes);
    size_t size = buf_size < limit ? buf_size : limit;
    uint64_t seed = mutator_next(&self->random);
    memcpy(self->bytes, buf, size);
    *out_buf = self->bytes;
    enum op_family family = fuzz_target_family(self->target);
    if (fuzz_target_has_schedule(self->target) && size >= PROGRAM_HEADER_BYTES)
        mutator_mark_schedule(self->bytes);
    if (add_buf != NULL && mutator_below(&self->random, SPLICE_ONE_IN) == 0)
        return mutator_cross(family, self->bytes, size, limit, add_buf, add_buf_size, seed, NULL);
    return mutator_run(family, self->bytes, size, limit, seed, NULL);
}

void afl_custom_deinit(void *data)
{
    free(data);
}
