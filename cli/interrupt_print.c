/* What pagelab interrupt prints; see interrupt.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli/interrupt.h"

static const uint64_t level_caps[INTERRUPT_LEVEL_COUNT] = {PL_CAP_IRQ_SAFE, PL_CAP_NMI_SAFE};
static const char *const level_words[INTERRUPT_LEVEL_COUNT] = {"masking honoured", "mask ignored (nmi)"};

bool interrupt_refuted(const struct interrupt_row *row)
{
    for (int at = 0; at < INTERRUPT_LEVEL_COUNT; at++) {
        if ((row->caps & level_caps[at]) && row->levels[at].failures != 0)
            return true;
    }
    return row->faulty;
}

/* --- places --- */

/* A decimal number at *at, which is then behind it. */
static bool parse_number(const char **at, uint64_t most, uint64_t *number)
{
    char *end = NULL;
    errno = 0;
    *number = **at >= '0' && **at <= '9' ? strtoull(*at, &end, 10) : 0;
    if (end == NULL || errno != 0 || *number > most)
        return false;
    *at = end;
    return true;
}

bool interrupt_parse_place(const char *text, struct sweep_place *place, enum sweep_by *by)
{
    uint64_t op = 0;
    *by = SWEEP_STEP;
    if (!parse_number(&text, UINT32_MAX, &op) || *text != ':')
        return false;
    text++;
    if (*text == 'p') {
        *by = SWEEP_POINTS;
        text++;
    }
    place->op = (uint32_t)op;
    return parse_number(&text, UINT64_MAX, &place->point) && *text == '\0';
}

bool interrupt_parse_doing(const char *text, enum op_interrupt *doing)
{
    *doing = OP_INTERRUPT_MIXED;
    for (unsigned i = 0; text != NULL && i < OP_INTERRUPT_COUNT; i++) {
        if (strcmp(op_interrupt_names[i], text) == 0) {
            *doing = (enum op_interrupt)i;
            return true;
        }
    }
    return text == NULL;
}

static void place_text(const struct sweep_place *place, enum sweep_by by, char *text, size_t bytes)
{
    snprintf(text, bytes, "%" PRIu32 ":%s%" PRIu64, place->op, by == SWEEP_POINTS ? "p" : "", place->point);
}

static void replay_text(const struct spec *spec, const char *program, const struct sweep_failure *failure,
                        enum interrupt_level level, const struct interrupt_ask *ask, char *text, size_t bytes)
{
    char place[64];
    place_text(&failure->place, ask->by, place, sizeof(place));
    snprintf(text, bytes, "%s replay %s --backend '%s' --interrupt %s%s%s%s", cli_call(), program, spec->name,
             place, level == INTERRUPT_NMI ? " --nmi" : "", ask->doing == OP_INTERRUPT_MIXED ? "" : " --do ",
             ask->doing == OP_INTERRUPT_MIXED ? "" : op_interrupt_names[ask->doing]);
}

/* --- one failure --- */

static void print_stack(const char *title, const char *names)
{
    while (*names != '\0') {
        size_t length = strcspn(names, "\n");
        printf("  %-12s %.*s\n", title, (int)length, names);
        names += length + (names[length] != '\0');
        title = "";
    }
}

void interrupt_print_failure(const struct spec *spec, const char *program,
                             const struct sweep_failure *failure, enum interrupt_level level,
                             const struct interrupt_ask *ask, bool claimed)
{
    char place[64];
    char replay[5000];
    place_text(&failure->place, ask->by, place, sizeof(place));
    printf("%s: %s%s%s on %s: interrupt at %s, %s\n", claimed ? "finding" : "fact",
           sweep_end_names[failure->end], failure->ids[0] == '\0' ? "" : " ", failure->ids, spec->name, place,
           level_words[level]);
    printf("  %-12s %s%s\n", "before", failure->name,
           failure->masked && level == INTERRUPT_IRQ ? " (masked: it came when that ended)" : "");
    printf("  %-12s ", "operation");
    if (failure->has_op)
        program_print_op(&failure->op, stdout);
    else
        puts("the end: all is freed");
    if (failure->expected[0] != '\0')
        printf("  %-12s %s\n", "expected", failure->expected);
    printf("  %-12s %s\n", "actual", failure->words);
    print_stack("interrupted", failure->interrupted);
    if (failure->inside)
        print_stack("interrupting", failure->interrupting);
    printf("  %-12s %s handler, class INTERRUPT: %s%s\n", failure->inside ? "" : "interrupting",
           interrupt_level_names[level], op_interrupt_names[ask->doing],
           failure->inside ? "" : "; it had returned");
    if (!failure->inside)
        print_stack("afterwards", failure->interrupting);
    replay_text(spec, program, failure, level, ask, replay, sizeof(replay));
    printf("  %-12s %s\n", "replay", replay);
}

