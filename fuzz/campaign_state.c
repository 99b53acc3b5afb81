/* What a campaign leaves for the next one in its folder: a lock while it works, how far its lanes are, and
 * the findings, which are known by the notes in their texts. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <pagelab/compiler.h>

#include "engine/finding_note.h"
#include "fuzz/campaign_internal.h"

#define HEAD            "pagelab campaign 1\n"
#define STATE_BYTES_MAX (1u << 20)

int campaign_lock(struct campaign *campaign, const char *dir)
{
    char path[CAMPAIGN_PATH_BYTES];
    char owner[24] = "";
    if (campaign_make_dirs(dir) != 0)
        return campaign_fail(campaign, 2, "%.300s: a directory that can be written to expected: %s", dir,
                             strerror(errno));
    int file = campaign_path(path, "%s/lock", dir) ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (file < 0)
        return campaign_fail(campaign, 2, "%.300s: a directory that can be written to expected: %s", dir,
                             strerror(errno));
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        (void)campaign_read(path, false, owner, sizeof(owner) - 1);
        close(file);
        return campaign_fail(campaign, 2,
                             "%.300s: another campaign works there (process %.*s); another folder expected",
                             dir, (int)strcspn(owner, "\n"), owner);
    }
    if (ftruncate(file, 0) == 0)
        dprintf(file, "%ld\n", (long)getpid());
    campaign->locks[campaign->lock_count++] = file;
    return 0;
}

void campaign_unlock(struct campaign *campaign)
{
    while (campaign->lock_count > 0)
        close(campaign->locks[--campaign->lock_count]);
}

bool campaign_state_has_room(struct campaign *campaign)
{
    uint64_t room;
    uint64_t least = campaign->options->free_bytes == 0 ? CAMPAIGN_FREE_BYTES : campaign->options->free_bytes;
    if (campaign_has_room(campaign->root, least, &room))
        return true;
    (void)campaign_fail(campaign, 2,
                        "%.200s: the disk is as good as full, %" PRIu64 " MiB free, %" PRIu64
                        " MiB expected; --resume goes on when there is room",
                        campaign->root, room >> 20, least >> 20);
    return false;
}

/* --- how far the lanes are --- */

/* What a lane is, up to its numbers. */
static void lane_name(const struct campaign_lane *lane, char *name, size_t bytes)
{
    snprintf(name, bytes, "lane %s %s %s %u share %.3f of %s\n", fuzz_target_names[lane->pair->target],
             campaign_engine_names[lane->engine], campaign_build_names[lane->build], lane->index, lane->share,
             lane->pair->backend);
}

void campaign_state_write(struct campaign *campaign)
{
    char path[CAMPAIGN_PATH_BYTES];
    char fresh[CAMPAIGN_PATH_BYTES];
    char name[CAMPAIGN_NAME_BYTES + 120];
    FILE *file = campaign_path(path, "%s/state", campaign->root) &&
                         campaign_path(fresh, "%s/state.new", campaign->root)
                     ? fopen(fresh, "w")
                     : NULL;
    if (file == NULL)
        return; /* a folder that is full or gone has its own line */
    fputs(HEAD, file);
    for (uint32_t i = 0; i < campaign->lane_count; i++) {
        const struct campaign_lane *lane = &campaign->lanes[i];
        const struct campaign_counts *counts = &lane->counts;
        lane_name(lane, name, sizeof(name));
        fprintf(file,
                "%s used %.1f slices %u findings %u executions %" PRIu64 " coverage %" PRIu64
                " corpus %" PRIu64 " counted %" PRIu64 " operations %" PRIu64 "\n",
                name, lane->used, lane->slices, lane->findings, counts->executions, counts->coverage,
                counts->corpus, counts->counted, counts->operations);
    }
    fputs("end\n", file);
    bool good = fflush(file) == 0 && ferror(file) == 0;
    good = fclose(file) == 0 && good;
    if (!good || rename(fresh, path) != 0)
        remove(fresh);
}

