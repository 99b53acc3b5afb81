/* Whether an allocation's outcome was due, and what it may have changed beside the page. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/oracle/vm_wish.h"

/* --- the floors --- */

/* Would a lower class have been admitted? Then this one had to be (F-4). */
static bool lower_is_admitted(const struct vm_oracle *self, const struct vm_wish *wish, uint64_t free_frames)
{
    const struct pl_floors *floors = &self->node->machine->floors;
    bool normal = free_frames >= floors->normal + wish->frames;
    bool system = free_frames >= floors->system + wish->frames;
    return (wish->alloc_class == PL_CLASS_SYSTEM && normal) ||
           (wish->alloc_class == PL_CLASS_INTERRUPT && (normal || system));
}

/* Which numbers a wrong answer breaks depends on who asked for how much, and how near the edge. */
static void wrong_admission(const struct vm_oracle *self, const struct vm_wish *wish,
                            const struct vm_before *before, const struct vm_outcome *outcome,
                            struct finding *finding)
{
    static const char *const single[PL_CLASS_COUNT] = {
        [PL_CLASS_NORMAL] = "F-3c", [PL_CLASS_SYSTEM] = "F-3b", [PL_CLASS_INTERRUPT] = "F-3a"};
    uint64_t free_frames = before->free_frames;
    uint64_t edge = wish->floor + wish->frames;
    bool near = free_frames + 1 >= edge && free_frames <= edge + 1;
    bool refused = outcome->page == NULL;
    char ids[48];
    snprintf(ids, sizeof(ids), "%s%s%s%s%s%s%s%s", (wish->req & 3u) == 3u ? "F-27 " : "",
             wish->daemon ? "F-5 " : "", wish->hint > 1 ? "F-26 " : "",
             refused && lower_is_admitted(self, wish, free_frames) ? "F-4 " : "",
             wish->frames > 1 ? "F-8" : "F-3 ", wish->frames > 1 ? "" : single[wish->alloc_class],
             refused ? "" : " F-7", near ? " X-7" : "");
    finding_set(finding, ids, "");
    finding_expected(finding, "%" PRIu64 " free, floor %" PRIu64 ", %" PRIu64 " wanted: %s", free_frames,
                     wish->floor, wish->frames, refused ? "granted" : "no-memory");
    finding_actual(finding, "%s", pl_status_name(outcome->status));
}

/* "Never" is for runs that no state of this machine has. */
static void check_never(const struct vm_oracle *self, const struct vm_wish *wish, struct finding *finding)
{
    const struct freebsd_bounds *bounds = &wish->bounds;
    uint64_t offset = self->node->gate.frame_offset;
    if (bounds->boundary != 0 && bounds->boundary / PL_FRAME_BYTES < wish->frames)
        return;
    if (bounds->low > UINT64_MAX - PL_FRAME_BYTES)
        return;
    struct pl_constraints c = {
        .frame_count = wish->frames,
        .low = {(bounds->low + PL_FRAME_BYTES - 1) / PL_FRAME_BYTES - (bounds->low == 0 ? 0 : offset)},
        .high = {bounds->high == UINT64_MAX ? UINT64_MAX : bounds->high / PL_FRAME_BYTES - offset},
        .alignment = bounds->alignment <= PL_FRAME_BYTES ? 1 : bounds->alignment / PL_FRAME_BYTES,
        .boundary = bounds->boundary / PL_FRAME_BYTES,
    };
    if (!wish->run || shadow_has_run(self->node->shadow, &c, true)) {
        finding_set(finding, "F-24", "an empty machine has such a run, so the answer is not 'never'");
        finding_actual(finding, "never");
    }
}

static void check_status(const struct vm_oracle *self, const struct vm_wish *wish,
                         const struct vm_outcome *outcome, struct finding *finding)
{
    enum pl_status status = outcome->status;
    bool no_runs = wish->run && !(self->node->instance->caps & PL_CAP_RUNS);
    enum pl_status denied = wish->req & FREEBSD_ALLOC_WAITOK ? PL_WOULD_SLEEP : PL_NO_MEMORY;
    bool legal = status == denied || status == PL_NEVER || (status == PL_UNSUPPORTED && no_runs);
    if (!legal) {
        finding_set(finding, "F-17 X-3", "no-memory; would-sleep for WAITOK; unsupported without runs");
        finding_actual(finding, "%s", pl_status_name(status));
    } else if (status == PL_NEVER) {
        check_never(self, wish, finding);
    }
}

