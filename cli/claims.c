/* See claims.h. */
#include "cli/claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/checks/claims.h"

#define CLAIM_LIMIT 64u /* capabilities are bits */

struct claim_row {
    const struct claim *claim;
    struct claim_verdict verdict;
};

/* All claims of one candidate. */
struct claim_rows {
    struct claim_row rows[CLAIM_LIMIT];
    unsigned count;
    struct spec_error error; /* not empty: it could not be asked what it claims */
};

/* False: interrupted. */
static bool judge_all(const struct spec *spec, enum contract contract, struct claim_rows *rows)
{
    uint64_t caps = 0;
    rows->count = 0;
    rows->error.text[0] = '\0';
    if (claim_capabilities(spec, &caps, &rows->error) != PL_OK)
        return !cli_stop;
    rows->error.text[0] = '\0';
    for (unsigned i = 0; claim_at(i) != NULL; i++) {
        if ((caps & claim_at(i)->cap) == 0)
            continue;
        struct claim_row *row = &rows->rows[rows->count++];
        row->claim = claim_at(i);
        if (!claim_judge(row->claim, spec, contract, &cli_stop, &row->verdict))
            return false;
    }
    return true;
}

static int judge_specs(const struct spec *specs, uint32_t spec_count, enum contract contract,
                       struct claim_rows *claims)
{
    bool progress = isatty(STDERR_FILENO) != 0;
    int code = CLI_OK;
    for (uint32_t spec = 0; spec < spec_count; spec++) {
        if (progress)
            fprintf(stderr, "\r\033[Kclaims of %s (%u of %u) ", specs[spec].name, spec + 1, spec_count);
        if (!judge_all(&specs[spec], contract, &claims[spec]))
            return CLI_INTERRUPTED;
        for (unsigned i = 0; i < claims[spec].count; i++) {
            const struct claim_verdict *verdict = &claims[spec].rows[i].verdict;
            if (verdict->state == CLAIM_REFUTED || verdict->broken)
                code = CLI_BROKEN;
        }
    }
    if (progress)
        fputs("\r\033[K", stderr);
    return code;
}

/* --- a row a claim --- */

static void add_row(struct table *table, const struct spec *spec, const struct claim_row *row)
{
    char by[sizeof(row->verdict.by)];
    size_t i = 0;
    do { /* a list, for the table */
        by[i] = row->verdict.by[i] == ' ' ? ',' : row->verdict.by[i];
    } while (row->verdict.by[i++] != '\0');
    const char *cells[] = {spec->name, row->claim->name, claim_state_name(row->verdict.state), by,
                           row->verdict.words};
    table_add_row(table, cells);
}

static void print_rows(const struct spec *specs, uint32_t spec_count, const struct claim_rows *claims,
                       enum report_format format)
{
    static const struct table_column columns[] = {{"candidate", TABLE_LEFT},
                                                  {"capability", TABLE_LEFT},
                                                  {"state", TABLE_LEFT},
                                                  {"by", TABLE_LIST},
                                                  {"seen", TABLE_LEFT}};
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    for (uint32_t spec = 0; table != NULL && spec < spec_count; spec++) {
        const char *none[] = {specs[spec].name, "", "n/a", "", claims[spec].error.text};
        if (none[4][0] != '\0')
            table_add_row(table, none);
        for (unsigned i = 0; i < claims[spec].count; i++)
            add_row(table, &specs[spec], &claims[spec].rows[i]);
    }
    if (table != NULL)
        table_print(table, format, false, stdout);
    table_destroy(table);
}

/* --- lines --- */

/* The names in this state that need no words, on one line. */
static void print_names(const struct spec *spec, const struct claim_rows *rows, enum claim_state state)
{
    bool any = false;
    for (unsigned i = 0; i < rows->count; i++) {
        const struct claim_verdict *verdict = &rows->rows[i].verdict;
        if (verdict->state != state || verdict->words[0] != '\0')
            continue;
        if (!any)
            printf("%-7s %s:", claim_state_name(state), spec->name);
        any = true;
        printf(" %s", rows->rows[i].claim->name);
    }
    if (any)
        putchar('\n');
}

static void print_lines(const struct spec *specs, uint32_t spec_count, const struct claim_rows *claims)
{
    for (uint32_t spec = 0; spec < spec_count; spec++) {
        const struct claim_rows *rows = &claims[spec];
        if (rows->error.text[0] != '\0')
            printf("claims  %s: n/a (%s)\n", specs[spec].name, rows->error.text);
        for (enum claim_state state = CLAIM_STATED; state <= CLAIM_TESTED; state++)
            print_names(&specs[spec], rows, state);
        for (unsigned i = 0; i < rows->count; i++) {
            const struct claim_verdict *verdict = &rows->rows[i].verdict;
            if (verdict->words[0] != '\0')
                printf("%-7s %s %s%s%s: %s\n", claim_state_name(verdict->state), specs[spec].name,
                       rows->rows[i].claim->name, verdict->by[0] == '\0' ? "" : " by ", verdict->by,
                       verdict->words);
        }
    }
}

int claims_check(const struct spec *specs, uint32_t spec_count, enum contract contract,
                 const enum report_format *format)
{
    struct claim_rows *claims = calloc(spec_count, sizeof(*claims));
    if (claims == NULL)
        return cli_mistake("check", "out of memory");
    int code = judge_specs(specs, spec_count, contract, claims);
    if (code != CLI_INTERRUPTED && format == NULL)
        print_lines(specs, spec_count, claims);
    else if (code != CLI_INTERRUPTED)
        print_rows(specs, spec_count, claims, *format);
    free(claims);
    return code;
}
