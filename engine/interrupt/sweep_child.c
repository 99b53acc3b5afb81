/* See sweep.h: the process that takes the interrupt. It has one thread, so whoever waits in it for somebody
 * else waits for ever: a sleep without a limit, or thousands of turns of a spin loop, is a deadlock at once,
 * and needs no long watch. What never ends otherwise ends by the processor time that it used. */
#define _GNU_SOURCE /* REG_RIP */
#include "engine/interrupt/sweep_internal.h"
#include "engine/nosleep/watch.h"
#include "platform/native/step.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define TICK_US     20000  /* between looks at where it is */
#define CPU_LIMIT_S 0.2    /* a program takes less than a hundredth of this */
#define WALL_LIMIT  3000u  /* ticks: a minute */
#define RELAX_LIMIT 20000u /* turns of a spin loop */

/* Signal handlers and services have no argument to carry these in. */
static struct sweep *self;
static uint32_t relaxes;
static uint32_t ticks;
static const void *waiting_at; /* where the last tick found it in a wait, or NULL */

/* The report is whole, the process ends. `where` is the frame that the code under test stands at. */
static PL_NORETURN void report(enum sweep_end end, const char *words, const void *where)
{
    struct sweep_report *out = self->slot->report;
    const struct interrupts *interrupts = self->interrupts;
    out->failure.end = end;
    snprintf(out->failure.words, sizeof(out->failure.words), "%s", words);
    if (where != NULL)
        stack_take(where, interrupts->inside ? interrupts->handler_end : NULL, &out->interrupting);
    out->failure.inside = interrupts->inside;
    out->failure.found_at = self->runner.at;
    out->failure.has_op = self->runner.op != NULL;
    if (self->runner.op != NULL)
        out->failure.op = *self->runner.op;
    out->taken = interrupts->taken;
    out->denied = interrupts->denied;
    out->calls = interrupts->calls;
    out->written = 1;
    _exit(0);
}

void sweep_child_end(struct sweep *sweep, const struct finding *finding)
{
    struct sweep_failure *failure = &sweep->slot->report->failure;
    if (!finding->found)
        report(SWEEP_SURVIVES, "", NULL);
    memcpy(failure->ids, finding->ids, sizeof(failure->ids));
    memcpy(failure->expected, finding->expected, sizeof(failure->expected));
    sweep->runner.at = finding->step; /* the operation that the finding is about */
    sweep->runner.op = finding->op.kind == OP_NOP ? NULL : &finding->op;
    sweep->interrupts->inside = false;
    report(SWEEP_BROKEN, finding->actual, NULL);
}

/* --- what gives a stuck call away --- */

static void on_relax(struct pl_cpu *cpu)
{
    (void)cpu;
    if (++relaxes == RELAX_LIMIT)
        report(self->interrupts->inside ? SWEEP_DEADLOCK : SWEEP_ENDLESS,
               "spins (relax) for what nobody else can give", PL_CALLER());
}

static PL_NORETURN void on_panic(struct pl_cpu *cpu, const char *words)
{
    (void)cpu;
    report(strstr(words, "taken twice") != NULL ? SWEEP_DEADLOCK : SWEEP_PANIC, words, PL_CALLER());
}

static const void *place_of(const void *context)
{
#if defined(__x86_64__)
    return (const void *)(uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#else
    (void)context;
    return NULL;
#endif
}

static PL_NORETURN void on_crash(int signal_number, siginfo_t *info, void *context)
{
    (void)info;
    report(SWEEP_CRASH, strsignal(signal_number), place_of(context));
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Is the interrupted code at a futex call that waits without a limit? The call is set up to be made again
 * after the handler. One look is not enough: a call that returns at once is also found before it is made. */
static bool waits_without_limit(const ucontext_t *at)
{
#if defined(__x86_64__)
    const greg_t *registers = at->uc_mcontext.gregs;
    unsigned char code[2];
    bool blocks = false;
    memcpy(code, (const void *)(uintptr_t)registers[REG_RIP], sizeof(code));
    if (code[0] != 0x0f || code[1] != 0x05 || registers[REG_RAX] != SYS_futex || registers[REG_R10] != 0)
        return false;
    (void)system_call_name(SYS_futex, (uint64_t)registers[REG_RSI], &blocks);
    return blocks;
#else
    (void)at;
    return false;
#endif
}

static void on_tick(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number;
    (void)info;
    const void *before = waiting_at;
    waiting_at = waits_without_limit(context) ? place_of(context) : NULL;
    if (waiting_at != NULL && waiting_at == before)
        report(SWEEP_DEADLOCK, "sleeps (futex) for a lock that the call it interrupted holds",
               place_of(context));
    if (cpu_seconds() > CPU_LIMIT_S)
        report(SWEEP_ENDLESS, "no end after 0.2 s of processor time", place_of(context));
    if (++ticks == WALL_LIMIT)
        report(SWEEP_ENDLESS, "no end after a minute", place_of(context));
}

/* --- the interrupt --- */

static void watch_over(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    sigemptyset(&action.sa_mask);
    action.sa_sigaction = on_crash;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | (int)SA_RESETHAND;
    for (size_t i = 0; i < PL_COUNT_OF(crashes); i++)
        sigaction(crashes[i], &action, NULL);
    action.sa_sigaction = on_tick;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &ours, NULL); /* the candidate may have blocked it */
    step_unblock(SIGALRM);
    const struct itimerval tick = {{0, TICK_US}, {0, TICK_US}};
    setitimer(ITIMER_REAL, &tick, NULL);
}

/* Stacks are taken where somebody will read them: of the one place that was asked for. */
static void on_entered(void *argument)
{
    struct sweep *sweep = argument;
    stack_take(sweep->interrupts->resume, NULL, &sweep->slot->report->interrupted);
}

void sweep_child(struct sweep *sweep, enum interrupt_level level, uintptr_t pc, const void *resume)
{
    struct interrupts *interrupts = sweep->interrupts;
    self = sweep;
    sweep->child = true;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(sweep->slot->words, STDERR_FILENO);
    watch_over();
    interrupts->platform.relax = on_relax;
    interrupts->platform.panic = on_panic;
    if (sweep->options->only != NULL)
        interrupts->entered = on_entered;
    memset(&sweep->slot->report->failure, 0, sizeof(sweep->slot->report->failure));
    sweep->slot->report->failure.place = sweep->place;
    sweep->slot->report->failure.pc = pc;
    sweep->slot->report->failure.masked =
        atomic_load_explicit(&sweep->cpu->masked, memory_order_relaxed) != 0;
    if (sweep->options->only != NULL) /* should it never come */
        stack_take(resume, NULL, &sweep->slot->report->interrupted);
    interrupts_raise(interrupts, sweep->cpu, level, resume);
}
