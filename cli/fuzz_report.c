/* See fuzz_report.h. */
#define _POSIX_C_SOURCE 200809L
#include "cli/fuzz_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/child.h"
#include "cli/cli.h"
#include "fuzz/family.h"

#define COVERAGE_S 7200.0

static const char *verdict_of(const struct campaign_row *row)
{
    return row->canary              ? (row->caught        ? "caught"
                                       : row->seconds > 0 ? "BLIND"
                                                          : "not run")
           : row->findings != 0     ? "findings"
           : row->not_possible      ? "n/a"
           : row->reason[0] != '\0' ? "stopped"
                                    : "none";
}

static bool add_row(struct table *table, const struct campaign_row *row)
{
    char executions[32];
    char seconds[32];
    char speed[32];
    char ops[32];
    char coverage[32];
    char corpus[32];
    char findings[32];
    snprintf(executions, sizeof(executions), "%llu", (unsigned long long)row->executions);
    snprintf(seconds, sizeof(seconds), "%.1f", row->seconds);
    snprintf(speed, sizeof(speed), "%.0f", row->execs_per_second);
    snprintf(ops, sizeof(ops), row->ops_per_execution > 0 ? "%.1f" : "-", row->ops_per_execution);
    snprintf(coverage, sizeof(coverage), "%llu", (unsigned long long)row->coverage);
    snprintf(corpus, sizeof(corpus), "%llu",
             (unsigned long long)(row->merged > 0 ? row->merged : row->corpus));
    snprintf(findings, sizeof(findings), "%u", row->findings);
    const char *cells[] = {fuzz_target_names[row->target],
                           row->backend,
                           campaign_engine_names[row->engine],
                           campaign_build_names[row->build],
                           executions,
                           seconds,
                           speed,
                           ops,
                           coverage,
                           corpus,
                           findings,
                           verdict_of(row)};
    return table_add_row(table, cells);
}

static bool print_table(const struct campaign_result *result, enum report_format format, FILE *out)
{
    static const struct table_column columns[] = {
        {"target", TABLE_LEFT},   {"candidate", TABLE_LEFT},   {"engine", TABLE_LEFT},
        {"build", TABLE_LEFT},    {"executions", TABLE_RIGHT}, {"seconds", TABLE_RIGHT},
        {"execs/s", TABLE_RIGHT}, {"ops/exec", TABLE_RIGHT},   {"coverage", TABLE_RIGHT},
        {"corpus", TABLE_RIGHT},  {"findings", TABLE_RIGHT},   {"verdict", TABLE_LEFT},
    };
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    bool good = table != NULL;
    for (uint32_t i = 0; good && i < result->row_count; i++)
        good = add_row(table, &result->rows[i]);
    good = good && table_print(table, format, false, out);
    table_destroy(table);
    return good;
}

/* The first row of a pair that stopped says why. */
static bool has_reason(const struct campaign_result *result, uint32_t i)
{
    const struct campaign_row *row = &result->rows[i];
    bool first = i == 0 || row->target != row[-1].target || strcmp(row->backend, row[-1].backend) != 0;
    return first && row->reason[0] != '\0';
}

static bool counts(const struct campaign_finding *finding)
{
    return !finding->known || finding->again;
}

bool fuzz_report_print(const struct campaign_result *result, enum report_format format, FILE *out)
{
    bool good = print_table(result, format, out);
    if (format != REPORT_TABLE)
        return good;
    for (uint32_t i = 0; i < result->row_count; i++) {
        if (has_reason(result, i))
            fprintf(out, "%s %s: %s\n", fuzz_target_names[result->rows[i].target], result->rows[i].backend,
                    result->rows[i].reason);
    }
    for (uint32_t i = 0; i < result->finding_count; i++) {
        const struct campaign_finding *finding = &result->findings[i];
        if (counts(finding))
            fprintf(out, "finding: %s\n  input   %s\n  text    %s\n  replay  %s\n", finding->summary,
                    finding->path, finding->text_path, finding->replay);
    }
    return good && ferror(out) == 0;
}