/* Free frames just after the grant, before index nodes took theirs. A call that slept makes no nodes. */
static uint64_t frames_after(const struct vm_oracle *self, const struct vm_before *before,
                             const struct vm_outcome *outcome)
{
    uint64_t node_pages = outcome->slept == 0 ? self->vm.nodes.pages - before->node_pages : 0;
    return vm_free_frames(self) + node_pages;
}

void vm_check_admission(struct vm_oracle *self, const struct vm_wish *wish, const struct vm_before *before,
                        const struct vm_outcome *outcome, struct finding *finding)
{
    bool granted = outcome->page != NULL;
    bool beneath =
        granted && !wish->arena && outcome->slept == 0 && before->free_frames < wish->floor + wish->frames;
    if (finding->found || outcome->due == VM_DUE_TRAP)
        return;
    if (outcome->due == VM_DUE_VETO) {
        if (granted || outcome->status != PL_REFUSED) {
            finding_set(finding, "F-17", "the pager vetoes: refused, and nothing is changed");
            finding_actual(finding, "%s", pl_status_name(outcome->status));
        }
    } else if ((outcome->due == VM_DUE_REFUSAL && granted) || (outcome->due == VM_DUE_GRANT && !granted) ||
               beneath) {
        wrong_admission(self, wish, before, outcome, finding);
    } else if (outcome->due == VM_DUE_NODE && granted) {
        finding_set(finding, "F-17 F-16", "no frame is left for an index node, so the insertion fails");
        finding_actual(finding, "granted");
    } else if (!granted) {
        check_status(self, wish, outcome, finding);
    } else if (!wish->arena && frames_after(self, before, outcome) < wish->floor) {
        finding_set(finding, "F-7", "");
        finding_expected(finding, "at least %" PRIu64 " frames stay free", wish->floor);
        finding_actual(finding, "%" PRIu64, vm_free_frames(self));
    }
}

/* --- sleeping --- */

void vm_check_sleep(struct vm_oracle *self, const struct vm_wish *wish, const struct pl_cpu *cpu,
                    const struct vm_before *before, const struct vm_outcome *outcome, struct finding *finding)
{
    bool failed = outcome->page == NULL && outcome->status == PL_NO_MEMORY;
    if (finding->found)
        return;
    if ((wish->req & FREEBSD_ALLOC_WAIT_FLAGS) == 0 || outcome->due == VM_DUE_TRAP ||
        outcome->due == VM_DUE_VETO || outcome->due == VM_DUE_GRANT) {
        vm_check_no_sleep(self, cpu, before, finding);
    } else if ((wish->req & FREEBSD_ALLOC_WAIT_FLAGS) == FREEBSD_ALLOC_WAITFAIL &&
               outcome->slept != (failed ? 1 : 0)) {
        finding_set(finding, "F-19", "WAITFAIL sleeps once, after a failure, and then fails");
        finding_actual(finding, "it slept %" PRIu64 " times and returned %s", outcome->slept,
                       outcome->page == NULL ? "NULL" : "a page");
    }
}

/* --- counts --- */

/* Frames that a grant takes for the page; what an import takes is known only afterwards. */
static bool is_debit_right(const struct vm_wish *wish, const struct vm_outcome *outcome, uint64_t free_before)
{
    uint64_t block = UINT64_C(1) << FREEBSD_NOFREE_ORDER;
    if (wish->arena)
        return outcome->debit == 0;
    if (outcome->debit == wish->frames)
        return true;
    return !wish->run && wish->req & FREEBSD_ALLOC_NOFREE && outcome->debit == block &&
           free_before >= wish->floor + block;
}

