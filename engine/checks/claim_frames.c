/* The claims' own checks of what is promised about frames; each asserts that promise and no other. */
#include "engine/checks/claim_rig.h"

#include <inttypes.h>
#include <stdio.h>

#define STEPS 600u

static bool holds(const struct claim_rig *rig)
{
    return rig->check->verdict == CHECK_HOLDS;
}

/* The largest order that the checks ask for: the machine has room for a few. */
static uint32_t top_order(const struct claim_rig *rig, uint32_t limit)
{
    return rig->instance.max_order < limit ? rig->instance.max_order : limit;
}

/* --- exact-count --- */

void claim_exact_count(struct check *check)
{
    struct claim_rig rig;
    if (!claim_open(&rig, check))
        return;
    if (!instance_has_count(&rig.instance))
        check_broken(check, "there is no count");
    for (unsigned step = 0; step < STEPS && holds(&rig); step++) {
        struct pl_page_counts counts = {0};
        claim_step(&rig, top_order(&rig, 3));
        rig.instance.page.ops->count(rig.instance.page.self, &counts);
        uint64_t sum = counts.free + counts.metadata + counts.lost;
        if (holds(&rig) && (counts.cached != 0 || sum != shadow_free_frames(&rig.shadow)))
            check_broken(check,
                         "call %u: %" PRIu64 " frames are not granted; count says %" PRIu64 " free, %" PRIu64
                         " cached, %" PRIu64 " metadata, %" PRIu64 " lost",
                         step, shadow_free_frames(&rig.shadow), counts.free, counts.cached, counts.metadata,
                         counts.lost);
    }
    claim_close(&rig);
}

/* --- all-frames --- */

/* Frames of order 0 on one CPU until none comes; then none may be free by the candidate's own count. Without
 * a count all of the machine must have come, after a drain. */
static void exhaust(struct claim_rig *rig, uint32_t cpu)
{
    const struct pl_request request = claim_request(0);
    enum pl_status status = PL_OK;
    while (holds(rig) && (status = claim_take(rig, cpu, &request)) == PL_OK) {
    }
    uint64_t left = claim_counted_free(rig);
    if (holds(rig) && left == UINT64_MAX) {
        claim_drain(rig);
        while (holds(rig) && (status = claim_take(rig, cpu, &request)) == PL_OK) {
        }
        left = shadow_free_frames(&rig->shadow);
    }
    if (holds(rig) && left != 0)
        check_broken(rig->check, "%" PRIu64 " frames are free, and a request of one is %s", left,
                     pl_status_name(status));
}

void claim_all_frames(struct check *check)
{
    struct claim_rig rig;
    if (!claim_open(&rig, check))
        return;
    for (uint32_t round = 0; round < 6 && holds(&rig); round++) {
        for (unsigned step = 0; step < STEPS / 6 && holds(&rig); step++)
            claim_step(&rig, top_order(&rig, round));
        exhaust(&rig, round % 2);
        while (holds(&rig) && rig.run_count > 20)
            (void)claim_give(&rig, round % 2, check_number(&rig.seed) % rig.run_count);
    }
    claim_close(&rig);
}

/* --- complete --- */

void claim_complete(struct check *check)
{
    struct claim_rig rig;
    if (!claim_open(&rig, check))
        return;
    for (unsigned round = 0; round < 40 && holds(&rig); round++) {
        for (unsigned step = 0; step < STEPS / 40 && holds(&rig); step++)
            claim_step(&rig, top_order(&rig, 4));
        claim_drain(&rig);
        for (uint32_t order = top_order(&rig, 16) + 1; order-- > 0 && holds(&rig);) {
            const struct pl_request request = claim_request(order);
            if (!shadow_has_block(&rig.shadow, order))
                continue;
            enum pl_status status = claim_take(&rig, round % 2, &request);
            if (holds(&rig) && status != PL_OK)
                check_broken(check,
                             "a free aligned block of order %" PRIu32 " is there, and the answer is %s",
                             order, pl_status_name(status));
        }
        while (holds(&rig) && rig.run_count > 30)
            (void)claim_give(&rig, round % 2, check_number(&rig.seed) % rig.run_count);
    }
    claim_close(&rig);
}

/* --- checks-free --- */

/* A free of what is no whole grant; `what` names the mistake. */
static void free_wrongly(struct claim_rig *rig, struct pl_run run, const char *what)
{
    const struct pl_page *page = &rig->instance.page;
    if (!holds(rig))
        return;
    run.flags = 0;
    enum pl_status status = page->ops->free(page->self, native_cpu(rig->native, 0), &run);
    if (status != PL_REFUSED)
        check_broken(rig->check, "0x%" PRIx64 "+%" PRIu64 " is freed %s: %s", run.first.number,
                     run.frame_count, what, pl_status_name(status));
}

/* Frames that nobody could have been granted: behind the last, before the first, in the first hole. */
static void free_foreign(struct claim_rig *rig)
{
    const struct pl_machine *machine = rig->machine;
    struct pl_run run = {.first = {machine->first.number + machine->span}, .frame_count = 1};
    free_wrongly(rig, run, "though it is no frame of the machine");
    run.first.number = machine->first.number - 1;
    if (machine->first.number > 0)
        free_wrongly(rig, run, "though the machine begins behind it");
    run.first.number = machine->first.number + machine->ranges[0].frame_count;
    if (machine->range_count > 1)
        free_wrongly(rig, run, "though it is in a hole");
}

