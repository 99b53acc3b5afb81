/* A job's result as a small text file, written whole or not at all. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/campaign_files.h"
#include "fuzz/campaign_parse.h"
#include "fuzz/score_internal.h"

/* The first line: what the result depends on. */
static bool head_line(const struct score_options *options, const struct score_job *job, char line[160])
{
    char driver[SCORE_PATH_BYTES];
    struct stat state;
    if (!score_driver(options, job->mutant, job->way, driver) || stat(driver, &state) != 0)
        return false;
    snprintf(line, 160, "limit=%g corpus=%s driver=%lld.%lld target=%.24s backend=%.60s\n", job->limit,
             options->seeds_dir == NULL ? "empty" : "seeds", (long long)state.st_size,
             (long long)state.st_mtime, job->mutant->target, job->mutant->backend);
    return true;
}

bool score_file_read(const struct score_options *options, struct score_job *job)
{
    char path[SCORE_PATH_BYTES];
    char head[160];
    char text[400];
    double facts[3]; /* 0 or 1 */
    struct score_result *result = &job->result;
    if (!score_path(options, "runs", job, path) || !head_line(options, job, head))
        return false;
    text[campaign_read(path, false, text, sizeof(text) - 1)] = '\0';
    if (strncmp(text, head, strlen(head)) != 0)
        return false;
    const char *line = text + strlen(head);
    const char *by = strstr(line, " by=");
    if (!campaign_parse_number(line, "reached=", &facts[0]) ||
        !campaign_parse_number(line, "triggered=", &facts[1]) ||
        !campaign_parse_number(line, "detected=", &facts[2]) ||
        !campaign_parse_number(line, "executions=", &result->executions) ||
        !campaign_parse_number(line, "seconds=", &result->seconds) || by == NULL)
        return false;
    result->reached = facts[0] > 0;
    result->triggered = facts[1] > 0;
    result->detected = facts[2] > 0;
    snprintf(result->by, sizeof(result->by), "%.*s", (int)strcspn(by + 4, "\n"), by + 4);
    if (strcmp(result->by, "-") == 0)
        result->by[0] = '\0';
    result->known = true;
    return true;
}

int score_file_write(const struct score_options *options, const struct score_job *job)
{
    char path[SCORE_PATH_BYTES];
    char fresh[SCORE_PATH_BYTES + 8];
    char head[160];
    const struct score_result *result = &job->result;
    errno = ENAMETOOLONG;
    if (!score_path(options, "runs", job, path) || !head_line(options, job, head))
        return -1;
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    FILE *file = fopen(fresh, "w");
    if (file == NULL)
        return -1;
    fprintf(file, "%sreached=%d triggered=%d detected=%d executions=%.0f seconds=%.3f by=%s\n", head,
            result->reached, result->triggered, result->detected, result->executions, result->seconds,
            result->by[0] == '\0' ? "-" : result->by);
    bool bad = fflush(file) != 0;
    bad = fclose(file) != 0 || bad;
    if (bad || rename(fresh, path) != 0) {
        int why = errno;
        unlink(fresh);
        errno = why;
        return -1;
    }
    return 0;
}
