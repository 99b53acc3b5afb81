/* See perfetto.h. */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "cli/sim/perfetto.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "engine/program.h"
#include "engine/schedule/symbol.h"

#define PROCESS    1
#define TEXT_BYTES 160u

/* A CPU's two tracks. None is 0, the idle thread to some viewers, or the process's number, its main thread.
 */
enum { TRACK_CPU = 2, TRACK_INTERRUPT = 3, TRACKS_A_CPU = 2 };

/* What is open on a CPU's tracks. */
struct track {
    bool begun;     /* it has run: `begin` is where what it runs began */
    bool outside;   /* it stands between operations: the next one begins when it goes on */
    bool stopped;   /* another CPU goes on since `stop` */
    uint32_t depth; /* handlers */
    uint32_t op;    /* that it was seen in last, SCHEDULE_NO_OP: none */
    uint64_t begin;
    uint64_t stop;
    uint64_t raised; /* the outermost handler */
};

struct perfetto {
    const struct listing *listing;
    struct track tracks[PL_CPU_LIMIT];
    cJSON *events;
};

static uint32_t cpu_track(uint32_t cpu)
{
    return TRACK_CPU + TRACKS_A_CPU * cpu;
}

static uint32_t interrupt_track(uint32_t cpu)
{
    return TRACK_INTERRUPT + TRACKS_A_CPU * cpu;
}

static cJSON *add_event(struct perfetto *self, const char *phase, const char *name, uint32_t track)
{
    cJSON *event = cJSON_CreateObject();
    cJSON_AddStringToObject(event, "ph", phase);
    cJSON_AddStringToObject(event, "name", name);
    cJSON_AddNumberToObject(event, "pid", PROCESS);
    cJSON_AddNumberToObject(event, "tid", track);
    cJSON_AddItemToArray(self->events, event);
    return event;
}

static cJSON *add_slice(struct perfetto *self, const char *name, const char *category, uint32_t track,
                        uint64_t from, uint64_t to)
{
    cJSON *event = add_event(self, "X", name, track);
    cJSON_AddStringToObject(event, "cat", category);
    cJSON_AddNumberToObject(event, "ts", (double)from);
    cJSON_AddNumberToObject(event, "dur", (double)(to - from));
    return event;
}

/* A mark on one track; `where` may be empty. */
static void add_mark(struct perfetto *self, const char *name, const struct listing_entry *entry,
                     const char *where)
{
    char access[TEXT_BYTES];
    cJSON *event = add_event(self, "i", name, cpu_track(entry->cpu));
    cJSON_AddStringToObject(event, "cat", "schedule");
    cJSON_AddStringToObject(event, "s", "t");
    cJSON_AddNumberToObject(event, "ts", (double)entry->point);
    cJSON *args = cJSON_AddObjectToObject(event, "args");
    listing_access(entry, access, sizeof(access));
    if (access[0] != '\0')
        cJSON_AddStringToObject(args, "access", access);
    if (entry->pc != 0)
        cJSON_AddStringToObject(args, "at", where);
}

/* "alloc s0 order=0", as the program has it. */
static void op_name(const struct perfetto *self, uint32_t op, char *name)
{
    const struct schedule *schedule = self->listing->schedule;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    snprintf(name, TEXT_BYTES, "operation %" PRIu32, op);
    if (out == NULL)
        return;
    if (op < schedule->op_count)
        program_print_op(&schedule->ops[op], out);
    fclose(out);
    const char *at = strchr(text, ' '); /* behind the CPU and the context */
    at = at == NULL ? NULL : strchr(at + 1, ' ');
    if (at != NULL) {
        at += strspn(at, " ");
        snprintf(name, TEXT_BYTES, "%.*s", (int)strcspn(at, "\n"), at);
    }
    free(text);
}

static void end_operation(struct perfetto *self, uint32_t cpu, uint32_t op, uint64_t point, bool ended)
{
    struct track *track = &self->tracks[cpu];
    char name[TEXT_BYTES];
    op_name(self, op, name);
    cJSON *event =
        add_slice(self, name, ended ? "operation" : "unfinished", cpu_track(cpu), track->begin, point);
    cJSON_AddNumberToObject(cJSON_AddObjectToObject(event, "args"), "op", op);
    track->begin = point;
    track->op = SCHEDULE_NO_OP;
}

static void go_on(struct perfetto *self, uint32_t cpu, uint64_t point)
{
    struct track *track = &self->tracks[cpu];
    if (!track->begun || track->outside)
        track->begin = point;
    else if (track->stopped)
        (void)add_slice(self, "another CPU goes on", "stopped", cpu_track(cpu), track->stop, point);
    track->begun = true;
    track->outside = false;
    track->stopped = false;
}

static void take_turn(struct perfetto *self, const struct listing_entry *entry, const char *where)
{
    struct track *track = &self->tracks[entry->cpu];
    char name[TEXT_BYTES];
    snprintf(name, sizeof(name), "%s: CPU %" PRIu32 " goes on", listing_place(entry->place), entry->to);
    add_mark(self, name, entry, where);
    track->outside = track->depth == 0 && entry->op == SCHEDULE_NO_OP;
    track->stopped = true;
    track->stop = entry->point;
    go_on(self, entry->to, entry->point);
}

