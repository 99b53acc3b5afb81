/* See step.h. A breakpoint instruction enters the handler once, which sets the trap flag in what it returns
 * to; the flag is off inside the handler, and stays off once nobody is armed. */
#define _GNU_SOURCE /* REG_RIP */
#include "platform/native/step.h"

#include <stdio.h>
#include <string.h>

#include <pagelab/compiler.h>

#if defined(__x86_64__) && defined(__linux__)

#include <signal.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define TRAP_FLAG     INT64_C(0x100)
#define PROBE_LIMIT   1000u
#define PROBE_LIMIT_S 10u

/* A signal handler has no argument to carry these in. */
static struct {
    step_before *before;
    void *argument;
    uintptr_t entry;
    uintptr_t entry_stack; /* where the return address is; above it, the call has returned */
    uintptr_t last;        /* pc that was told last */
    volatile sig_atomic_t armed;
    bool inside;
    int unblock; /* signal that is unblocked in what the handler returns to; 0: none */
    struct sigaction action_before;
} stepper;

/* rep and repne: the processor stops after each repetition, with the same pc. */
static bool repeats(uintptr_t pc)
{
    unsigned char first;
    memcpy(&first, (const void *)pc, 1); /* pc is about to be executed, so it can be read */
    return pc == stepper.last && (first == 0xf3 || first == 0xf2);
}

static void on_trap(int signal_number, siginfo_t *info, void *context)
{
    ucontext_t *at = context;
    greg_t *registers = at->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    uintptr_t stack = (uintptr_t)registers[REG_RSP];
    (void)signal_number;
    if (info->si_code == SI_KERNEL && stepper.armed) { /* step_arm's breakpoint */
        registers[REG_EFL] |= TRAP_FLAG;
        return;
    }
    if (stepper.armed && !stepper.inside && pc == stepper.entry) {
        stepper.inside = true;
        stepper.entry_stack = stack;
        stepper.last = 0;
    } else if (stepper.inside && stack > stepper.entry_stack) {
        step_disarm();
    }
    if (stepper.inside && !repeats(pc)) {
        stepper.last = pc;
        stepper.before(stepper.argument, pc);
    }
    if (stepper.unblock != 0)
        sigdelset(&at->uc_sigmask, stepper.unblock);
    stepper.unblock = 0;
    if (!stepper.armed)
        registers[REG_EFL] &= ~TRAP_FLAG;
}

void step_arm(uintptr_t entry)
{
    stepper.entry = entry;
    stepper.inside = false;
    stepper.armed = 1;
    __asm__ __volatile__("int3" ::: "memory");
}

void step_disarm(void)
{
    stepper.armed = 0;
    stepper.inside = false;
}

void step_unblock(int signal_number)
{
    stepper.unblock = signal_number;
}

static int begin(step_before *before, void *argument)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&action.sa_mask);
    stepper.before = before;
    stepper.argument = argument;
    step_disarm();
    return sigaction(SIGTRAP, &action, &stepper.action_before);
}

void step_end(void)
{
    step_disarm();
    sigaction(SIGTRAP, &stepper.action_before, NULL);
}

/* --- is it there? A few instructions are stepped and counted; a kernel or a tracer may swallow them --- */

static PL_NOINLINE unsigned probed(unsigned value)
{
    PL_COMPILER_BARRIER();
    return value * 3u + 1u;
}

static void probe_before(void *argument, uintptr_t pc)
{
    (void)pc;
    ++*(unsigned *)argument;
}

static PL_NORETURN void probe(void)
{
    unsigned (*volatile function)(unsigned) = probed;
    unsigned steps = 0;
    alarm(PROBE_LIMIT_S);
    if (begin(probe_before, &steps) != 0)
        _exit(1);
    step_arm((uintptr_t)function);
    unsigned result = function(5);
    _exit(result == 16 && steps > 0 && steps < PROBE_LIMIT && !stepper.armed ? 0 : 1);
}

bool step_supported(char *why, size_t why_bytes)
{
    static int known; /* 1: yes, -1: no */
    if (known == 0) {
        int status = 1;
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0)
            probe();
        known = pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 1 : -1;
    }
    if (known < 0)
        snprintf(why, why_bytes, "this machine's kernel does not step a process by the trap flag");
    return known > 0;
}

int step_begin(step_before *before, void *argument)
{
    char why[100];
    return step_supported(why, sizeof(why)) ? begin(before, argument) : -1;
}

#else

bool step_supported(char *why, size_t why_bytes)
{
    snprintf(why, why_bytes, "single step needs x86-64 Linux");
    return false;
}

int step_begin(step_before *before, void *argument)
{
    (void)before;
    (void)argument;
    return -1;
}

void step_end(void)
{
}

void step_arm(uintptr_t entry)
{
    (void)entry;
}

void step_disarm(void)
{
}

void step_unblock(int signal_number)
{
    (void)signal_number;
}

#endif
