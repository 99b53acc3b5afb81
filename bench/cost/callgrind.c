/* See callgrind.h. A name is written once, "fn=(7) buddy_alloc", and is "fn=(7)" from then on. A line of cost
 * is positions and then events, zeros at its end left out; the one after "calls=" is what the called function
 * cost, which stands with that function, too. */
#define _POSIX_C_SOURCE 200809L /* getline */
#include "bench/cost/callgrind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define EVENT_LIMIT 16u
#define NO_COLUMN   EVENT_LIMIT
#define ID_LIMIT    10000000ul

/* Names by number, two such tables: of functions and of files of code. A name without a number is in none; it
 * is owned here nevertheless, as is one whose number got another name: a reader may still point to it. */
struct names {
    char **text; /* by number, owned by `all` */
    size_t count;
    char **all;
    size_t used;
};

struct reader {
    struct cost_profile *profile;
    struct names functions;
    struct names objects;
    const char *function; /* whose lines these are; belongs to `functions` */
    const char *object;
    size_t at; /* of the two in the profile; SIZE_MAX: the harness's, or not looked up yet */
    bool looked_up;
    bool skip; /* the next line of cost is a called function's */
    unsigned positions;
    unsigned columns[COST_COUNTS];
    bool has_events;
};

static void names_fini(struct names *names)
{
    for (size_t i = 0; i < names->used; i++)
        free(names->all[i]);
    free(names->all);
    free(names->text);
}

/* A copy that stays where it is to the end. NULL: out of memory. */
static char *keep(struct names *names, const char *name)
{
    if ((names->used & (names->used - 1)) == 0) { /* doubles: the size is the next power of two */
        size_t size = names->used == 0 ? 1 : 2 * names->used;
        char **grown = realloc(names->all, size * sizeof(*grown));
        if (grown == NULL)
            return NULL;
        names->all = grown;
    }
    char *copy = strdup(name);
    if (copy != NULL)
        names->all[names->used++] = copy;
    return copy;
}

/* "(7) buddy_alloc", "(7)" or "buddy_alloc". NULL: none of these, or out of memory. */
static const char *name_of(struct names *names, const char *text)
{
    char *end = NULL;
    errno = 0;
    if (text[0] != '(')
        return text[0] == '\0' ? NULL : keep(names, text);
    unsigned long id = strtoul(text + 1, &end, 10);
    if (errno != 0 || end == text + 1 || *end != ')' || id >= ID_LIMIT)
        return NULL;
    const char *name = end + 1 + strspn(end + 1, " ");
    if (id >= names->count) {
        size_t count = id + 64;
        char **grown = realloc(names->text, count * sizeof(*grown));
        if (grown == NULL)
            return NULL;
        memset(grown + names->count, 0, (count - names->count) * sizeof(*grown));
        names->text = grown;
        names->count = count;
    }
    if (name[0] != '\0')
        names->text[id] = keep(names, name);
    return names->text[id];
}

/* "events: Ir Ge" */
static bool read_events(struct reader *reader, char *words)
{
    unsigned column = 0;
    char *rest = NULL;
    for (unsigned i = 0; i < COST_COUNTS; i++)
        reader->columns[i] = NO_COLUMN;
    for (char *word = strtok_r(words, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest), column++) {
        if (strcmp(word, "Ir") == 0)
            reader->columns[COST_INSTRUCTIONS] = column;
        else if (strcmp(word, "Ge") == 0)
            reader->columns[COST_LOCKED] = column;
    }
    reader->has_events = reader->columns[COST_INSTRUCTIONS] != NO_COLUMN &&
                         reader->columns[COST_LOCKED] != NO_COLUMN && column <= EVENT_LIMIT;
    return reader->has_events;
}

static unsigned count_words(const char *text)
{
    unsigned count = 0;
    while (*(text += strspn(text, " ")) != '\0') {
        text += strcspn(text, " ");
        count++;
    }
    return count;
}