/* A lane's line of numbers; `at` is behind its name. */
static bool read_numbers(const char *at, struct campaign_lane *lane)
{
    static const char *const names[] = {" used",     " slices", " findings", " executions",
                                        " coverage", " corpus", " counted",  " operations"};
    double numbers[PL_COUNT_OF(names)];
    char line[320];
    snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        if (!campaign_parse_number(line, names[i], &numbers[i]))
            return false;
    }
    if (numbers[1] >= 1e6 || numbers[2] >= 1e6)
        return false;
    lane->used = numbers[0];
    lane->slices = (uint32_t)numbers[1];
    lane->findings = (uint32_t)numbers[2];
    lane->counts = (struct campaign_counts){.executions = (uint64_t)numbers[3],
                                            .coverage = (uint64_t)numbers[4],
                                            .corpus = (uint64_t)numbers[5],
                                            .counted = (uint64_t)numbers[6],
                                            .operations = (uint64_t)numbers[7]};
    return true;
}

int campaign_state_read(struct campaign *campaign)
{
    char path[CAMPAIGN_PATH_BYTES];
    char name[CAMPAIGN_NAME_BYTES + 120];
    char *text = calloc(1, STATE_BYTES_MAX + 1);
    if (text == NULL)
        return campaign_fail(campaign, 2, "out of memory");
    bool there = campaign_path(path, "%s/state", campaign->root) &&
                 campaign_read(path, false, text, STATE_BYTES_MAX) > 0;
    const char *at = strncmp(text, HEAD, sizeof(HEAD) - 1) == 0 ? text + sizeof(HEAD) - 1 : NULL;
    bool same = true;
    for (uint32_t i = 0; at != NULL && i < campaign->lane_count; i++) {
        lane_name(&campaign->lanes[i], name, sizeof(name));
        same = strncmp(at, name, strlen(name)) == 0;
        at = same && read_numbers(at + strlen(name), &campaign->lanes[i]) ? at + strlen(name) : NULL;
        at = at == NULL ? NULL : strchr(at, '\n');
        at = at == NULL ? NULL : at + 1;
    }
    bool good = at != NULL && strcmp(at, "end\n") == 0;
    free(text);
    if (!there)
        return campaign_fail(campaign, 2, "%.300s: the state of a campaign to go on with expected", path);
    if (!good)
        return campaign_fail(
            campaign, 2,
            same ? "%.300s: a whole state of this campaign expected; without --resume it begins "
                   "anew, from the same corpora"
                 : "%.300s: it is of another campaign; the same candidates, targets, engines, "
                   "jobs and seconds expected",
            path);
    return 0;
}

/* --- what was found before --- */

void campaign_state_findings(struct campaign *campaign, const char *backend, const char *out)
{
    struct campaign_result *result = campaign->result;
    const struct dirent *entry;
    static struct finding_note note;
    DIR *dir = opendir(out);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct campaign_finding *finding = campaign_finding_place(campaign);
        size_t length = strlen(entry->d_name);
        if (finding == NULL)
            break;
        finding->known = true;
        if (length < 4 || strcmp(entry->d_name + length - 4, ".bin") != 0 ||
            !campaign_path(finding->path, "%s/%s", out, entry->d_name) ||
            !campaign_path(finding->text_path, "%s/%.*s.txt", out, (int)length - 4, entry->d_name) ||
            !finding_note_read(finding->path, &note) || strcmp(note.backend, backend) != 0 ||
            !fuzz_target_of_name(note.target, strlen(note.target), &finding->target))
            continue;
        snprintf(finding->backend, sizeof(finding->backend), "%s", backend);
        snprintf(finding->ids, sizeof(finding->ids), "%s", note.ids);
        snprintf(finding->op, sizeof(finding->op), "%s", note.op);
        snprintf(finding->summary, sizeof(finding->summary), "%.239s", note.summary);
        snprintf(finding->replay, sizeof(finding->replay), "%.1000s", note.replay);
        result->finding_count++;
    }
    if (dir != NULL)
        closedir(dir);
}
