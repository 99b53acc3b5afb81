/* The claims' own checks of machines: holes, a first frame other than 0, nodes. Who claims a shape takes it,
 * and grants frames of its ranges and no others. */
#include "engine/checks/claim_rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/isolate.h"

#define PLAIN_LIMIT_S 30u

static bool holds(const struct claim_rig *rig)
{
    return rig->check->verdict == CHECK_HOLDS;
}

/* A grant outside the ranges is what these claims are about. */
static void own_up(struct check *check)
{
    if (check->verdict == CHECK_BROKEN && strncmp(check->ids, "X-1", 3) == 0)
        snprintf(check->ids, sizeof(check->ids), "%s", check->id);
}

/* Everything from the largest order down, the audit before and behind; then everything back. NULL: a machine
 * without holes, from frame 0, with one node. */
static void fill(struct check *check, const struct native_shape *shape)
{
    struct claim_rig rig;
    if (!(shape == NULL ? claim_open(&rig, check) : claim_open_shape(&rig, check, shape)))
        return;
    for (unsigned round = 0; round < 2 && holds(&rig); round++) {
        (void)claim_audit(&rig);
        for (uint32_t order = rig.instance.max_order + 1; order-- > 0 && holds(&rig);) {
            const struct pl_request request = claim_request(order);
            while (holds(&rig) && claim_take(&rig, round, &request) == PL_OK) {
            }
        }
        if (holds(&rig) && rig.run_count == 0)
            check_broken(check, "no frame of this machine is granted");
        if (holds(&rig) && (rig.instance.caps & PL_CAP_ALL_FRAMES) &&
            claim_counted_free(&rig) == UINT64_MAX && shadow_free_frames(&rig.shadow) != 0)
            check_broken(check, "%" PRIu64 " frames of the ranges are never granted",
                         shadow_free_frames(&rig.shadow));
        (void)(holds(&rig) && claim_audit(&rig) && claim_give_all(&rig));
    }
    if (shape != NULL)
        own_up(check);
    claim_close(&rig);
}

static void fill_plain(void *argument, void *result)
{
    struct check *check = result;
    *check = *(const struct check *)argument;
    fill(check, NULL);
}

/* Is it whole on the plain machine, so that what breaks on another one is of the shape? In a process of its
 * own: some candidates have one instance in each. */
static bool is_plain_whole(struct check *check)
{
    struct check plain = *check;
    struct check argument = *check;
    char how[100] = "";
    enum isolate_outcome outcome =
        isolate_run(fill_plain, &argument, &plain, sizeof(plain), PLAIN_LIMIT_S, NULL, how, sizeof(how));
    if (outcome == ISOLATE_DONE && plain.verdict != CHECK_BROKEN)
        return true;
    if (outcome == ISOLATE_NO_PROCESS) {
        check_na(check, "no process can be had");
        return false;
    }
    check->verdict = CHECK_BROKEN;
    if (outcome == ISOLATE_DONE) {
        snprintf(check->words, sizeof(check->words), "on a plain machine: %.360s", plain.words);
        snprintf(check->ids, sizeof(check->ids), "%s", strcmp(plain.ids, check->id) == 0 ? "" : plain.ids);
    } else {
        snprintf(check->words, sizeof(check->words), "on a plain machine the process of this check died: %s",
                 how);
        check->ids[0] = '\0';
    }
    return false;
}

void claim_holes(struct check *check)
{
    static const struct native_shape shape = {.ranges = {{.frame_count = 100},
                                                         {.first = {111}, .frame_count = 61},
                                                         {.first = {173}, .frame_count = 37}},
                                              .range_count = 3,
                                              .cpu_count = 2};
    if (is_plain_whole(check))
        fill(check, &shape);
}

void claim_base(struct check *check)
{
    static const struct native_shape odd = {
        .ranges = {{.first = {0x1234567}, .frame_count = 100}}, .range_count = 1, .cpu_count = 2};
    static const struct native_shape high = {
        .ranges = {{.first = {UINT64_C(1) << 33}, .frame_count = 128}}, .range_count = 1, .cpu_count = 2};
    if (is_plain_whole(check))
        fill(check, &odd);
    /* Once more, where the process can have another instance. */
    if (check->verdict == CHECK_HOLDS && !(spec_base(check->spec)->page->caps & PL_CAP_ONE_INSTANCE))
        fill(check, &high);
}

/* Frames of one node only until there are none. */
static void use_up(struct claim_rig *rig, uint16_t node)
{
    struct pl_request request = claim_request(0);
    uint64_t frames = 0;
    enum pl_status status = PL_OK;
    request.node = node;
    request.flags = PL_REQUEST_NODE_ONLY;
    while (holds(rig) && (status = claim_take(rig, 0, &request)) == PL_OK) {
        pl_frame first = rig->runs[rig->run_count - 1].first;
        frames++;
        if (pl_machine_node(rig->machine, first) != node)
            check_broken(rig->check, "node %u and no other is asked for: 0x%" PRIx64 " is of node %u", node,
                         first.number, pl_machine_node(rig->machine, first));
    }
    if (holds(rig) && (frames == 0 || status != PL_NO_MEMORY))
        check_broken(rig->check, "node %u, after %" PRIu64 " frames: %s", node, frames,
                     pl_status_name(status));
}

/* Two nodes; each is used up by name, then the smaller one is wished for and the other one serves. */
void claim_nodes(struct check *check)
{
    static const struct native_shape shape = {
        .ranges = {{.frame_count = 96}, {.first = {128}, .frame_count = 32, .node = 1}},
        .range_count = 2,
        .cpu_count = 2};
    struct claim_rig rig;
    if (!is_plain_whole(check) || !claim_open_shape(&rig, check, &shape))
        return;
    struct pl_request wish = claim_request(0);
    wish.node = 1;
    use_up(&rig, 1);
    if (holds(&rig) && claim_take(&rig, 0, &wish) != PL_OK && holds(&rig))
        check_broken(check, "node 1 is used up, and the other one is not asked");
    if (holds(&rig))
        use_up(&rig, 0);
    (void)(holds(&rig) && claim_audit(&rig) && claim_give_all(&rig) && claim_audit(&rig));
    own_up(check);
    claim_close(&rig);
}