/* --- the table --- */

static void verdict_text(const struct interrupt_row *row, enum interrupt_level at,
                         const struct interrupt_ask *ask, char *text, size_t bytes)
{
    const struct interrupt_level_row *level = &row->levels[at];
    char place[64];
    if (!ask->levels[at]) {
        snprintf(text, bytes, "-");
    } else if (row->points == 0 && row->partial != NULL && !row->faulty) {
        snprintf(text, bytes, "partial (%s)", row->words);
    } else if (row->programs == 0 || (row->faulty && level->failures == 0)) {
        snprintf(text, bytes, "n/a (%s)", row->words);
    } else if (row->points == 0) {
        snprintf(text, bytes, "n/a (%s)", ask->by == SWEEP_POINTS ? "no labelled points" : "no instructions");
    } else if (level->failures == 0) {
        snprintf(text, bytes, "survives %" PRIu64 " interrupts", level->taken);
    } else {
        place_text(&level->first.place, ask->by, place, sizeof(place));
        snprintf(text, bytes, "%s at %s in %s (%s%" PRIu64 " of %" PRIu64 ")",
                 sweep_end_names[level->first.end], place, level->first.name,
                 level->stopped ? "stopped after " : "", level->failures, row->points);
    }
}

static void masked_text(const struct interrupt_row *row, const struct interrupt_ask *ask, char *text,
                        size_t bytes)
{
    if (ask->by != SWEEP_STEP || row->programs == 0) {
        snprintf(text, bytes, "-");
    } else if (row->masked.instructions == 0) {
        snprintf(text, bytes, "0");
    } else {
        snprintf(text, bytes, "%" PRIu64 " (operation %" PRIu32 ", %s)", row->masked.instructions,
                 row->masked.op, row->masked.name);
    }
}

static void points_text(const struct interrupt_row *row, char *text, size_t bytes)
{
    if (row->partial != NULL && row->there != 0)
        snprintf(text, bytes, "%" PRIu64 " (partial: %.0f %%)", row->points,
                 100.0 * (double)row->points / (double)row->there);
    else
        snprintf(text, bytes, "%" PRIu64, row->points);
}

static const char *claims_text(uint64_t caps)
{
    return caps & PL_CAP_NMI_SAFE ? "irq-safe nmi-safe" : caps & PL_CAP_IRQ_SAFE ? "irq-safe" : "-";
}

static void print_table(const struct interrupt_row *rows, uint32_t row_count, const struct interrupt_ask *ask,
                        enum report_format format)
{
    static const struct table_column columns[] = {
        {"candidate", TABLE_LEFT},       {"claims", TABLE_LEFT},
        {"points", TABLE_RIGHT},         {"masking honoured", TABLE_LEFT},
        {"mask ignored", TABLE_LEFT},    {"longest masked, instructions", TABLE_LEFT},
        {"refused memory", TABLE_RIGHT}, {"seconds", TABLE_RIGHT},
    };
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    for (uint32_t i = 0; table != NULL && i < row_count; i++) {
        char texts[INTERRUPT_LEVEL_COUNT][600];
        char points[64];
        char masked[300];
        char seconds[32];
        char denied[64];
        const struct interrupt_row *row = &rows[i];
        for (int at = 0; at < INTERRUPT_LEVEL_COUNT; at++)
            verdict_text(row, (enum interrupt_level)at, ask, texts[at], sizeof(texts[at]));
        points_text(row, points, sizeof(points));
        masked_text(row, ask, masked, sizeof(masked));
        snprintf(seconds, sizeof(seconds), "%.1f", row->seconds);
        snprintf(denied, sizeof(denied), "%" PRIu64, row->levels[0].denied + row->levels[1].denied);
        const char *cells[] = {row->spec->name,
                               claims_text(row->caps),
                               points,
                               texts[INTERRUPT_IRQ],
                               texts[INTERRUPT_NMI],
                               masked,
                               denied,
                               seconds};
        table_add_row(table, cells);
    }
    if (table != NULL)
        table_print(table, format, false, stdout);
    table_destroy(table);
}

/* --- JSON --- */

