/* What was found: judged by a run of its own, told apart from what was found before, stored so that anybody
 * can see it again. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/finding_note.h"
#include "engine/program.h"
#include "fuzz/campaign_internal.h"

struct campaign_finding *campaign_finding_place(struct campaign *campaign)
{
    struct campaign_result *result = campaign->result;
    if (result->finding_count == result->finding_room) {
        uint32_t room = result->finding_room == 0 ? 16 : 2 * result->finding_room;
        struct campaign_finding *findings = realloc(result->findings, room * sizeof(*findings));
        if (findings == NULL) {
            (void)campaign_fail(campaign, 2, "out of memory for findings");
            return NULL;
        }
        result->findings = findings;
        result->finding_room = room;
    }
    struct campaign_finding *finding = &result->findings[result->finding_count];
    memset(finding, 0, sizeof(*finding));
    return finding;
}

/* Same promise broken by the same operation; or, where there is neither, the same words. NULL: a new one. */
static struct campaign_finding *find_known(const struct campaign_pair *pair,
                                           const struct campaign_verdict *verdict)
{
    struct campaign_result *result = pair->campaign->result;
    for (uint32_t i = 0; i < result->finding_count; i++) {
        struct campaign_finding *finding = &result->findings[i];
        if (strcmp(finding->backend, pair->backend) == 0 && strcmp(finding->ids, verdict->ids) == 0 &&
            strcmp(finding->op, verdict->op) == 0 &&
            (verdict->op[0] != '\0' || strcmp(finding->summary, verdict->summary) == 0))
            return finding;
    }
    return NULL;
}

static void write_text(const struct campaign_finding *finding, const uint8_t *bytes, size_t byte_count)
{
    struct op ops[PROGRAM_OP_LIMIT];
    struct program program;
    struct finding_note note;
    FILE *file = fopen(finding->text_path, "w");
    if (file == NULL)
        return;
    snprintf(note.ids, sizeof(note.ids), "%s", finding->ids);
    snprintf(note.op, sizeof(note.op), "%s", finding->op);
    snprintf(note.backend, sizeof(note.backend), "%s", finding->backend);
    snprintf(note.target, sizeof(note.target), "%s", fuzz_target_names[finding->target]);
    snprintf(note.summary, sizeof(note.summary), "%s", finding->summary);
    program_decode(bytes, byte_count, ops, &program);
    program_print(&program, file);
    finding_note_print(&note, file);
    fprintf(file, "# found by %s after %.1f s; to see it again: %s\n", campaign_engine_names[finding->engine],
            finding->after_s, finding->replay);
    fputs("# A library that needs contents gets this machine with ranges 16 times as large.\n", file);
    fclose(file);
}

static void write_replay(struct campaign_finding *finding)
{
    const char *tso = getenv("PAGELAB_TSO"); /* the drivers have it from here: schedule_target.c */
    bool buffered = tso != NULL && strcmp(tso, "1") == 0;
    const char *schedule = finding->target == FUZZ_SCHEDULE_ALL        ? " --schedule --admitted"
                           : fuzz_target_has_schedule(finding->target) ? " --schedule"
                                                                       : "";
    char options[64];
    snprintf(options, sizeof(options), "%s%s", schedule, schedule[0] != '\0' && buffered ? " --tso" : "");
    finding_note_replay(finding->path, finding->backend, options, finding->replay, sizeof(finding->replay));
}

/* The names in `dir`, and the input there. False: it cannot be written. */
static bool store_in(const char *dir, struct campaign_finding *finding, const uint8_t *bytes,
                     size_t byte_count)
{
    char backend[CAMPAIGN_NAME_BYTES];
    char id[64];
    campaign_safe_name(finding->backend, backend, sizeof(backend));
    campaign_safe_name(finding->ids, id, sizeof(id));
    id[strcspn(id, "_")] = '\0';
    unsigned hash = (unsigned)(campaign_hash(bytes, byte_count) & 0xffffffffu);
    const char *target = fuzz_target_names[finding->target];
    return campaign_path(finding->path, "%s/%s-%s-%s-%08x.bin", dir, backend, target, id, hash) &&
           campaign_path(finding->text_path, "%s/%s-%s-%s-%08x.txt", dir, backend, target, id, hash) &&
           campaign_write(finding->path, bytes, byte_count) == 0;
}

