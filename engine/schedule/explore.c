/* See explore.h. Depth first: a path is the list of choices so far; each run follows it and takes the first
 * choice wherever it goes beyond; then the last choice that has another one left is changed. */
#include "engine/schedule/explore.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_EVERY 4096u

struct choice {
    uint32_t taken;
    uint32_t count;
};

struct explorer {
    struct sim_chooser chooser;
    struct schedule *schedule;
    uint32_t budget; /* preemptions allowed */
    uint32_t used;
    bool probes;       /* only counts what could be chosen at points */
    bool interrupts;   /* may be chosen */
    bool forbidden;    /* they are not wanted */
    bool short_memory; /* the path did not fit: the run means nothing */
    uint64_t probed;   /* choices at points that were not the first */
    struct choice *path;
    size_t length;
    size_t at;
    size_t capacity;
    uint64_t spun[PL_CPU_LIMIT]; /* by CPU: changes() when it last went round a spin loop, plus one; 0: it did
                                    not */
};

/* What a spin loop waits for. A CPU that has gone round since it last grew would find what it found before.
 */
static uint64_t changes(const struct explorer *explorer)
{
    const struct sim_counts *counts = sim_counts_now();
    uint64_t finished = 0;
    for (uint32_t i = 0; i < explorer->schedule->cpu_count; i++)
        finished += explorer->schedule->cpus[i].finished;
    return counts->stores + counts->locked - counts->cas_failed + finished;
}

static uint64_t who_may_follow(struct explorer *explorer, const struct sim_moment *moment)
{
    uint64_t now = changes(explorer) + 1;
    uint64_t able = 0;
    if (moment->place != SIM_AT_RELAX)
        return moment->runnable;
    explorer->spun[moment->cpu] = now;
    for (uint32_t i = 0; i < explorer->schedule->cpu_count; i++) {
        if ((moment->runnable >> i & 1) != 0 && explorer->spun[i] != now)
            able |= UINT64_C(1) << i;
    }
    return able != 0 ? able : UINT64_C(1) << sim_next_cpu(moment->runnable, moment->cpu);
}

static bool may_interrupt(const struct explorer *explorer, const struct sim_moment *moment)
{
    const struct pl_cpu *cpu = native_cpu(explorer->schedule->runner.native, moment->cpu);
    if (!explorer->interrupts)
        return false;
    return moment->open ||
           (moment->depth == 0 && atomic_load_explicit(&cpu->pending, memory_order_relaxed) == 0);
}

/* The n-th CPU of a set. */
static uint32_t pick(uint64_t set, uint32_t n)
{
    while (n-- > 0)
        set &= set - 1;
    return PL_CTZ64(set);
}

/* Which of so many is taken here, by the path or as the first time. */
static uint32_t take(struct explorer *explorer, uint32_t count)
{
    if (count <= 1)
        return 0;
    if (explorer->at == explorer->length) {
        if (explorer->length == explorer->capacity) {
            size_t capacity = explorer->capacity == 0 ? 1024 : explorer->capacity * 2;
            struct choice *path = realloc(explorer->path, capacity * sizeof(*path));
            if (path == NULL) {
                explorer->short_memory = true;
                return 0;
            }
            explorer->path = path;
            explorer->capacity = capacity;
        }
        explorer->path[explorer->length++] = (struct choice){0, count};
    }
    return explorer->path[explorer->at++].taken;
}

static struct sim_choice at_point(struct explorer *explorer, const struct sim_moment *moment)
{
    struct sim_choice go_on = {SIM_GO_ON, moment->cpu};
    uint64_t others = moment->runnable & ~(UINT64_C(1) << moment->cpu);
    uint32_t switches = (uint32_t)PL_POPCOUNT64(others);
    uint32_t count = 1 + switches + (may_interrupt(explorer, moment) ? 1 : 0);
    if (explorer->probes) {
        explorer->probed += count - 1;
        return go_on;
    }
    if (explorer->used == explorer->budget)
        return go_on;
    uint32_t taken = take(explorer, count);
    if (taken == 0)
        return go_on;
    explorer->used++;
    if (taken > switches)
        return (struct sim_choice){SIM_INTERRUPT, moment->cpu};
    return (struct sim_choice){SIM_SWITCH, pick(others, taken - 1)};
}

static struct sim_choice explorer_choose(struct sim_chooser *chooser, const struct sim_moment *moment)
{
    struct explorer *explorer = (struct explorer *)chooser;
    if (moment->place == SIM_AT_POINT)
        return at_point(explorer, moment);
    if (moment->place == SIM_AT_BOUNDARY)
        return (struct sim_choice){SIM_GO_ON, moment->cpu};
    uint64_t able = who_may_follow(explorer, moment);
    return (struct sim_choice){SIM_SWITCH, pick(able, take(explorer, (uint32_t)PL_POPCOUNT64(able)))};
}

static uint64_t explorer_arm(struct sim_chooser *chooser, uint32_t cpu, uint64_t own)
{
    const struct explorer *explorer = (const struct explorer *)chooser;
    (void)cpu;
    (void)own;
    return explorer->probes || explorer->used < explorer->budget ? 1 : SIM_NO_EVENT;
}

/* --- one run, and the next --- */

static void run_once(struct explorer *explorer, const struct op *ops, uint32_t op_count,
                     struct finding *finding)
{
    explorer->at = 0;
    explorer->used = 0;
    memset(explorer->spun, 0, sizeof(explorer->spun));
    enum pl_status status = schedule_run(explorer->schedule, ops, op_count, &explorer->chooser, finding);
    if (status != PL_OK) {
        finding_set(finding, "X-3", "a machine that was initialised once can be again");
        finding_actual(finding, "%s", pl_status_name(status));
    }
}