static void add_stack(cJSON *object, const char *key, const char *names)
{
    cJSON *list = cJSON_AddArrayToObject(object, key);
    while (*names != '\0') {
        char name[200];
        size_t length = strcspn(names, "\n");
        snprintf(name, sizeof(name), "%.*s", (int)length, names);
        cJSON_AddItemToArray(list, cJSON_CreateString(name));
        names += length + (names[length] != '\0');
    }
}

static void add_level(cJSON *object, const struct interrupt_row *row, enum interrupt_level at,
                      const struct interrupt_ask *ask)
{
    const struct interrupt_level_row *level = &row->levels[at];
    char text[5000];
    cJSON *out = cJSON_AddObjectToObject(object, interrupt_level_names[at]);
    bool none = row->programs == 0 || level->taken == 0 || (row->faulty && level->failures == 0);
    cJSON_AddBoolToObject(out, "claimed", (row->caps & level_caps[at]) != 0);
    cJSON_AddStringToObject(out, "verdict", none ? "n/a" : sweep_end_names[level->first.end]);
    cJSON_AddNumberToObject(out, "interrupts", (double)level->taken);
    cJSON_AddNumberToObject(out, "refused_memory", (double)level->denied);
    cJSON_AddNumberToObject(out, "failures", (double)level->failures);
    cJSON_AddBoolToObject(out, "stopped", level->stopped);
    if (level->failures == 0)
        return;
    place_text(&level->first.place, ask->by, text, sizeof(text));
    cJSON_AddStringToObject(out, "at", text);
    cJSON_AddStringToObject(out, "function", level->first.name);
    cJSON_AddStringToObject(out, "ids", level->first.ids);
    cJSON_AddStringToObject(out, "words", level->first.words);
    add_stack(out, "interrupted", level->first.interrupted);
    add_stack(out, "interrupting", level->first.interrupting);
    replay_text(row->spec, level->program, &level->first, at, ask, text, sizeof(text));
    cJSON_AddStringToObject(out, "replay", text);
}

static void print_json(const struct interrupt_row *rows, uint32_t row_count, const struct interrupt_ask *ask)
{
    cJSON *all = cJSON_CreateArray();
    for (uint32_t i = 0; i < row_count; i++) {
        const struct interrupt_row *row = &rows[i];
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(all, object);
        cJSON_AddStringToObject(object, "candidate", row->spec->name);
        cJSON_AddStringToObject(object, "mode", ask->by == SWEEP_STEP ? "step" : "points");
        cJSON_AddNumberToObject(object, "programs", row->programs);
        cJSON_AddNumberToObject(object, "points", (double)row->points);
        cJSON_AddNumberToObject(object, "points_there", (double)row->there);
        cJSON_AddStringToObject(object, "partial", row->partial == NULL ? "" : row->partial);
        cJSON_AddNumberToObject(object, "seconds", row->seconds);
        cJSON_AddStringToObject(object, "note", row->words);
        for (int at = 0; at < INTERRUPT_LEVEL_COUNT; at++) {
            if (ask->levels[at])
                add_level(object, row, (enum interrupt_level)at, ask);
        }
        if (ask->by != SWEEP_STEP || row->programs == 0)
            continue;
        cJSON *masked = cJSON_AddObjectToObject(object, "longest_masked");
        cJSON_AddNumberToObject(masked, "instructions", (double)row->masked.instructions);
        cJSON_AddStringToObject(masked, "program", row->masked_program == NULL ? "" : row->masked_program);
        cJSON_AddNumberToObject(masked, "operation", row->masked.op);
        cJSON_AddStringToObject(masked, "function", row->masked.name);
    }
    char *text = cJSON_Print(all);
    if (text != NULL)
        puts(text);
    cJSON_free(text);
    cJSON_Delete(all);
}

void interrupt_print(const struct interrupt_row *rows, uint32_t row_count, const struct interrupt_ask *ask,
                     enum report_format format)
{
    if (format == REPORT_JSON) {
        print_json(rows, row_count, ask);
        return;
    }
    print_table(rows, row_count, ask, format);
    for (uint32_t i = 0; i < row_count && format == REPORT_TABLE; i++) {
        const struct interrupt_row *row = &rows[i];
        for (int at = 0; at < INTERRUPT_LEVEL_COUNT; at++) {
            const struct interrupt_level_row *level = &row->levels[at];
            if (level->failures == 0)
                continue;
            putchar('\n');
            interrupt_print_failure(row->spec, level->program, &level->first, (enum interrupt_level)at, ask,
                                    (row->caps & level_caps[at]) != 0);
        }
    }
}