/* Where it belongs; if that cannot be written to (a full disk), in a folder for temporary files, and the
 * campaign ends: what it does not keep is of no use. */
static void store(struct campaign_pair *pair, struct campaign_finding *finding, const uint8_t *bytes,
                  size_t byte_count)
{
    const char *other = getenv("TMPDIR");
    if (!store_in(pair->out, finding, bytes, byte_count)) {
        int error = errno;
        if (store_in(other == NULL ? "/tmp" : other, finding, bytes, byte_count)) {
            (void)campaign_fail(pair->campaign, 2,
                                "%.200s: a finding cannot be written: %s; it is in %.200s instead", pair->out,
                                strerror(error), finding->path);
        } else {
            pair->campaign->unstored = true;
            (void)campaign_fail(
                pair->campaign, 2,
                "%.200s: a finding cannot be written: %s; what the engine kept stays in %.200s", pair->out,
                strerror(error), pair->work);
        }
    }
    write_replay(finding);
    write_text(finding, bytes, byte_count);
}

static void remember(struct campaign_pair *pair, struct campaign_worker *worker,
                     const struct campaign_verdict *verdict, const uint8_t *bytes, size_t byte_count)
{
    struct campaign *campaign = pair->campaign;
    struct campaign_result *result = campaign->result;
    struct campaign_finding *known = find_known(pair, verdict);
    if (known != NULL) {
        if (known->known && !known->again)
            campaign_say(campaign, "finding %s on %s again, as in %s", known->ids, known->backend,
                         known->path);
        known->again = true;
        return;
    }
    struct campaign_finding *finding = campaign_finding_place(campaign);
    if (finding == NULL) {
        campaign->unstored = true;
        result->new_count++;
        return;
    }
    finding->engine = worker == NULL ? CAMPAIGN_LIBFUZZER : worker->lane->engine;
    finding->after_s = worker == NULL ? 0 : worker->lane->used + campaign_now() - worker->started;
    snprintf(finding->backend, sizeof(finding->backend), "%s", pair->backend);
    finding->target = pair->target;
    memcpy(finding->ids, verdict->ids, sizeof(finding->ids));
    memcpy(finding->op, verdict->op, sizeof(finding->op));
    memcpy(finding->summary, verdict->summary, sizeof(finding->summary));
    store(pair, finding, bytes, byte_count);
    result->finding_count++;
    result->new_count++;
    if (worker != NULL)
        worker->lane->findings++;
    campaign_say(campaign, "finding %s%s%s on %s, target %s, after %.1f s (%s): %s", finding->ids,
                 finding->op[0] == '\0' ? "" : " by ", finding->op, finding->backend,
                 fuzz_target_names[finding->target], finding->after_s,
                 worker == NULL ? "a seed" : campaign_engine_names[finding->engine], finding->summary);
    campaign_say(campaign, "  stored %s, its text %s", finding->path, finding->text_path);
    campaign_say(campaign, "  replay %s", finding->replay);
}

bool campaign_take_input(struct campaign_pair *pair, struct campaign_worker *worker, const char *input,
                         bool hang)
{
    struct campaign_verdict verdict;
    uint8_t bytes[PROGRAM_BYTES_MAX]; /* what lies behind is never read */
    if (access(input, R_OK) != 0)
        return false;
    size_t byte_count = campaign_read(input, false, bytes, sizeof(bytes));
    campaign_judge(pair, worker == NULL ? campaign_plain_build(pair->campaign) : worker->lane->build, &input,
                   1, &verdict);
    if (verdict.cut) {
        pair->campaign->unstored = true;
        return false;
    }
    if (!verdict.bad && (hang || worker == NULL))
        return false; /* a slow moment of this machine; a seed that is fine */
    bool bad = verdict.bad;
    if (!bad) {
        snprintf(verdict.ids, sizeof(verdict.ids), "unrepeated");
        snprintf(verdict.summary, sizeof(verdict.summary), "failed under %s, but not when run again alone",
                 campaign_engine_names[worker->lane->engine]);
    }
    if (!pair->canary)
        remember(pair, worker, &verdict, bytes, byte_count);
    return bad;
}