void claim_checks_free(struct check *check)
{
    struct claim_rig rig;
    if (!claim_open_widest(&rig, check))
        return;
    uint32_t top = top_order(&rig, 3);
    for (unsigned step = 0; step < STEPS && holds(&rig); step++) {
        claim_step(&rig, top);
        if (step % 8 != 0 || rig.run_count == 0 || !holds(&rig))
            continue;
        struct pl_run run = rig.runs[rig.run_count - 1];
        if (top > 0 && run.order > 0) {
            struct pl_run part = {
                .first = run.first, .frame_count = run.frame_count / 2, .order = run.order - 1};
            free_wrongly(&rig, part, "by half");
            part = (struct pl_run){.first = {run.first.number + 1}, .frame_count = 1};
            free_wrongly(&rig, part, "from the inside");
        }
        if (holds(&rig) && claim_give(&rig, 0, rig.run_count - 1))
            free_wrongly(&rig, run, "twice");
        free_foreign(&rig);
        if (holds(&rig))
            (void)claim_audit(&rig);
    }
    claim_close(&rig);
}

/* --- split --- */

/* The last grant becomes parts, half of which are freed and granted again. */
static void split_last(struct claim_rig *rig, uint32_t order)
{
    const struct pl_page *page = &rig->instance.page;
    struct pl_run whole = rig->runs[rig->run_count - 1];
    enum pl_status status = page->ops->split(page->self, native_cpu(rig->native, 0), &whole, order);
    if (status != PL_OK) {
        check_broken(rig->check, "a grant of order %" PRIu32 " cannot be split into order %" PRIu32 ": %s",
                     whole.order, order, pl_status_name(status));
        return;
    }
    rig->run_count--;
    uint64_t part_frames = UINT64_C(1) << order;
    for (uint64_t at = 0; at < whole.frame_count; at += part_frames)
        rig->runs[rig->run_count++] =
            (struct pl_run){.first = {whole.first.number + at}, .frame_count = part_frames, .order = order};
    for (uint64_t parts = whole.frame_count / part_frames / 2; parts > 0 && holds(rig); parts--) {
        struct pl_run part = rig->runs[rig->run_count - parts];
        if (!claim_give(rig, 1, rig->run_count - parts))
            check_broken(rig->check, "part 0x%" PRIx64 "+%" PRIu64 " of a split grant cannot be freed",
                         part.first.number, part.frame_count);
    }
}

void claim_split(struct check *check)
{
    struct claim_rig rig;
    if (!claim_open(&rig, check))
        return;
    if (rig.instance.page.ops->split == NULL)
        check_broken(check, "there is no hook");
    for (uint32_t order = 1; order <= top_order(&rig, 5) && holds(&rig); order++) {
        for (uint32_t to = 0; to < order && holds(&rig); to++) {
            const struct pl_request request = claim_request(order);
            if (claim_take(&rig, 0, &request) == PL_OK)
                split_last(&rig, to);
            if (holds(&rig) && !claim_give_all(&rig))
                check_broken(check, "a part of a split grant cannot be freed");
            if (holds(&rig))
                (void)claim_audit(&rig);
        }
    }
    if (holds(&rig) && top_order(&rig, 5) == 0)
        check_na(check, "only order 0 is served: there is nothing to split");
    claim_close(&rig);
}

/* --- runs --- */

static void judge_run(struct claim_rig *rig, const struct pl_constraints *want, enum pl_status status)
{
    const struct pl_run *run = &rig->runs[rig->run_count - 1];
    bool possible = shadow_has_run(&rig->shadow, want, true);
    bool may_fail = status == PL_NO_MEMORY || (status == PL_NEVER && !possible);
    if (status != PL_OK && !may_fail)
        check_broken(rig->check, "%" PRIu64 " frames, which an empty machine %s: %s", want->frame_count,
                     possible ? "has" : "has not", pl_status_name(status));
    if (status != PL_OK)
        return;
    uint64_t last = run->first.number + want->frame_count - 1;
    bool crosses = want->boundary != 0 && run->first.number / want->boundary != last / want->boundary;
    if (run->frame_count != want->frame_count || run->first.number % want->alignment != 0 || crosses ||
        run->first.number < want->low.number || last >= want->high.number)
        check_broken(rig->check,
                     "%" PRIu64 " frames of [0x%" PRIx64 ", 0x%" PRIx64 "), alignment %" PRIu64
                     ", boundary %" PRIu64 ": granted 0x%" PRIx64 "+%" PRIu64,
                     want->frame_count, want->low.number, want->high.number, want->alignment, want->boundary,
                     run->first.number, run->frame_count);
}

void claim_runs(struct check *check)
{
    struct claim_rig rig;
    if (!claim_open(&rig, check))
        return;
    if (rig.instance.page.ops->alloc_run == NULL)
        check_broken(check, "there is no hook");
    unsigned granted = 0;
    for (unsigned step = 0; step < STEPS && holds(&rig); step++) {
        uint32_t dice = check_number(&rig.seed);
        struct pl_constraints want = {
            .frame_count = 1 + dice % 11,
            .low = {rig.machine->first.number + (dice & 32 ? 32 + dice % 61 : 0)},
            .high = {dice & 64 ? rig.machine->first.number + rig.machine->span - 50 : UINT64_MAX},
            .alignment = UINT64_C(1) << (check_number(&rig.seed) % 5),
            .boundary = dice & 128 ? 16 : 0,
        };
        enum pl_status status = claim_take_run(&rig, step % 2, &want);
        if (holds(&rig))
            judge_run(&rig, &want, status);
        granted += status == PL_OK;
        while (holds(&rig) && rig.run_count > 12)
            (void)claim_give(&rig, step % 2, dice % rig.run_count);
    }
    if (holds(&rig) && granted == 0)
        check_broken(check, "no run was granted, on a machine that is nearly empty");
    claim_close(&rig);
}
