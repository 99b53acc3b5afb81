/* Profiles: "key = value" in lines. A key is a need, or says where speed and tail are read. */
#include "report/decide_parts.h"
#include "report/error.h"

#include <pagelab/caps.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As 'pagelab scale' takes them. */
#define CPUS_MAX   64.0
#define MEMORY_MIN 1048576.0
#define MEMORY_MAX (16.0 * 1099511627776.0)

enum value_kind { VALUE_YES, VALUE_COUNT, VALUE_COUNT_OR_TIME, VALUE_SHARE, VALUE_BYTES, VALUE_TEXT };

static const struct {
    const char *name;
    enum value_kind value;
    const char *says; /* with %s for the value */
    const char *expected;
} kinds[DECIDE_NEED_KINDS] = {
    [DECIDE_CONTRACT] = {"contract", VALUE_YES, "no promise of the contract is seen broken", "yes"},
    [DECIDE_INTERRUPT_SAFE] = {"interrupt-safe", VALUE_YES,
                               "an interrupt may allocate inside an unfinished call", "yes"},
    [DECIDE_NMI_SAFE] = {"nmi-safe", VALUE_YES, "may be entered at any instruction, masked or not", "yes"},
    [DECIDE_NEVER_SLEEPS] = {"never-sleeps", VALUE_YES, "nothing in a call blocks, or asks the host", "yes"},
    [DECIDE_NO_METADATA_IN_FRAMES] = {"no-metadata-in-frames", VALUE_YES, "free frames are never written to",
                                      "yes"},
    [DECIDE_MASKED_TIME] = {"masked-time", VALUE_COUNT_OR_TIME, "interrupts are held off for at most %s",
                            "instructions as in 10000, or a time as in 5us"},
    [DECIDE_WORST_CALL] = {"bounded-worst-case", VALUE_COUNT,
                           "the dearest call found has at most %s instructions", "instructions as in 20000"},
    [DECIDE_CONTIGUOUS] = {"contiguous-after-ageing", VALUE_SHARE,
                           "of free memory, %s at least is in free blocks of order 9 after a long life",
                           "a share as in 20% or 0.2"},
    [DECIDE_BYTES_A_FRAME] = {"bytes-per-frame", VALUE_COUNT, "at most %s bytes of metadata a frame",
                              "a number of bytes"},
    [DECIDE_CPUS] = {"cpus", VALUE_COUNT, "%s CPUs at once", "a whole number from 1 to 64"},
    [DECIDE_MEMORY_SIZE] = {"memory-size", VALUE_BYTES, "a machine of %s",
                            "bytes as in 64GiB, from 1MiB to 16TiB,"},
    [DECIDE_TRACE] = {"trace", VALUE_TEXT, "the recording %s is replayed without a failure",
                      "the path of a .pltrace"},
    [DECIDE_CAPABILITY] = {"capability", VALUE_TEXT, "%s is claimed and was tested",
                           "the name of a capability, as in 'pagelab list'"},
};

const char *decide_need_name(enum decide_need_kind kind)
{
    return kinds[kind].name;
}

void decide_need_value(const struct decide_need *need, char *text, size_t bytes)
{
    snprintf(text, bytes, "%s", kinds[need->kind].value == VALUE_YES ? "" : need->text);
}

void decide_need_says(const struct decide_need *need, char *text, size_t bytes)
{
    const char *says = kinds[need->kind].says;
    const char *place = strstr(says, "%s");

    if (place == NULL) {
        snprintf(text, bytes, "%s", says);
        return;
    }
    snprintf(text, bytes, "%.*s%s%s%s", (int)(place - says), says, need->text,
             need->kind == DECIDE_MASKED_TIME && !need->timed ? " instructions" : "", place + 2);
}

void decide_trace_workload(const char *path, char *text, size_t bytes)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    size_t length = strlen(name);

    if (length > 8 && strcmp(name + length - 8, ".pltrace") == 0) {
        length -= 8;
    }
    snprintf(text, bytes, "replay-%.*s", (int)length, name);
}

/* --- values --- */

/* A decimal number and one of the units; false if it is none. */
static bool number_parse(const char *text, enum value_kind kind, struct decide_need *need)
{
    static const struct {
        const char *text;
        enum value_kind kind;
        double factor;
    } units[] = {{"%", VALUE_SHARE, 0.01},         {"ns", VALUE_COUNT_OR_TIME, 1},
                 {"us", VALUE_COUNT_OR_TIME, 1e3}, {"ms", VALUE_COUNT_OR_TIME, 1e6},
                 {"KiB", VALUE_BYTES, 1024.0},     {"MiB", VALUE_BYTES, 1048576.0},
                 {"GiB", VALUE_BYTES, 1073741824}, {"TiB", VALUE_BYTES, 1099511627776.0}};
    char *end = NULL;
    bool known;

    need->timed = false;
    need->number = text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : 0;
    if (end == NULL || strspn(text, "0123456789.") != (size_t)(end - text) || !(need->number < 1e18)) {
        return false;
    }
    end += strspn(end, " ");
    known = *end == '\0';
    for (size_t i = 0; i < sizeof units / sizeof units[0] && !known; i++) {
        if (units[i].kind == kind && strcmp(end, units[i].text) == 0) {
            need->number *= units[i].factor;
            need->timed = kind == VALUE_COUNT_OR_TIME;
            known = true;
        }
    }
    return known;
}