/* The place in the profile of the function whose lines these are. False: out of memory. */
static bool look_up(struct reader *reader)
{
    const char *name = reader->function;
    reader->looked_up = true;
    reader->at = SIZE_MAX;
    if (name != NULL && cost_is_harness(name))
        return true;
    if (name == NULL || strncmp(name, "0x", 2) == 0 || strcmp(name, "???") == 0) {
        const char *slash = reader->object == NULL ? NULL : strrchr(reader->object, '/');
        name = slash != NULL ? slash + 1 : reader->object != NULL ? reader->object : "(unknown)";
    }
    reader->at = cost_profile_at(reader->profile, name);
    return reader->at != SIZE_MAX;
}

/* "+3 12 1": a position for each of "positions:", then events. */
static bool read_cost(struct reader *reader, char *line)
{
    uint64_t values[EVENT_LIMIT + 1] = {0};
    char *rest = NULL;
    char *word = strtok_r(line, " ", &rest);
    for (unsigned i = 0; i < reader->positions && word != NULL; i++)
        word = strtok_r(NULL, " ", &rest);
    for (unsigned i = 0; word != NULL; i++, word = strtok_r(NULL, " ", &rest)) {
        char *end = NULL;
        errno = 0;
        values[i] = word[0] >= '0' && word[0] <= '9' ? strtoull(word, &end, 10) : 0;
        if (end == NULL || *end != '\0' || errno != 0 || i == EVENT_LIMIT)
            return false;
    }
    if (reader->skip) {
        reader->skip = false;
        return true;
    }
    if (!reader->looked_up && !look_up(reader))
        return false;
    if (reader->at == SIZE_MAX)
        return true;
    for (unsigned i = 0; i < COST_LINES; i++) {
        reader->profile->functions[reader->at].counts[i] += values[reader->columns[i]];
        reader->profile->totals[i] += values[reader->columns[i]];
    }
    return true;
}

/* "key=value" and "key: value". */
static bool read_key(struct reader *reader, char *line)
{
    char *value = line + strcspn(line, "=:");
    bool names = *value == '=';
    *value++ = '\0';
    value += strspn(value, " ");
    if (!names) {
        if (strcmp(line, "positions") == 0)
            reader->positions = count_words(value);
        return strcmp(line, "events") != 0 || read_events(reader, value);
    }
    if (strcmp(line, "calls") == 0) {
        reader->skip = true;
    } else if (strcmp(line, "fn") == 0) {
        reader->function = name_of(&reader->functions, value);
        reader->looked_up = false;
        return reader->function != NULL;
    } else if (strcmp(line, "cfn") == 0) {
        return name_of(&reader->functions, value) != NULL;
    } else if (strcmp(line, "ob") == 0) {
        reader->object = name_of(&reader->objects, value);
        reader->looked_up = false;
        return reader->object != NULL;
    } else if (strcmp(line, "cob") == 0) {
        return name_of(&reader->objects, value) != NULL;
    }
    return true; /* files of source, and what else there may be */
}

/* Empty, a comment, a cost or a key. */
static bool read_line(struct reader *reader, char *line)
{
    char first = line[0];
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0' || first == '#')
        return true;
    if ((first >= '0' && first <= '9') || first == '+' || first == '-' || first == '*')
        return reader->has_events && read_cost(reader, line);
    return strpbrk(line, "=:") != NULL && read_key(reader, line);
}

int callgrind_read(FILE *file, const char *where, struct cost_profile *profile, struct cost_error *error)
{
    struct reader reader = {.profile = profile, .positions = 1};
    char *line = NULL;
    size_t bytes = 0;
    size_t number = 0;
    bool good = true;
    while (good && getline(&line, &bytes, file) > 0) {
        number++;
        good = read_line(&reader, line);
    }
    if (!good)
        snprintf(error->text, sizeof(error->text), "%.200s: line %zu: no line of callgrind's", where, number);
    else if (!reader.has_events)
        snprintf(error->text, sizeof(error->text), "%.200s: callgrind's events Ir and Ge expected", where);
    free(line);
    names_fini(&reader.functions);
    names_fini(&reader.objects);
    return good && reader.has_events ? 0 : -1;
}