/* False: there is none. */
static bool next_path(struct explorer *explorer)
{
    while (explorer->length > 0) {
        struct choice *last = &explorer->path[explorer->length - 1];
        if (++last->taken < last->count)
            return true;
        explorer->length--;
    }
    return false;
}

static void say_path(const struct explorer *explorer, char text[EXPLORE_PATH_BYTES])
{
    size_t used = (size_t)snprintf(text, EXPLORE_PATH_BYTES, "%" PRIu32 "%s/", explorer->budget,
                                   explorer->forbidden ? "n" : "");
    const char *comma = "";
    for (size_t i = 0; i < explorer->at; i++) {
        if (explorer->path[i].taken == 0)
            continue;
        int bytes = snprintf(text + used, EXPLORE_PATH_BYTES - used, "%s%zu:%" PRIu32, comma, i,
                             explorer->path[i].taken);
        comma = ",";
        used += (size_t)bytes;
        if (used >= EXPLORE_PATH_BYTES) {
            text[0] = '\0';
            return;
        }
    }
}

static void explorer_init(struct explorer *explorer, struct schedule *schedule, bool interrupts,
                          uint32_t budget)
{
    *explorer = (struct explorer){
        .chooser = {explorer_arm, explorer_choose},
        .schedule = schedule,
        .budget = budget,
        .interrupts = interrupts && schedule->interrupts,
        .forbidden = !interrupts,
    };
}

/* How many there are about: schedules without a preemption are counted, and of each what could be preempted
 * where. */
static double estimate(struct explorer *explorer, const struct op *ops, uint32_t op_count, uint64_t limit)
{
    struct finding finding;
    uint64_t runs = 0;
    explorer->probes = true;
    do
        run_once(explorer, ops, op_count, &finding);
    while (++runs <= limit / 100 && !explorer->short_memory && next_path(explorer));
    double choices = (double)explorer->probed / (double)runs;
    double sum = 1;
    double term = 1;
    for (uint32_t i = 0; i < explorer->budget; i++) {
        term *= choices > i ? (choices - i) / (i + 1) : 0;
        sum += term;
    }
    explorer->probes = false;
    explorer->length = 0;
    return sum * (double)runs;
}

static enum explore_end enumerate(struct explorer *explorer, const struct op *ops, uint32_t op_count,
                                  const struct explore_options *options, uint64_t limit,
                                  struct explore_result *result)
{
    do {
        if (options->stop != NULL && *options->stop != 0)
            return EXPLORE_INTERRUPTED;
        if (result->schedules == limit)
            return EXPLORE_TOO_MANY;
        run_once(explorer, ops, op_count, &result->finding);
        if (explorer->short_memory)
            return EXPLORE_NO_MEMORY;
        result->schedules++;
        result->points += explorer->schedule->report.points;
        if (result->finding.found) {
            say_path(explorer, result->path);
            return EXPLORE_FOUND;
        }
        if (options->progress != NULL && result->schedules % PROGRESS_EVERY == 0)
            options->progress(options->argument, result->schedules, result->estimate);
    } while (next_path(explorer));
    return EXPLORE_ALL;
}

enum explore_end explore_run(struct schedule *schedule, const struct op *ops, uint32_t op_count,
                             const struct explore_options *options, struct explore_result *result)
{
    struct explorer explorer;
    uint64_t limit = options->limit == 0 ? EXPLORE_LIMIT : options->limit;
    memset(result, 0, sizeof(*result));
    explorer_init(&explorer, schedule, !options->no_interrupts, options->preemptions);
    result->estimate = estimate(&explorer, ops, op_count, limit);
    if (explorer.short_memory)
        result->end = EXPLORE_NO_MEMORY;
    else if (result->estimate > (double)limit)
        result->end = EXPLORE_TOO_MANY;
    else
        result->end = enumerate(&explorer, ops, op_count, options, limit, result);
    free(explorer.path);
    return result->end;
}

/* --- a path from its text --- */

static bool add_choice(struct explorer *explorer, uint64_t at, uint64_t taken)
{
    if (at < explorer->length || at > UINT32_MAX || taken == 0 || taken > UINT64_C(2) * PL_CPU_LIMIT)
        return false;
    struct choice *path = realloc(explorer->path, (at + 1) * sizeof(*path));
    if (path == NULL)
        return false;
    explorer->path = path;
    memset(path + explorer->length, 0, (at + 1 - explorer->length) * sizeof(*path));
    path[at].taken = (uint32_t)taken;
    explorer->length = explorer->capacity = at + 1;
    return true;
}

static bool read_path(struct explorer *explorer, const char *text)
{
    char *end;
    uint64_t budget = strtoull(text, &end, 10);
    if (end != text && *end == 'n') {
        explorer->interrupts = false;
        end++;
    }
    if (end == text || *end != '/' || budget > UINT32_MAX)
        return false;
    explorer->budget = (uint32_t)budget;
    for (text = end + 1; *text != '\0'; text = *end == ',' ? end + 1 : end) {
        uint64_t at = strtoull(text, &end, 10);
        if (end == text || *end != ':')
            return false;
        text = end + 1;
        uint64_t taken = strtoull(text, &end, 10);
        if (end == text || (*end != ',' && *end != '\0') || !add_choice(explorer, at, taken))
            return false;
    }
    return true;
}

int explore_replay(struct schedule *schedule, const struct op *ops, uint32_t op_count, const char *path,
                   struct finding *finding)
{
    struct explorer explorer;
    explorer_init(&explorer, schedule, true, 0);
    bool good = read_path(&explorer, path);
    if (good)
        run_once(&explorer, ops, op_count, finding);
    free(explorer.path);
    return good ? 0 : -1;
}