static void take_entry(struct perfetto *self, const struct listing_entry *entry, const char *where)
{
    struct track *track = &self->tracks[entry->cpu];
    if (!track->begun)
        go_on(self, entry->cpu, 0);
    track->op = entry->op;
    switch (entry->what) {
    case LISTING_TURN:
        take_turn(self, entry, where);
        break;
    case LISTING_INTERRUPT:
        add_mark(self, "interrupted", entry, where);
        if (track->depth++ == 0)
            track->raised = entry->point;
        break;
    case LISTING_RETURN:
        if (track->depth == 1)
            (void)add_slice(self, "handler", "interrupt", interrupt_track(entry->cpu), track->raised,
                            entry->point);
        track->depth -= track->depth > 0;
        break;
    case LISTING_END:
        if (track->depth == 0)
            end_operation(self, entry->cpu, entry->op, entry->point, true);
        break;
    case LISTING_ACCESS:
        break;
    }
}

/* Who never came to an end: a deadlock, or a finding in the midst. */
static void end_tracks(struct perfetto *self, uint64_t last)
{
    for (uint32_t cpu = 0; cpu < self->listing->schedule->cpu_count; cpu++) {
        struct track *track = &self->tracks[cpu];
        if (track->stopped && !track->outside && track->op != SCHEDULE_NO_OP)
            (void)add_slice(self, "another CPU goes on", "stopped", cpu_track(cpu), track->stop, last);
        if (track->depth > 0)
            (void)add_slice(self, "handler", "interrupt", interrupt_track(cpu), track->raised, last);
        if (track->begun && track->op != SCHEDULE_NO_OP)
            end_operation(self, cpu, track->op, last, false);
    }
}

static void name_tracks(struct perfetto *self, const char *name)
{
    cJSON *event = add_event(self, "M", "process_name", cpu_track(0));
    cJSON_AddStringToObject(cJSON_AddObjectToObject(event, "args"), "name", name);
    for (uint32_t i = 0; i < 2 * self->listing->schedule->cpu_count; i++) {
        uint32_t cpu = i / 2;
        char text[40];
        uint32_t track = i % 2 == 0 ? cpu_track(cpu) : interrupt_track(cpu);
        snprintf(text, sizeof(text), "CPU %" PRIu32 "%s", cpu, i % 2 == 0 ? "" : " interrupt");
        event = add_event(self, "M", "thread_name", track);
        cJSON_AddStringToObject(cJSON_AddObjectToObject(event, "args"), "name", text);
        event = add_event(self, "M", "thread_sort_index", track);
        cJSON_AddNumberToObject(cJSON_AddObjectToObject(event, "args"), "sort_index", i);
    }
}

static void add_finding(struct perfetto *self, const struct finding *finding, uint64_t last)
{
    char name[TEXT_BYTES];
    snprintf(name, sizeof(name), "finding: %s", finding->ids);
    cJSON *event = add_event(self, "i", name, cpu_track(self->listing->schedule->report.cpu));
    cJSON_AddStringToObject(event, "cat", "finding");
    cJSON_AddStringToObject(event, "s", "g");
    cJSON_AddNumberToObject(event, "ts", (double)last);
    cJSON *args = cJSON_AddObjectToObject(event, "args");
    cJSON_AddStringToObject(args, "expected", finding->expected);
    cJSON_AddStringToObject(args, "actual", finding->actual);
}

/* A time or a length; what has none is a name, and comes before all times. */
static double number_of(const cJSON *event, const char *key)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(event, key);
    return number == NULL ? -1 : number->valuedouble;
}

/* By time, and what encloses before what it encloses: where times are equal, viewers nest as the file has
 * them. */
static int compare_events(const void *left, const void *right)
{
    const cJSON *one = *(cJSON *const *)left;
    const cJSON *other = *(cJSON *const *)right;
    double later = number_of(one, "ts") - number_of(other, "ts");
    if (later == 0)
        later = number_of(other, "dur") - number_of(one, "dur");
    return (later > 0) - (later < 0);
}

/* Where memory for it is lacking they stay in the order of their ends, which is valid, too. */
static void sort_events(cJSON *events)
{
    size_t count = (size_t)cJSON_GetArraySize(events);
    cJSON **sorted = calloc(count + 1, sizeof(*sorted));
    if (sorted == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        sorted[i] = cJSON_DetachItemFromArray(events, 0);
    qsort(sorted, count, sizeof(*sorted), compare_events);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(events, sorted[i]);
    free(sorted);
}

void perfetto_print(const struct listing *listing, const struct finding *finding, const char *name,
                    const char *path)
{
    const struct sim_report *report = &listing->schedule->report;
    struct symbol *symbols = listing_symbols(listing);
    cJSON *root = cJSON_CreateObject();
    struct perfetto self = {.listing = listing, .events = cJSON_AddArrayToObject(root, "traceEvents")};
    char digest[24];
    for (uint32_t cpu = 0; cpu < PL_CPU_LIMIT; cpu++)
        self.tracks[cpu].op = SCHEDULE_NO_OP;
    name_tracks(&self, name);
    for (uint32_t i = 0; symbols != NULL && i < listing->count; i++)
        take_entry(&self, &listing->entries[i], symbols[i].text);
    end_tracks(&self, report->points);
    if (finding->found)
        add_finding(&self, finding, report->points);
    sort_events(self.events);
    cJSON_AddStringToObject(root, "displayTimeUnit", "ms");
    cJSON *other = cJSON_AddObjectToObject(root, "otherData");
    snprintf(digest, sizeof(digest), "%016" PRIx64, report->digest);
    cJSON_AddStringToObject(other, "program", path);
    cJSON_AddStringToObject(other, "candidate", name);
    cJSON_AddStringToObject(other, "digest", digest);
    cJSON_AddStringToObject(other, "unit", "a microsecond is one access to memory");
    char *text = cJSON_Print(root);
    puts(text == NULL ? "" : text);
    free(text);
    cJSON_Delete(root);
    free(symbols);
}
