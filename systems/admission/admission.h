/* Admission: the one gate in front of every page backend. It holds a budget (the machine minus what is
 * granted) and admits a request of n frames iff budget >= floor(class) + n; the debit is one atomic step
 * (F-3, F-6 to F-8).
 *
 *   exact    one compare-and-swap a call. When an admitted call finds nothing, the caches of all CPUs are
 * drained once and the call is tried again. For checks and fuzzing. batched  each CPU draws credits, at most
 * admission_slack() frames of them, and pays from there with one unlocked instruction. The budget is then off
 * by at most slack x CPUs. For benchmarks.
 *
 * Two counters a CPU, so that an allocation and the free that follows do not wait for one another:
 *
 *        budget (shared)  --draw a batch-->  drawn  --alloc-->
 *              ^-------give all back------  room    <--free--      returned = batch - room
 */
#ifndef SYSTEMS_ADMISSION_H
#define SYSTEMS_ADMISSION_H

#include <pagelab/page.h>

enum admission_mode {
    ADMISSION_EXACT,
    ADMISSION_BATCHED,
};

struct admission_cpu {
    PL_CPU_ALIGNED int64_t drawn; /* credits to pay allocations from; negative for an instant when used up */
    int64_t room;                 /* batch minus credits that came back by frees */
    atomic_uint busy;             /* exact and threaded: a call is unfinished on this CPU */
};

struct admission_hooks {
    void *self;
    enum pl_status (*alloc)(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                            struct pl_run *run);
    enum pl_status (*free)(void *self, struct pl_cpu *cpu, const struct pl_run *run);
};

struct admission {
    /* What the fast path reads, in one line. The hooks are the page's, copied. */
    PL_CPU_ALIGNED struct admission_hooks hooks;
    enum admission_mode mode;
    bool threaded; /* exact mode: calls of several CPUs may overlap */
    bool nested;   /* exact mode: an interrupt calls, so no cache is drained under what it interrupted */
    struct pl_page page; /* borrowed */
    const struct pl_machine *machine;
    int64_t batch;
    int64_t slack; /* a batch drawn and a batch returned */
    int64_t floors[PL_CLASS_COUNT];
    PL_CPU_ALIGNED atomic_llong budget;
    atomic_uint draining; /* CPU id + 1 of the one that drains */
    atomic_int nonsense;  /* the last number that a hook returned and that is no status; 0: none was */
    struct admission_cpu cpus[PL_CPU_LIMIT];
};

/* Floors come from machine->floors. `page` must be freshly initialised: nothing granted. */
void admission_init(struct admission *admission, struct pl_page page, const struct pl_machine *machine,
                    enum admission_mode mode);

/* Frames not granted. Exact mode: at any time; batched: when no call is unfinished. */
int64_t admission_free_frames(const struct admission *admission);

/* The most credits that one CPU holds back from the others, in frames; 0 in exact mode. */
int64_t admission_slack(const struct admission *admission);

/* Drains every CPU's cache. The caller sees to it that no other call is unfinished. */
void admission_drain_all(struct admission *admission, struct pl_cpu *cpu);

/* As the page hook; PL_INVALID for a class or order that does not exist. PL_REFUSED comes from the backend.
 */
PL_INLINE enum pl_status admission_alloc(struct admission *admission, struct pl_cpu *cpu,
                                         const struct pl_request *request, struct pl_run *run);
PL_INLINE enum pl_status admission_free(struct admission *admission, struct pl_cpu *cpu,
                                        const struct pl_run *run);
enum pl_status admission_alloc_run(struct admission *admission, struct pl_cpu *cpu,
                                   const struct pl_request *request, const struct pl_constraints *constraints,
                                   struct pl_run *run);

/* Out of line: what the inline pair falls back to. */
enum pl_status admission_alloc_slow(struct admission *admission, struct pl_cpu *cpu,
                                    const struct pl_request *request, struct pl_run *run);
void admission_undo(struct admission *admission, struct pl_cpu *cpu, int64_t frames, enum pl_status status);
void admission_credit_slow(struct admission *admission, struct pl_cpu *cpu);
enum pl_status admission_free_exact(struct admission *admission, struct pl_cpu *cpu,
                                    const struct pl_run *run);
/* Notes a status that is none; returns it. */
enum pl_status admission_note(struct admission *admission, enum pl_status status);

/* In exact mode a CPU never has credits, so every call goes the slow way; an order that does not exist asks
 * for more than any CPU has, or is refused by the backend. */
PL_INLINE enum pl_status admission_alloc(struct admission *admission, struct pl_cpu *cpu,
                                         const struct pl_request *request, struct pl_run *run)
{
    int64_t frames = (int64_t)(UINT64_C(1) << (request->order & 63u));
    if (PL_UNLIKELY(pl_local_sub_is_negative(cpu, &admission->cpus[cpu->id].drawn, frames)))
        return admission_alloc_slow(admission, cpu, request, run);
    enum pl_status status = admission->hooks.alloc(admission->hooks.self, cpu, request, run);
    if (PL_UNLIKELY(status != PL_OK))
        admission_undo(admission, cpu, frames, status);
    return status;
}

PL_INLINE enum pl_status admission_free(struct admission *admission, struct pl_cpu *cpu,
                                        const struct pl_run *run)
{
    if (PL_UNLIKELY(admission->mode != ADMISSION_BATCHED))
        return admission_free_exact(admission, cpu, run);
    enum pl_status status = admission->hooks.free(admission->hooks.self, cpu, run);
    if (PL_UNLIKELY(status != PL_OK))
        return admission_note(admission, status);
    struct admission_cpu *slot = &admission->cpus[cpu->id];
    if (PL_UNLIKELY(pl_local_sub_is_negative(cpu, &slot->room, (int64_t)run->frame_count)))
        admission_credit_slow(admission, cpu);
    return status;
}

#endif
