/* pagelab-sim explore KEY=VALUE...: runs every schedule of programs on candidates, a process for each pair.
 * Keys: preemptions, interrupts, races, all (0 or 1), path, format, backend and program (both as often as
 * wanted). */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/sim/sim.h"
#include "engine/isolate.h"
#include "engine/schedule/explore.h"
#include "engine/schedule/listing.h"
#include "engine/schedule/observers.h"
#include "report/table.h"

#define NAME_LIMIT   96u
#define PAIR_LIMIT_S 900u
#define TEXT_BYTES   (64u << 10)

static volatile sig_atomic_t stop;

struct wish {
    uint32_t preemptions;
    bool interrupts;
    bool races;
    bool all;
    const char *path; /* one schedule only; or NULL */
    enum report_format format;
    const char *backends[NAME_LIMIT];
    size_t backend_count;
    const char *programs[NAME_LIMIT];
    size_t program_count;
};

/* What a child brings back. */
struct answer {
    int code; /* of the command: 0, 2, 3 */
    enum pl_status status;
    struct explore_result result;
    double seconds;
    char words[300];
};

struct pair {
    const struct wish *wish;
    const char *backend;
    const char *file;
    const struct program *program;
    const struct spec *spec;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* --- in the child --- */

static void progress(void *argument, uint64_t schedules, double estimate)
{
    const struct pair *pair = argument;
    fprintf(stderr, "\r\033[Kexplore %s on %s: %" PRIu64 " of about %.0f schedules", pair->file,
            pair->backend, schedules, estimate);
}

/* Once more, with somebody who writes it down. */
static void print_schedule(struct schedule *schedule, const struct pair *pair, const char *path)
{
    struct listing listing;
    struct finding again;
    if (path[0] == '\0' || listing_init(&listing, schedule, pair->wish->all) != 0)
        return;
    schedule->watch = &listing.watch;
    if (explore_replay(schedule, pair->program->ops, pair->program->op_count, path, &again) == 0) {
        listing_print(&listing, stdout);
        listing_print_end(&schedule->report, stdout);
    }
    listing_fini(&listing);
}

static void print_finding(struct schedule *schedule, const struct pair *pair, const struct answer *answer,
                          const struct observers *observers)
{
    const struct finding *finding = &answer->result.finding;
    printf("\nfinding: %s: %s on %s, schedule %" PRIu64 "\n", finding->ids, pair->file, pair->backend,
           answer->result.schedules);
    if (finding->op.kind != OP_NOP) {
        fputs("  operation  ", stdout);
        program_print_op(&finding->op, stdout);
    }
    printf("  expected   %s\n  actual     %s\n", finding->expected, finding->actual);
    observers_print_race(observers, stdout);
    print_schedule(schedule, pair, answer->result.path);
    if (answer->result.path[0] != '\0')
        printf("again: ./pagelab explore %s --backend '%s' --path %s%s\n", pair->file, pair->backend,
               answer->result.path, pair->wish->races ? "" : " --no-races");
    fflush(stdout);
}

static void run_one(struct schedule *schedule, const struct pair *pair, struct answer *answer)
{
    struct explore_result *result = &answer->result;
    snprintf(result->path, sizeof(result->path), "%s", pair->wish->path);
    if (explore_replay(schedule, pair->program->ops, pair->program->op_count, pair->wish->path,
                       &result->finding) != 0) {
        answer->code = 2;
        snprintf(answer->words, sizeof(answer->words),
                 "--path '%.80s': a path as a finding names it expected", pair->wish->path);
        return;
    }
    result->schedules = 1;
    result->points = schedule->report.points;
    result->end = result->finding.found ? EXPLORE_FOUND : EXPLORE_ALL;
    if (!result->finding.found)
        print_schedule(schedule, pair, pair->wish->path);
}

static void explore_pair(struct schedule *schedule, const struct pair *pair, struct answer *answer)
{
    static struct observers observers;
    const struct explore_options options = {
        .preemptions = pair->wish->preemptions,
        .no_interrupts = !pair->wish->interrupts,
        .progress = isatty(STDERR_FILENO) ? progress : NULL,
        .argument = (void *)(uintptr_t)pair,
    };
    double begin = now();
    if (observers_init(&observers, pair->wish->races, false) != 0) {
        answer->result.end = EXPLORE_NO_MEMORY;
        return;
    }
    observers_watch(&observers, schedule);
    if (pair->wish->path != NULL)
        run_one(schedule, pair, answer);
    else
        (void)explore_run(schedule, pair->program->ops, pair->program->op_count, &options, &answer->result);
    answer->seconds = now() - begin;
    if (options.progress != NULL)
        fputs("\r\033[K", stderr);
    if (answer->result.end == EXPLORE_FOUND) {
        answer->code = 3;
        print_finding(schedule, pair, answer, &observers);
    }
    observers_fini(&observers);
}

static void work(void *argument, void *result)
{
    const struct pair *pair = argument;
    struct answer *answer = result;
    struct spec_error error = {""};
    static struct schedule schedule;
    struct native_shape shape = pair->program->shape;
    struct sim *sim = sim_new(shape.cpu_count);
    memset(answer, 0, sizeof(*answer));
    runner_fit_shape(pair->spec, &shape);
    answer->status = sim == NULL ? PL_NO_MEMORY : schedule_init(&schedule, pair->spec, &shape, sim, &error);
    if (answer->status != PL_OK) {
        snprintf(answer->words, sizeof(answer->words), "%s",
                 sim == NULL ? "no memory for stacks" : error.text);
        return;
    }
    explore_pair(&schedule, pair, answer);
    schedule_fini(&schedule);
    sim_delete(sim);
}

/* --- the table --- */

static void verdict_text(const struct answer *answer, char *text, size_t bytes)
{
    const struct explore_result *result = &answer->result;
    if (answer->status != PL_OK)
        snprintf(text, bytes, "n/a (%s)", answer->words);
    else if (answer->words[0] != '\0')
        snprintf(text, bytes, "%s", answer->words);
    else if (result->end == EXPLORE_FOUND)
        snprintf(text, bytes, "broken: %s", result->finding.ids);
    else if (result->end == EXPLORE_TOO_MANY)
        snprintf(text, bytes,
                 "refused: about %.2g schedules; fewer preemptions, or a program of at most %.2g, expected",
                 result->estimate, (double)EXPLORE_LIMIT);
    else if (result->end == EXPLORE_NO_MEMORY)
        snprintf(text, bytes, "out of memory");
    else
        snprintf(text, bytes, "holds");
}

static void add_row(struct table *table, const struct pair *pair, const struct answer *answer)
{
    char verdict[400];
    char numbers[4][32] = {"-", "-", "-", ""};
    verdict_text(answer, verdict, sizeof(verdict));
    if (answer->result.schedules != 0) {
        snprintf(numbers[0], sizeof(numbers[0]), "%" PRIu64, answer->result.schedules);
        snprintf(numbers[1], sizeof(numbers[1]), "%" PRIu64, answer->result.points);
        snprintf(numbers[2], sizeof(numbers[2]), "%.2f", answer->seconds);
    }
    snprintf(numbers[3], sizeof(numbers[3]), "%" PRIu32, pair->wish->preemptions);
    const char *cells[] = {pair->file, pair->backend, numbers[3], numbers[0],
                           numbers[1], numbers[2],    verdict};
    table_add_row(table, cells);
}

static int run_pair(const struct pair *pair, struct table *table)
{
    static struct answer answer;
    char how[100] = "";
    struct pair copy = *pair;
    fflush(stdout);
    enum isolate_outcome outcome =
        isolate_run(work, &copy, &answer, sizeof(answer), PAIR_LIMIT_S, &stop, how, sizeof(how));
    if (outcome == ISOLATE_INTERRUPTED)
        return 130;
    if (outcome != ISOLATE_DONE) {
        memset(&answer, 0, sizeof(answer));
        answer.code = outcome == ISOLATE_DIED ? 3 : 2;
        if (outcome == ISOLATE_TIMED_OUT)
            snprintf(answer.words, sizeof(answer.words),
                     "not finished within %u s: fewer preemptions expected", PAIR_LIMIT_S);
        else
            snprintf(answer.words, sizeof(answer.words), "the process of this row died: %s", how);
    }
    if ((answer.result.end == EXPLORE_TOO_MANY || answer.result.end == EXPLORE_NO_MEMORY) && answer.code == 0)
        answer.code = 2;
    if (answer.code == 2) {
        char words[400];
        verdict_text(&answer, words, sizeof(words));
        fprintf(stderr, "pagelab explore: %s on %s: %s\n", pair->file, pair->backend, words);
    }
    add_row(table, pair, &answer);
    return answer.code;
}

static void add_opaque(struct table *table, const struct pair *pair)
{
    struct answer answer = {.words = "opaque: not compiled for the simulated platform"};
    add_row(table, pair, &answer);
}

static int read_program(const char *path, struct program *program)
{
    static char text[TEXT_BYTES];
    struct program_error error;
    FILE *file = fopen(path, "rb");
    size_t bytes = file == NULL ? 0 : fread(text, 1, sizeof(text), file);
    if (file == NULL)
        fprintf(stderr, "pagelab explore: %s: a program expected: %s\n", path, strerror(errno));
    else if (bytes == sizeof(text) || !program_is_text((const uint8_t *)text, bytes))
        fprintf(stderr, "pagelab explore: %s: a program in the text form, below 64 KiB, expected\n", path);
    else if (program_parse(text, bytes, path, program, &error) != 0)
        fprintf(stderr, "pagelab explore: %s\n", error.text);
    else if (program->family != OP_FAMILY_PAGE || program->op_count > PROGRAM_OP_LIMIT)
        fprintf(stderr, "pagelab explore: %s: at most %u operations on frames only expected\n", path,
                PROGRAM_OP_LIMIT);
    else
        return fclose(file);
    if (file != NULL)
        fclose(file);
    return -1;
}

static int run_program(const struct wish *wish, const char *file, struct table *table)
{
    struct program program;
    int worst = 0;
    if (read_program(file, &program) != 0)
        return 2;
    for (size_t i = 0; i < wish->backend_count && worst != 130; i++) {
        struct spec spec;
        const struct pair pair = {wish, wish->backends[i], file, &program, &spec};
        int code = 0;
        if (sim_spec(wish->backends[i], &spec))
            code = run_pair(&pair, table);
        else
            add_opaque(table, &pair);
        worst = code > worst ? code : worst;
    }
    program_fini(&program);
    return worst;
}

static bool read_word(const char *word, struct wish *wish)
{
    const char *value = strchr(word, '=');
    size_t key = value == NULL ? 0 : (size_t)(value++ - word);
    if (key == 0)
        return false;
    if (strncmp(word, "preemptions", key) == 0)
        wish->preemptions = (uint32_t)strtoul(value, NULL, 10);
    else if (strncmp(word, "interrupts", key) == 0)
        wish->interrupts = value[0] == '1';
    else if (strncmp(word, "races", key) == 0)
        wish->races = value[0] == '1';
    else if (strncmp(word, "all", key) == 0)
        wish->all = value[0] == '1';
    else if (strncmp(word, "path", key) == 0)
        wish->path = value;
    else if (strncmp(word, "format", key) == 0)
        return report_format_parse(value, &wish->format);
    else if (strncmp(word, "backend", key) == 0 && wish->backend_count < NAME_LIMIT)
        wish->backends[wish->backend_count++] = value;
    else if (strncmp(word, "program", key) == 0 && wish->program_count < NAME_LIMIT)
        wish->programs[wish->program_count++] = value;
    else
        return false;
    return true;
}

static void on_signal(int signal_number)
{
    (void)signal_number;
    stop = 1;
}

int sim_explore(int argc, char **argv)
{
    static const struct table_column columns[] = {
        {"program", TABLE_LEFT},    {"candidate", TABLE_LEFT}, {"preemptions", TABLE_RIGHT},
        {"schedules", TABLE_RIGHT}, {"points", TABLE_RIGHT},   {"seconds", TABLE_RIGHT},
        {"verdict", TABLE_LEFT},
    };
    struct wish wish = {.format = REPORT_TABLE};
    struct sigaction action = {.sa_handler = on_signal};
    int worst = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    for (int i = 0; i < argc; i++) {
        if (!read_word(argv[i], &wish)) {
            fprintf(stderr, "pagelab-sim explore: '%.80s': KEY=VALUE expected; ./pagelab explore calls it\n",
                    argv[i]);
            return 2;
        }
    }
    struct table *table = table_create(columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; table != NULL && i < wish.program_count && worst != 130; i++) {
        int code = run_program(&wish, wish.programs[i], table);
        worst = code > worst ? code : worst;
    }
    if (table == NULL)
        worst = sim_mistake("explore", "no memory");
    else
        table_print(table, wish.format, false, stdout);
    table_destroy(table);
    return sim_printed(worst);
}