/* What the number of a need may be: that which a check can answer. */
static bool number_fits(enum decide_need_kind kind, double number)
{
    switch (kind) {
    case DECIDE_MASKED_TIME:
        return true;
    case DECIDE_CONTIGUOUS:
        return number > 0 && number <= 1;
    case DECIDE_CPUS:
        return number >= 1 && number <= CPUS_MAX && number == floor(number);
    case DECIDE_MEMORY_SIZE:
        return number >= MEMORY_MIN && number <= MEMORY_MAX;
    default:
        return number > 0;
    }
}

static bool is_capability(const char *text)
{
#define CAPABILITY_TEXT(name, words) words,
    static const char *const names[] = {PL_CAP_NAMES(CAPABILITY_TEXT)};
#undef CAPABILITY_TEXT

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool need_set(struct decide_profile *profile, enum decide_need_kind kind, const char *value,
                     struct report_error *error)
{
    struct decide_need need = {.kind = kind};
    size_t at = 0;
    bool valid = value[0] != '\0' && strlen(value) < sizeof need.text;

    if (kinds[kind].value == VALUE_YES) {
        valid = strcmp(value, "yes") == 0;
    } else if (kinds[kind].value != VALUE_TEXT) {
        valid = valid && number_parse(value, kinds[kind].value, &need) && number_fits(kind, need.number);
    } else if (kind == DECIDE_CAPABILITY) {
        valid = is_capability(value);
    }
    if (!valid) {
        report_error_set(error, "%s '%.80s': %s expected", kinds[kind].name, value, kinds[kind].expected);
        return false;
    }
    snprintf(need.text, sizeof need.text, "%s", value);
    while (at < profile->need_count &&
           (profile->needs[at].kind != kind ||
            (kind == DECIDE_CAPABILITY && strcmp(profile->needs[at].text, need.text) != 0))) {
        at++;
    }
    if (at == DECIDE_NEEDS_MAX) {
        report_error_set(error, "%s: at most %d needs expected", kinds[kind].name, DECIDE_NEEDS_MAX);
        return false;
    }
    profile->needs[at] = need;
    profile->need_count += at == profile->need_count;
    return true;
}

/* --- cells --- */

/* "repeat/order:0/cpus:2*3" */
static bool cell_parse(char *text, struct decide_cell *cell)
{
    char *end = NULL;
    char *star = strrchr(text, '*');
    size_t length;

    *cell = (struct decide_cell){.order = -1, .cpus = -1, .weight = 1};
    if (star != NULL) {
        cell->weight = strtod(star + 1, &end);
        if (*end != '\0' || !(cell->weight > 0 && cell->weight < 1e6)) {
            return false;
        }
        *star = '\0';
    }
    length = strcspn(text, "/");
    if (length == 0 || length >= sizeof cell->workload) {
        return false;
    }
    memcpy(cell->workload, text, length);
    for (text += length; *text == '/'; text = end) {
        double *into = strncmp(text, "/order:", 7) == 0  ? &cell->order
                       : strncmp(text, "/cpus:", 6) == 0 ? &cell->cpus
                                                         : NULL;
        if (into == NULL) {
            return false;
        }
        text = strchr(text, ':') + 1;
        *into = strtod(text, &end);
        if (end == text) {
            return false;
        }
    }
    return *text == '\0';
}

static bool cells_set(struct decide_cell *cells, size_t *count, const char *key, const char *value,
                      struct report_error *error)
{
    char list[PROFILE_LINE_MAX];

    *count = 0;
    snprintf(list, sizeof list, "%s", value);
    for (char *at = list; at != NULL;) {
        char *comma = strchr(at, ',');
        size_t length;

        if (comma != NULL) {
            *comma = '\0';
        }
        at += strspn(at, " ");
        length = strlen(at);
        while (length > 0 && at[length - 1] == ' ') {
            at[--length] = '\0';
        }
        if (*count == DECIDE_CELLS_MAX) {
            report_error_set(error, "%s: at most %d cells expected", key, DECIDE_CELLS_MAX);
            return false;
        }
        if (strchr(at, ' ') != NULL || !cell_parse(at, &cells[*count])) {
            report_error_set(
                error, "%s: '%.80s': cells expected, as in repeat/order:0/cpus:2*3, bulk/order:0", key, at);
            return false;
        }
        (*count)++;
        at = comma == NULL ? NULL : comma + 1;
    }
    return true;
}

bool decide_profile_set(struct decide_profile *profile, const char *key, const char *value,
                        struct report_error *error)
{
    if (strcmp(key, "about") == 0) {
        snprintf(profile->about, sizeof profile->about, "%s", value);
        return true;
    }
    if (strcmp(key, "speed") == 0) {
        return cells_set(profile->speed, &profile->speed_count, key, value, error);
    }
    if (strcmp(key, "tail") == 0) {
        return cells_set(profile->tail, &profile->tail_count, key, value, error);
    }
    for (int kind = DECIDE_CONTRACT + 1; kind < DECIDE_NEED_KINDS; kind++) {
        if (strcmp(key, kinds[kind].name) == 0) {
            return need_set(profile, (enum decide_need_kind)kind, value, error);
        }
    }
    report_error_set(error, "'%.80s': unknown need; docs/choosing.md lists those there are", key);
    return false;
}

void decide_profile_init(struct decide_profile *profile, const char *name)
{
    struct report_error error;

    memset(profile, 0, sizeof *profile);
    snprintf(profile->name, sizeof profile->name, "%s", name);
    (void)decide_profile_set(profile, "speed",
                             "repeat/order:0/cpus:1, bulk/order:0/cpus:1, replace/order:0/cpus:1", &error);
    (void)decide_profile_set(profile, "tail", "nosleep-floor", &error);
    profile->needs[0].kind = DECIDE_CONTRACT;
    profile->need_count = 1;
}
