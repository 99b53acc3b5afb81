/* The mutator in libFuzzer's words. One mutation in eight is libFuzzer's own, on bytes: it knows the
 * comparisons that the target made. */
#include <string.h>

#include <pagelab/compiler.h>

#include "engine/program.h"
#include "fuzz/family.h"
#include "fuzz/mutator.h"

#define OWN_MUTATION_ONE_IN 8u

/* libFuzzer's: it looks these up by name. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
PL_EXPORT size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
PL_EXPORT size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
                                           size_t size2, uint8_t *out, size_t max_out_size,
                                           unsigned int seed);

/* The target refuses names that are wrong. */
static enum op_family own_family(uint8_t *data, size_t size)
{
    enum fuzz_target target;
    (void)fuzz_target_of_environment(&target);
    if (fuzz_target_has_schedule(target) && size >= PROGRAM_HEADER_BYTES)
        mutator_mark_schedule(data);
    return fuzz_target_family(target);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    struct mutator_random random = {seed};
    if (max_size < PROGRAM_HEADER_BYTES)
        return LLVMFuzzerMutate(data, size, max_size);
    if (mutator_below(&random, OWN_MUTATION_ONE_IN) == 0)
        return mutator_stamp(own_family(data, size), data, LLVMFuzzerMutate(data, size, max_size));
    return mutator_run(own_family(data, size), data, size, max_size, mutator_next(&random), NULL);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2, size_t size2,
                                 uint8_t *out, size_t max_out_size, unsigned int seed)
{
    size_t size = size1 < max_out_size ? size1 : max_out_size;
    memcpy(out, data1, size);
    return mutator_cross(own_family(out, size), out, size, max_out_size, data2, size2, seed, NULL);
}
