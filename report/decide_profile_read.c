/* Profiles as files: each key once, and no workload that nobody has. */
#include "report/decide_parts.h"
#include "report/error.h"

#include <errno.h>
#include <string.h>

/* Without the blanks around it. */
static char *trim(char *text)
{
    size_t length;

    text += strspn(text, " \t\r\n");
    length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) {
        text[--length] = '\0';
    }
    return text;
}

/* A profile while it is read. */
struct reading {
    struct decide_profile *profile;
    decide_workload_test *known;
    char keys[2048]; /* that were given, each in a line of its own */
};

/* Of capabilities each one is a key. False: *error has the words. */
static bool key_is_new(struct reading *reading, const char *key, const char *value,
                       struct report_error *error)
{
    bool several = strcmp(key, decide_need_name(DECIDE_CAPABILITY)) == 0;
    char line[PROFILE_LINE_MAX + 8];
    size_t used = strlen(reading->keys);

    snprintf(line, sizeof line, "\n%s%s%s\n", key, several ? " " : "", several ? value : "");
    if (strstr(reading->keys, line) != NULL) {
        report_error_set(error, "'%.80s': given twice; once expected", key);
        return false;
    }
    snprintf(reading->keys + used, sizeof reading->keys - used, "%s", line);
    return true;
}

static bool workloads_known(decide_workload_test *known, const char *key, const struct decide_cell *cells,
                            size_t count, struct report_error *error)
{
    for (size_t i = 0; i < count && known != NULL; i++) {
        if (!known(cells[i].workload)) {
            report_error_set(error,
                             "%s: '%.80s': unknown workload; one of 'pagelab list --workloads', or "
                             "replay-NAME of a trace, expected",
                             key, cells[i].workload);
            return false;
        }
    }
    return true;
}

/* False: *error has the words, without the place. */
static bool line_read(char *line, struct reading *reading, struct report_error *error)
{
    const struct decide_profile *profile = reading->profile;
    const char *key;
    const char *value;
    char *equals;

    if (strchr(line, '\n') == NULL && strlen(line) + 1 >= PROFILE_LINE_MAX) {
        report_error_set(error, "a line of at most %d bytes expected", PROFILE_LINE_MAX - 2);
        return false;
    }
    line[strcspn(line, "#")] = '\0';
    line = trim(line);
    if (line[0] == '\0') {
        return true;
    }
    equals = strchr(line, '=');
    if (equals == NULL) {
        report_error_set(error, "'%.80s': key = value expected", line);
        return false;
    }
    *equals = '\0';
    key = trim(line);
    value = trim(equals + 1);
    return decide_profile_set(reading->profile, key, value, error) &&
           key_is_new(reading, key, value, error) &&
           (strcmp(key, "speed") != 0 ||
            workloads_known(reading->known, key, profile->speed, profile->speed_count, error)) &&
           (strcmp(key, "tail") != 0 ||
            workloads_known(reading->known, key, profile->tail, profile->tail_count, error));
}

bool decide_profile_read(const char *path, decide_workload_test *known, struct decide_profile *profile,
                         struct report_error *error)
{
    struct reading reading = {.profile = profile, .known = known};
    const char *slash = strrchr(path, '/');
    char line[PROFILE_LINE_MAX];
    char words[sizeof error->line];
    unsigned number = 0;
    bool good = true;
    FILE *file = fopen(path, "r");

    decide_profile_init(profile, slash == NULL ? path : slash + 1);
    profile->name[strcspn(profile->name, ".")] = '\0';
    if (file == NULL) {
        report_error_set(error, "%s: a profile expected: %s", path, strerror(errno));
        return false;
    }
    while (good && fgets(line, sizeof line, file) != NULL) {
        number++;
        good = line_read(line, &reading, error);
    }
    if (good && ferror(file)) {
        good = false;
        report_error_set(error, "a file that can be read expected");
    }
    fclose(file);
    if (!good) {
        memcpy(words, error->line, sizeof words);
        report_error_set(error, "%.300s:%u: %.180s", path, number, words);
    }
    return good;
}
