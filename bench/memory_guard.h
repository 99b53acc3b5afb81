/* The guard against a machine or a candidate that needs more memory than there is: the process that measures
 * ends itself, with words, before the kernel has to end somebody. */
#ifndef BENCH_MEMORY_GUARD_H
#define BENCH_MEMORY_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The status with which a guarded process ends. */
#define MEMORY_GUARD_STATUS 86

/* Half of what this computer, or the control group that we are in, has to spare; at most `most`. */
uint64_t memory_guard_cap(uint64_t most);

/* From now on this process looks at what is resident of it, every 20 ms of its own time, page faults
 * included; at more than `cap_bytes` it ends with MEMORY_GUARD_STATUS. The words below go to `words_fd`
 * before, as one line; -1: nowhere. */
void memory_guard_start(uint64_t cap_bytes, int words_fd);
void memory_guard_stop(void);

/* It does not look while single operations are timed: a look would be the worst of them. The resumed one
 * looks at once. Neither does anything where no guard was started. */
void memory_guard_pause(void);
void memory_guard_resume(void);

/* "touches more memory than the cap of 4 GiB". */
void memory_guard_words(uint64_t cap_bytes, char *text, size_t bytes);

/* Did the guard end it? `words` is the last line that it wrote to words_fd. */
bool memory_guard_ended(int status, const char *words);

#endif
