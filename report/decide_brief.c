/* The three lines that end a run: the fastest that passed, what it gives up, what to type next. */
#include "report/decide.h"
#include "report/result.h"

#include <string.h>

/* One line, whatever the names hold. */
static void line(const char *label, const char *text, FILE *out)
{
    fprintf(out, "%s", label);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        bool control = *at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0);

        fputc(control ? '?' : *at, out);
    }
    fputc('\n', out);
}

static void brief_front(const cJSON *best, const char *doubt, const char *next, FILE *out)
{
    const cJSON *one = NULL;
    char text[1200] = "";
    size_t used = 0;
    double ns = 0;

    result_number(cJSON_GetObjectItemCaseSensitive(best, "values"), "speed_ns", &ns);
    snprintf(text, sizeof text, "%s, %.3g ns an operation%s", result_text(best, "candidate"), ns, doubt);
    line("fastest that passed: ", text, out);
    text[0] = '\0';
    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(best, "gives_up"))
    {
        if (cJSON_IsString(one) && used + 1 < sizeof text) {
            int n =
                snprintf(text + used, sizeof text - used, "%s%s", used == 0 ? "" : "; ", one->valuestring);
            used += n < 0 ? 0 : (size_t)n;
        }
    }
    line("it gives up: ", text[0] == '\0' ? "nothing that was measured" : text, out);
    line("next: ", next, out);
}

/* All that speaks against the times, in brackets; "" for nothing. */
static void doubt_of(const cJSON *source, char *text, size_t bytes)
{
    const cJSON *mark = NULL;
    bool void_rods = strcmp(result_text(source, "rods"), "void") == 0;
    size_t used = (size_t)snprintf(
        text, bytes, "%s", void_rods ? " (but the rods do not hold: this machine is not fit to measure" : "");

    cJSON_ArrayForEach(mark, cJSON_GetObjectItemCaseSensitive(source, "marks"))
    {
        if (cJSON_IsString(mark) && used + 2 < bytes) {
            int n = snprintf(text + used, bytes - used, "%s%.150s", used == 0 ? " (marked: " : "; ",
                             mark->valuestring);
            used += n < 0 ? 0 : (size_t)n;
        }
    }
    if (used != 0 && used + 1 < bytes) {
        snprintf(text + used, bytes - used, ")");
    }
}

void decide_print_brief(const cJSON *decision, const char *next, FILE *out)
{
    const cJSON *source = cJSON_GetObjectItemCaseSensitive(decision, "source");
    const cJSON *profile = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(decision, "profiles"), 0);
    const cJSON *best = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(profile, "front"), 0);
    const cJSON *missing = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(profile, "unknown"), 0);
    const cJSON *out_by = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(profile, "out"), 0);
    const cJSON *fact = missing != NULL ? missing : out_by;
    char doubt[600];
    char text[800];

    doubt_of(source, doubt, sizeof doubt);
    if (best != NULL) {
        brief_front(best, doubt, next, out);
        return;
    }
    snprintf(text, sizeof text, "none%s", doubt);
    line("fastest that passed: ", text, out);
    snprintf(text, sizeof text, "%s: %s: %s", result_text(fact, "candidate"), result_text(fact, "need"),
             result_text(fact, "fact"));
    line(missing != NULL ? "not known of " : "out is ", fact == NULL ? "no candidate was measured" : text,
         out);
    line("next: ", result_text(fact, "command")[0] != '\0' ? result_text(fact, "command") : next, out);
}