/* --- the page --- */

static void put(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '<' || *text == '&' || *text == '>')
            fprintf(out, "&#%d;", *text);
        else
            fputc(*text, out);
    }
}

static void put_rows(const struct campaign_result *result, FILE *out)
{
    fputs("<table><tr><th>target<th>candidate<th>engine<th>build<th>executions<th>a second<th>seconds<th>of"
          "<th>coverage (edges)<th>corpus<th>merged<th>findings<th>verdict\n",
          out);
    for (uint32_t i = 0; i < result->row_count; i++) {
        const struct campaign_row *row = &result->rows[i];
        fprintf(out, "<tr><td>%s<td>", fuzz_target_names[row->target]);
        put(row->backend, out);
        fprintf(out,
                "<td>%s<td>%s<td class=n>%llu<td class=n>%.0f<td class=n>%.1f<td class=n>%.0f<td class=n>%llu"
                "<td class=n>%llu<td class=n>%llu<td class=n>%u<td>%s",
                campaign_engine_names[row->engine], campaign_build_names[row->build],
                (unsigned long long)row->executions, row->execs_per_second, row->seconds, row->share,
                (unsigned long long)row->coverage, (unsigned long long)row->corpus,
                (unsigned long long)row->merged, row->findings, verdict_of(row));
        if (row->reason[0] != '\0') {
            fputs(": ", out);
            put(row->reason, out);
        }
        fputc('\n', out);
    }
    fputs("</table>\n", out);
}

static void put_findings(const struct campaign_result *result, FILE *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < result->finding_count; i++)
        count += counts(&result->findings[i]);
    fprintf(out, "<h2>Findings: %u, new ones: %u</h2>\n", count, result->new_count);
    if (count == 0)
        return;
    fputs("<table><tr><th>id<th>by<th>candidate<th>target<th>what<th>to see it again\n", out);
    for (uint32_t i = 0; i < result->finding_count; i++) {
        const struct campaign_finding *finding = &result->findings[i];
        const char *const cells[] = {finding->ids,     finding->op,
                                     finding->backend, fuzz_target_names[finding->target],
                                     finding->summary, finding->replay};
        if (!counts(finding))
            continue;
        fputs("<tr>", out);
        for (unsigned k = 0; k < PL_COUNT_OF(cells); k++) {
            fputs(k + 1 == PL_COUNT_OF(cells) ? "<td><code>" : "<td>", out);
            put(cells[k], out);
        }
        fputs(finding->known ? "</code> (known before)\n" : "</code>\n", out);
    }
    fputs("</table>\n", out);
}

static bool write_page(const struct campaign_result *result, FILE *out)
{
    fputs(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>pagelab: campaign</title>\n"
        "<style>body{font:14px/1.4 sans-serif;margin:2em}td,th{text-align:left;padding:2px 8px;"
        "border-bottom:1px solid #ddd;vertical-align:top}.n{text-align:right}</style>\n<h1>A campaign</h1>\n",
        out);
    fprintf(out, "<p>%.0f s of wall clock in its last run. ", result->seconds);
    if (result->error[0] != '\0')
        put(result->error, out);
    fputs("</p>\n<p>Lines that its corpora never reached, by candidate: <a "
          "href='coverage.html'>coverage.html</a>, "
          "if <code>--coverage</code> was asked for.</p>\n",
          out);
    put_findings(result, out);
    fputs("<h2>Candidates and targets</h2>\n", out);
    put_rows(result, out);
    return fflush(out) == 0 && ferror(out) == 0;
}

static bool write_text(const struct campaign_result *result, FILE *out)
{
    return fuzz_report_print(result, REPORT_TABLE, out) && fflush(out) == 0;
}

