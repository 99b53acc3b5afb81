/* See score_page.h. A curve is a step down at each mutant's median time: what share of the mutants still
 * lives after so many seconds of a core. A mutant that was not detected lives to the right edge. */
#include "cli/score_page.h"

#include <math.h>
#include <stdlib.h>

#define PLOT_LEFT   60.0
#define PLOT_TOP    20.0
#define PLOT_WIDTH  640.0
#define PLOT_HEIGHT 280.0
#define DECADE_LOW  (-2) /* 0.01 s: sooner is not told apart */
#define DECADE_HIGH 2    /* 100 s */

static const struct {
    const char *name;
    const char *colour;
} curves[SCORE_WAY_COUNT] = {
    [SCORE_TARGET] = {"our targets", "#1f5fa8"},
    [SCORE_THREADS] = {"real threads under ThreadSanitizer (races only)", "#8a5a00"},
    [SCORE_PLAIN] = {"plain target", "#777777"},
};

static double x_of(double seconds)
{
    double decades = log10(seconds > 0.01 ? seconds : 0.01) - DECADE_LOW;
    double most = DECADE_HIGH - DECADE_LOW;
    return PLOT_LEFT + PLOT_WIDTH * (decades < most ? decades : most) / most;
}

static double y_of(double share)
{
    return PLOT_TOP + PLOT_HEIGHT * (1 - share);
}

static void write_axes(FILE *out)
{
    for (int decade = DECADE_LOW; decade <= DECADE_HIGH; decade++) {
        double x = x_of(pow(10, decade));
        fprintf(out, "<path d='M%.1f %.1fV%.1f' stroke='#ddd'/><text x='%.1f' y='%.1f'>%g</text>\n", x,
                y_of(1), y_of(0), x - 8, y_of(0) + 16, pow(10, decade));
    }
    for (int tenths = 0; tenths <= 10; tenths += 2) {
        double y = y_of(tenths / 10.0);
        fprintf(out, "<path d='M%.1f %.1fH%.1f' stroke='#ddd'/><text x='%.1f' y='%.1f'>%d %%</text>\n",
                PLOT_LEFT, y, PLOT_LEFT + PLOT_WIDTH, PLOT_LEFT - 44, y + 4, tenths * 10);
    }
    fprintf(out, "<text x='%.1f' y='%.1f'>seconds of one core (median over the seeds)</text>\n",
            PLOT_LEFT + 180, y_of(0) + 34);
}

static int compare_numbers(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Returns the mutants that were tried in this way, and the times of those that died, sorted. */
static uint32_t collect(const struct score_row *rows, uint32_t count, enum score_way way, double *times,
                        uint32_t *dead)
{
    uint32_t tried = 0;
    *dead = 0;
    for (uint32_t i = 0; i < count; i++) {
        tried += rows[i].ways[way].known;
        if (rows[i].ways[way].known && rows[i].ways[way].detected)
            times[(*dead)++] = rows[i].ways[way].seconds;
    }
    qsort(times, *dead, sizeof(times[0]), compare_numbers);
    return tried;
}

static void write_curves(const struct score_row *rows, uint32_t count, double *times, FILE *out)
{
    unsigned line = 0;
    for (unsigned way = 0; way < SCORE_WAY_COUNT; way++) {
        uint32_t dead;
        uint32_t tried = collect(rows, count, (enum score_way)way, times, &dead);
        if (tried == 0)
            continue;
        fprintf(out, "<path fill='none' stroke-width='2' stroke='%s' d='M%.1f %.1f", curves[way].colour,
                PLOT_LEFT, y_of(1));
        for (uint32_t i = 0; i < dead; i++)
            fprintf(out, "H%.1fV%.1f", x_of(times[i]), y_of(1 - (double)(i + 1) / tried));
        fprintf(out, "H%.1f'/>\n", PLOT_LEFT + PLOT_WIDTH);
        fprintf(out, "<text x='%.1f' y='%.1f' fill='%s'>%s: %u of %u detected</text>\n", PLOT_LEFT + 300,
                PLOT_TOP + 20 + 18 * line++, curves[way].colour, curves[way].name, dead, tried);
    }
}

static const char *word_of(const struct score_result *result)
{
    return !result->known ? "-" : result->detected ? result->by : "no";
}

/* Of a survivor, where on the way to a report it stopped. */
static const char *reason_of(const struct score_result *result)
{
    return result->detected     ? result->by
           : !result->reached   ? "survives: not reached"
           : !result->triggered ? "survives: not triggered"
                                : "survives: not seen";
}

static void write_rows(const struct score_row *rows, uint32_t count, FILE *out)
{
    fputs("<table><tr><th>mutant<th>kind<th>candidate<th>target<th>by<th>seconds<th>executions"
          "<th>threads<th>plain<th>history\n",
          out);
    for (uint32_t i = 0; i < count; i++) {
        const struct mutant *mutant = rows[i].mutant;
        const struct score_result *result = &rows[i].ways[SCORE_TARGET];
        if (!result->known)
            continue;
        fprintf(out, "<tr><td>%s<td>%s<td>%s<td>%s<td>%s<td>%.2f<td>%.0f<td>%s<td>%s<td>", mutant->name,
                mutant_kind_names[mutant->kind], mutant->backend, mutant->target, reason_of(result),
                result->seconds, result->executions, word_of(&rows[i].ways[SCORE_THREADS]),
                word_of(&rows[i].ways[SCORE_PLAIN]));
        for (const char *at = mutant->history; *at != '\0'; at++)
            fputs(*at == '<' ? "&lt;" : *at == '&' ? "&amp;" : (char[2]){*at, '\0'}, out);
        fputc('\n', out);
    }
    fputs("</table>\n", out);
}

bool score_page_write(const struct score_row *rows, uint32_t count, FILE *out)
{
    double *times = calloc(count + 1, sizeof(*times));
    if (times == NULL)
        return false;
    fputs(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>pagelab: mutants</title>\n"
        "<style>body{font:14px/1.4 sans-serif;margin:2em;max-width:80em}text{font-size:12px}"
        "td,th{text-align:left;padding:2px 8px;border-bottom:1px solid #ddd;vertical-align:top}</style>\n"
        "<h1>How long planted bugs live</h1>\n"
        "<p>Each step down is a mutant that was detected; what is left at the right edge survived its time. "
        "docs/mutants.md says what the words mean.</p>\n",
        out);
    fprintf(out, "<svg role='img' aria-label='survival curves' width='%.0f' height='%.0f'>\n",
            PLOT_LEFT + PLOT_WIDTH + 20, PLOT_TOP + PLOT_HEIGHT + 50);
    write_axes(out);
    write_curves(rows, count, times, out);
    fputs("</svg>\n", out);
    write_rows(rows, count, out);
    free(times);
    return fflush(out) == 0;
}
