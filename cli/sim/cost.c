/* pagelab-sim cost KEY=VALUE...: of programs of frames, stored or in a campaign's folder, the dearest call of
 * each candidate, by kind, in a process for each candidate. Keys: seeds, stored, out (folders), format,
 * backend and input (both as often as wanted). A program that fails says nothing: findings are ./pagelab
 * fuzz's. A signal ends the search; what was found until then is stored and printed. */
#define _DEFAULT_SOURCE /* sigaction, MAP_ANONYMOUS */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/sim/cost.h"
#include "cli/sim/sim.h"
#include "engine/isolate.h"

#define LIMIT_S 1800u /* of one candidate */
#define STORE_S 5u    /* for storing what was found, once a signal has come */
/* A seed is worse if it costs more by over a quarter, and by more than two: compilers differ by less. */
#define OUTDONE       4u
#define OUTDONE_LEAST 2u

/* --- the table --- */

static const struct table_column columns[] = {
    {"candidate", TABLE_LEFT}, {"kind", TABLE_LEFT},      {"seeds", TABLE_RIGHT},
    {"worst", TABLE_RIGHT},    {"call", TABLE_LEFT},      {"operation", TABLE_LEFT},
    {"frames", TABLE_RIGHT},   {"programs", TABLE_RIGHT}, {"program", TABLE_LEFT},
};

static void add_kind(struct table *table, const char *name, const struct cost_answer *answer,
                     enum cost_kind kind)
{
    const struct cost_found *found = &answer->worst[kind];
    char numbers[4][24];
    char call[40] = "-";
    snprintf(numbers[0], sizeof(numbers[0]), "%" PRIu64, answer->seeds[kind]);
    snprintf(numbers[1], sizeof(numbers[1]), "%" PRIu64, found->count);
    snprintf(numbers[2], sizeof(numbers[2]), found->count == 0 ? "-" : "%" PRIu64, found->frames);
    snprintf(numbers[3], sizeof(numbers[3]), "%" PRIu32, answer->programs);
    if (found->count != 0)
        snprintf(call, sizeof(call), "%s%s", tap_hook_names[found->hook], found->granted ? "" : ", refused");
    const char *cells[] = {name,
                           cost_names[kind],
                           numbers[0],
                           numbers[1],
                           call,
                           found->count == 0 ? "-" : found->operation,
                           numbers[2],
                           numbers[3],
                           found->count == 0 ? "-" : found->path};
    table_add_row(table, cells);
}

static void add_words(struct table *table, const char *name, const char *words)
{
    const char *cells[] = {name, "-", "-", "-", "-", words, "-", "-", "-"};
    table_add_row(table, cells);
}

/* Is a seed worse than what is stored as the worst? A retry is one of a schedule, whose switches are counted
 * in accesses of the build that found it: another compiler's may show none. */
static bool outdone(const struct cost_answer *answer)
{
    for (uint32_t kind = 0; kind < COST_KINDS; kind++) {
        uint64_t stored = answer->stored[kind];
        uint64_t slack = stored / OUTDONE > OUTDONE_LEAST ? stored / OUTDONE : OUTDONE_LEAST;
        if (kind != COST_RETRIES && stored != 0 && answer->seeds[kind] > stored + slack)
            return true;
    }
    return false;
}

static volatile sig_atomic_t signals;     /* that this process got: a terminal sends one to the child, too */
static volatile sig_atomic_t out_of_time; /* of a child that does not end by itself */

static void on_signal(int number)
{
    if (number == SIGALRM || signals != 0) /* asked twice: at once */
        out_of_time = 1;
    signals = 1;
    *cost_stop = 1;
    (void)alarm(STORE_S);
}

/* False: no memory. */
static bool watch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};
    struct sigaction action = {.sa_handler = on_signal};
    void *page = mmap(NULL, sizeof(*cost_stop), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return false;
    cost_stop = page;
    for (size_t i = 0; i < PL_COUNT_OF(numbers); i++)
        sigaction(numbers[i], &action, NULL);
    return true;
}

/* A candidate whose source is ours counts in `asked`; one on which a file that was named says nothing, in
 * `mute`, too. */
static int run_candidate(const struct cost_wish *wish, const char *name, struct table *table, uint32_t *asked,
                         uint32_t *mute)
{
    static struct cost_answer answer;
    struct spec spec;
    struct cost_job job = {wish, &spec};
    char how[100] = "";
    if (!sim_spec(name, &spec)) {
        add_words(table, name, "opaque: not compiled for the simulated platform");
        return 0;
    }
    switch (isolate_run(cost_work, &job, &answer, sizeof(answer), LIMIT_S, &out_of_time, how, sizeof(how))) {
    case ISOLATE_DONE:
        break;
    case ISOLATE_INTERRUPTED:
        return 130;
    default:
        add_words(table, name, how[0] == '\0' ? "the process of this candidate died" : how);
        return 3;
    }
    if (answer.code != 0) {
        fprintf(stderr, "pagelab cost: %s\n", answer.words);
        return answer.code;
    }
    for (uint32_t kind = 0; kind < COST_KINDS; kind++)
        add_kind(table, name, &answer, (enum cost_kind)kind);
    ++*asked;
    *mute += answer.mute != 0;
    if (answer.mute != 0)
        fprintf(stderr, "pagelab cost: %s\n", answer.mute_words);
    if (*cost_stop != 0)
        return 130;
    return outdone(&answer) ? 1 : 0;
}

static bool read_word(const char *word, struct cost_wish *wish)
{
    const char *value = strchr(word, '=');
    size_t key = value == NULL ? 0 : (size_t)(value++ - word);
    if (key == 0)
        return false;
    if (strncmp(word, "seeds", key) == 0)
        wish->seeds = value;
    else if (strncmp(word, "stored", key) == 0)
        wish->stored = value;
    else if (strncmp(word, "out", key) == 0)
        wish->out = value;
    else if (strncmp(word, "format", key) == 0)
        return report_format_parse(value, &wish->format);
    else if (strncmp(word, "backend", key) == 0 && wish->backend_count < COST_NAMES)
        wish->backends[wish->backend_count++] = value;
    else if (strncmp(word, "input", key) == 0 && wish->input_count < COST_NAMES)
        wish->inputs[wish->input_count++] = value;
    else
        return false;
    return true;
}

int sim_cost(int argc, char **argv)
{
    struct cost_wish wish = {.format = REPORT_TABLE};
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    uint32_t asked = 0;
    uint32_t mute = 0;
    int code = 0;
    if (!watch_signals())
        return sim_mistake("cost", "no memory");
    for (int i = 0; i < argc; i++) {
        if (!read_word(argv[i], &wish))
            return sim_mistake(argv[i], "a key and its value expected; ./pagelab cost calls it");
    }
    for (size_t i = 0; i < wish.backend_count && table != NULL && code != 2 && code != 130; i++) {
        int own = run_candidate(&wish, wish.backends[i], table, &asked, &mute);
        code = own > code ? own : code;
    }
    if (code < 2 && mute != 0 && mute == asked)
        code = 2; /* each has said so */
    if (table != NULL && code != 2) {
        table_add_note(table,
                       "the dearest call, counted as the simulated platform sees it; retries under the "
                       "program's own schedule, the others one CPU at a time");
        table_print(table, wish.format, false, stdout);
    }
    table_destroy(table);
    return sim_printed(code);
}