static void check_debit(struct vm_oracle *self, const struct vm_wish *wish, const struct vm_before *before,
                        const struct vm_outcome *outcome, struct finding *finding)
{
    if (finding->found)
        return;
    if (gate_free_frames(&self->node->gate) != vm_free_frames(self)) {
        finding_set(finding, "F-6 F-2", "");
        finding_expected(finding, "%" PRIu64 " frames are not granted", vm_free_frames(self));
        finding_actual(finding, "the free count is %" PRIu64, gate_free_frames(&self->node->gate));
    } else if (outcome->slept != 0) {
        return;
    } else if (outcome->page == NULL &&
               (vm_free_frames(self) != before->free_frames || self->vm.nodes.pages != before->node_pages)) {
        finding_set(finding, "F-6 F-17 X-3", "a failed call takes no frame");
        finding_actual(finding, "%" PRIu64 " frames were free, now %" PRIu64, before->free_frames,
                       vm_free_frames(self));
    } else if (outcome->page != NULL && !is_debit_right(wish, outcome, before->free_frames)) {
        finding_set(finding, "F-6", "");
        finding_expected(finding, "%" PRIu64 " frames are debited", wish->arena ? 0 : wish->frames);
        finding_actual(finding, "%" PRIu64, outcome->debit);
    }
}

/* Every failed attempt raises it, whatever it waits for (2.5); who lacks a node, or has a veto, has not
 * failed for frames. */
static void check_deficit(struct vm_oracle *self, const struct vm_wish *wish, const struct vm_before *before,
                          const struct vm_outcome *outcome, struct finding *finding)
{
    bool waits = (wish->req & FREEBSD_ALLOC_WAITOK) != 0;
    bool node = self->vm.node_failures != before->node_failures;
    uint64_t attempts = 0;
    if (waits)
        attempts = outcome->slept;
    else if (outcome->status == PL_NO_MEMORY && !node)
        attempts = 1;
    uint64_t due = before->deficit + attempts * wish->hint;
    if (finding->found || self->vm.deficit == due)
        return;
    finding_set(finding, "F-26", "");
    finding_expected(finding, "deficit %" PRIu64 ": %" PRIu64 " more for each of %" PRIu64 " failed attempts",
                     due, (uint64_t)wish->hint, attempts);
    finding_actual(finding, "%" PRIu64, self->vm.deficit);
}

static bool falls(uint64_t from, uint64_t to, uint64_t threshold)
{
    return from >= threshold && to < threshold;
}

static void check_thresholds(struct vm_oracle *self, const struct vm_wish *wish,
                             const struct vm_before *before, const struct vm_outcome *outcome,
                             struct finding *finding)
{
    const struct vm_thresholds *at = &self->thresholds;
    bool plain = !(wish->req & FREEBSD_ALLOC_NOFREE) && !wish->arena;
    bool node = self->vm.node_failures != before->node_failures;
    uint64_t to = vm_free_frames(self);
    uint64_t from = outcome->slept == 0 ? before->free_frames : to + wish->frames;
    if (finding->found || (node && (wish->frames > 1 || !plain)))
        return;
    if (node) { /* the frame was taken and given back */
        from = before->free_frames;
        to = from - 1;
    } else if (outcome->page == NULL) {
        to = from;
    }
    if (outcome->slept != 0 && !plain)
        return;
    uint64_t due = before->wakeups + falls(from, to, at->wakeup);
    if (self->vm.wakeups != due) {
        finding_set(finding, "F-25", "");
        finding_expected(finding,
                         "free went from %" PRIu64 " to %" PRIu64 ", threshold %" PRIu64 ": %" PRIu64
                         " wake-ups so far",
                         from, to, at->wakeup, due);
        finding_actual(finding, "%" PRIu64, self->vm.wakeups);
    } else if (outcome->page != NULL && ((falls(from, to, at->min) && !self->vm.in_min_set) ||
                                         (falls(from, to, at->severe) && !self->vm.in_severe_set))) {
        finding_set(finding, "F-25", "below free_min (free_severe) the domain is in the min (severe) set");
        finding_actual(finding, "min %d, severe %d at %" PRIu64 " free", self->vm.in_min_set,
                       self->vm.in_severe_set, to);
    }
}

void vm_check_effects(struct vm_oracle *self, const struct vm_wish *wish, const struct vm_before *before,
                      const struct vm_outcome *outcome, struct finding *finding)
{
    check_debit(self, wish, before, outcome, finding);
    check_deficit(self, wish, before, outcome, finding);
    check_thresholds(self, wish, before, outcome, finding);
}
