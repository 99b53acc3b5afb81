/* See dispatch.h. The kernel raises SIGSYS instead of making the call. The handler makes it itself and puts
 * the result where the caller looks for it; but a few calls mean the frame that they are made from, so these
 * are made in their place, and the rest of that region is not watched. */
#define _GNU_SOURCE /* REG_RIP, backtrace */
#include "platform/native/dispatch.h"

#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#endif

/* Room for one more; NULL: everything that was kept matters as much. */
static struct dispatch_trap *room(struct dispatch *dispatch, int64_t number, uint64_t detail)
{
    if (dispatch->trap_count < DISPATCH_TRAP_LIMIT)
        return &dispatch->traps[dispatch->trap_count];
    if (dispatch->matters == NULL || !dispatch->matters(number, detail))
        return NULL;
    for (uint32_t i = DISPATCH_TRAP_LIMIT; i-- > 0;) {
        if (!dispatch->matters(dispatch->traps[i].number, dispatch->traps[i].detail))
            return &dispatch->traps[i];
    }
    return NULL;
}

/* Adds one stack, or counts it again. `frames[0]` is where it happened. */
static void keep(struct dispatch *dispatch, int64_t number, uint64_t detail, const void *const *frames,
                 uint32_t frame_count)
{
    uint32_t kept = frame_count < DISPATCH_FRAME_LIMIT ? frame_count : DISPATCH_FRAME_LIMIT;
    dispatch->total++;
    for (uint32_t i = 0; i < dispatch->trap_count; i++) {
        struct dispatch_trap *trap = &dispatch->traps[i];
        if (trap->number == number && trap->detail == detail && trap->frame_count == kept &&
            memcmp(trap->frames, frames, kept * sizeof(*frames)) == 0) {
            trap->count++;
            return;
        }
    }
    struct dispatch_trap *trap = room(dispatch, number, detail);
    if (trap == NULL)
        return;
    *trap = (struct dispatch_trap){
        .number = number, .detail = detail, .count = 1, .trapped_at = frames[0], .frame_count = kept};
    memcpy(trap->frames, frames, kept * sizeof(*frames));
    if (trap == &dispatch->traps[dispatch->trap_count]) /* last: whoever ends here leaves whole ones */
        dispatch->trap_count++;
}

/* Keeps the stack from `at` outwards: inside of it are the watcher's own frames, and a sanitizer's. */
static void keep_stack(struct dispatch *dispatch, int64_t number, uint64_t detail, const void *at)
{
    void *frames[DISPATCH_FRAME_LIMIT + 6];
    int count = backtrace(frames, (int)PL_COUNT_OF(frames));
    int first = 0;
    while (first < count && frames[first] != at)
        first++;
    if (first < count)
        keep(dispatch, number, detail, (const void *const *)&frames[first], (uint32_t)(count - first));
    else
        keep(dispatch, number, detail, &at, 1);
}

PL_NOINLINE void dispatch_note(struct dispatch *dispatch, int64_t number)
{
    unsigned char before = atomic_load_explicit(&dispatch->selector, memory_order_relaxed);
    dispatch_leave(dispatch);
    keep_stack(dispatch, number, 0, PL_CALLER());
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&dispatch->selector, before, memory_order_relaxed);
}

#if defined(__linux__) && defined(__x86_64__) && !defined(UNDER_TSAN)

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF          0
#define PR_SYS_DISPATCH_ON           1
#endif
#define SIGSYS_BY_DISPATCH 2 /* SYS_USER_DISPATCH */
#define SYSCALL_BYTES      2 /* of the instruction */
/* mov $15, %rax; syscall. The kernel asks where the instruction after the call is, so one byte more. */
#define RESTORER_BYTES 10u

static _Thread_local struct dispatch *own; /* of this thread, or NULL */