/* Beside it, then renamed. */
static bool write_whole(const struct campaign_result *result, const char *name,
                        bool (*write)(const struct campaign_result *result, FILE *out))
{
    char path[CAMPAIGN_PATH_BYTES + 16];
    char fresh[CAMPAIGN_PATH_BYTES + 24];
    snprintf(path, sizeof(path), "%s/%s", result->out_dir, name);
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    FILE *out = fopen(fresh, "w");
    bool good = out != NULL && write(result, out);
    good = (out == NULL || fclose(out) == 0) && good && rename(fresh, path) == 0;
    if (!good) {
        (void)cli_mistake("fuzz", "%s: cannot be written: %s", path, strerror(errno));
        remove(fresh);
    }
    return good;
}

bool fuzz_report_write(const struct campaign_result *result)
{
    return write_whole(result, "report.txt", write_text) && write_whole(result, "report.html", write_page);
}

/* --- coverage --- */

struct coverage_call {
    char script[4096];
    char candidates[4096];
    char page[CAMPAIGN_PATH_BYTES + 16];
    char *argv[16 + SPEC_LIST_LIMIT];
};

/* Of each candidate's folder the corpora; one that no pair could be fuzzed of has none. */
static bool name_folders(struct coverage_call *call, int at, const struct campaign_result *result,
                         const struct campaign_options *options)
{
    size_t used = 0;
    int first = at;
    for (uint32_t i = 0; i < options->backend_count; i++) {
        const char *backend = options->backends[i];
        char folder[CAMPAIGN_PATH_BYTES];
        char out[CAMPAIGN_PATH_BYTES + 16];
        if (!campaign_folder(options, result->out_dir, backend, folder))
            continue;
        snprintf(out, sizeof(out), "%s/corpora", folder);
        if (access(out, R_OK) == 0 && (call->argv[at] = strdup(out)) != NULL)
            at++;
        used += (size_t)snprintf(call->candidates + used, sizeof(call->candidates) - used, "%s%s",
                                 used > 0 ? "," : "", backend);
        if (used >= sizeof(call->candidates))
            return false;
    }
    call->argv[at] = NULL;
    return at > first;
}

static bool write_output(const struct campaign_result *result, const struct child_result *child)
{
    char path[CAMPAIGN_PATH_BYTES + 16];
    snprintf(path, sizeof(path), "%s/coverage.txt", result->out_dir);
    FILE *out = fopen(path, "w");
    bool good = out != NULL && fwrite(child->output, 1, child->output_bytes, out) == child->output_bytes;
    good = (out == NULL || fclose(out) == 0) && good;
    if (!good)
        (void)cli_mistake("fuzz", "%s: cannot be written: %s", path, strerror(errno));
    return good;
}

bool fuzz_report_coverage(const struct campaign_result *result, const struct campaign_options *options)
{
    static struct coverage_call call;
    static char own[] = "-n";
    static char backends[] = "-b";
    static char page[] = "-p";
    char found[4096];
    char words[512];
    struct child_result child;
    snprintf(call.script, sizeof(call.script), "%s", cli_find("tests/coverage.sh", found, sizeof(found)));
    if (access(call.script, X_OK) != 0) {
        (void)cli_mistake("fuzz", "--coverage: %s: the checkout's script expected", call.script);
        return false;
    }
    snprintf(call.page, sizeof(call.page), "%s/coverage.html", result->out_dir);
    char *words_of[] = {call.script, own, backends, call.candidates, page, call.page};
    memcpy(call.argv, words_of, sizeof(words_of));
    if (!name_folders(&call, PL_COUNT_OF(words_of), result, options)) {
        (void)cli_mistake("fuzz", "--coverage: %s: corpora expected", result->out_dir);
        return false;
    }
    fprintf(stderr, "fuzz: replaying the corpora for %s\n", call.page);
    child_run(call.argv, COVERAGE_S, &cli_stop, &child);
    bool ended = child.end == CHILD_EXITED && child.code <= 1; /* 1: a stored program has a finding */
    bool good = ended && write_output(result, &child);
    if (!ended) {
        child_describe(&child, words, sizeof(words));
        (void)cli_mistake("fuzz", "--coverage: %s", words);
    }
    free(child.output);
    for (size_t i = PL_COUNT_OF(words_of); call.argv[i] != NULL; i++)
        free(call.argv[i]);
    return good;
}
