/* One call, instruction by instruction, whatever it is compiled from: the processor's trap flag stops before
 * each instruction, and a signal handler on the same stack tells a listener. x86-64 Linux only; about 15 us a
 * step. */
#ifndef PLATFORM_NATIVE_STEP_H
#define PLATFORM_NATIVE_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before the instruction at `pc` runs. In a signal handler: what it calls runs as an interrupt would. A
 * repeated string instruction counts once. May call step_disarm, and may fork_bare (fork.h). */
typedef void step_before(void *argument, uintptr_t pc);

/* Can this machine do it? If not, one phrase in `why`. Tried once, in a child. */
bool step_supported(char *why, size_t why_bytes);

/* SIGTRAP is ours from step_begin to step_end. 0, or -1: not supported. One user a process. */
int step_begin(step_before *before, void *argument);
void step_end(void);

/* From the next call of `entry` in this thread until it returns. Whatever runs before that call is stepped,
 * too, and not told. */
void step_arm(uintptr_t entry);
void step_disarm(void);

/* In a listener: the interrupted code goes on with this signal unblocked, whatever it had blocked. */
void step_unblock(int signal_number);

#endif