/* The C library's syscall() would set errno. */
static int64_t make_call(int64_t number, const greg_t *registers)
{
    register int64_t r10 __asm__("r10") = registers[REG_R10];
    register int64_t r8 __asm__("r8") = registers[REG_R8];
    register int64_t r9 __asm__("r9") = registers[REG_R9];
    int64_t result;
    __asm__ __volatile__("syscall"
                         : "=a"(result)
                         : "a"(number), "D"(registers[REG_RDI]), "S"(registers[REG_RSI]),
                           "d"(registers[REG_RDX]), "r"(r10), "r"(r8), "r"(r9)
                         : "rcx", "r11", "memory");
    return result;
}

/* Does it mean the frame, the mask or the stack that it is made from? */
static bool means_its_frame(int64_t number)
{
    switch (number) {
    case SYS_rt_sigreturn:
    case SYS_rt_sigprocmask:
    case SYS_sigaltstack:
    case SYS_clone:
    case SYS_fork:
    case SYS_vfork:
    case SYS_clone3:
        return true;
    default:
        return false;
    }
}

static void on_trap(int signal_number, siginfo_t *info, void *context)
{
    struct dispatch *dispatch = own;
    if (dispatch == NULL || info->si_code != SIGSYS_BY_DISPATCH) {
        signal(signal_number, SIG_DFL); /* somebody else's, as from a filter of system calls */
        (void)raise(signal_number);
        return;
    }
    dispatch_leave(dispatch); /* first: whatever follows may call the kernel */
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    int64_t number = info->si_syscall;
    int error = errno;
    keep_stack(dispatch, number, (uint64_t)registers[REG_RSI], (const void *)registers[REG_RIP]);
    errno = error;
    if (means_its_frame(number)) {
        registers[REG_RAX] = number;
        registers[REG_RIP] -= SYSCALL_BYTES;
        return;
    }
    registers[REG_RAX] = make_call(number, registers);
    dispatch_enter(dispatch); /* the way out is the restorer's call, which is let through */
}

/* Whatever else took SIGSYS since. Returns the C library's way out of a signal handler; 0: it has none. */
static uintptr_t install(void)
{
    struct {
        void (*handler)(int signal_number);
        unsigned long flags;
        uintptr_t restorer;
        uint64_t mask;
    } installed = {0};
    /* NODEFER: a handler of another signal may call the kernel while this one is at work. */
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER};
    void *frames[2];
    (void)backtrace(frames, 2); /* the first use loads a library */
    if (sigaction(SIGSYS, &action, NULL) != 0 ||
        syscall(SYS_rt_sigaction, SIGSYS, NULL, &installed, sizeof(installed.mask)) != 0)
        return 0;
    return installed.restorer;
}

int dispatch_start(struct dispatch *dispatch)
{
    uintptr_t restorer = install();
    if (restorer == 0)
        return -1;
    dispatch_leave(dispatch);
    own = dispatch;
    if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, restorer, RESTORER_BYTES,
              &dispatch->selector) == 0)
        return 0;
    own = NULL;
    return -1;
}

void dispatch_stop(void)
{
    if (own == NULL)
        return;
    dispatch_leave(own);
    (void)prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
    own = NULL;
}

const char *dispatch_missing(void)
{
    static struct dispatch trial;
    if (own != NULL)
        return NULL;
    if (dispatch_start(&trial) != 0)
        return "this kernel has no Syscall User Dispatch";
    dispatch_stop();
    return NULL;
}

bool dispatch_pause(void)
{
    bool inside = own != NULL && atomic_load_explicit(&own->selector, memory_order_relaxed) != 0;
    if (inside)
        dispatch_leave(own);
    return inside;
}

void dispatch_resume(bool was_inside)
{
    if (was_inside)
        dispatch_enter(own);
}

#else

int dispatch_start(struct dispatch *dispatch)
{
    (void)dispatch;
    return -1;
}

void dispatch_stop(void)
{
}

const char *dispatch_missing(void)
{
#if defined(UNDER_TSAN)
    return "the thread sanitizer delays signals";
#else
    return "Syscall User Dispatch is Linux's, on x86-64";
#endif
}

bool dispatch_pause(void)
{
    return false;
}

void dispatch_resume(bool was_inside)
{
    (void)was_inside;
}

#endif
