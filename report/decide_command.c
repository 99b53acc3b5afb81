/* What to type for a fact that is missing, and where its output goes so that choose reads it. */
#include "report/decide_question.h"
#include "report/result.h"

#include <string.h>

/* What --workload takes, as a word of a shell: rows say "replay-nginx" of the file that their command names.
 */
static void workload_option(const struct evidence *evidence, const char *workload, char *text, size_t bytes)
{
    char path[200];

    if (strncmp(workload, "replay-", 7) != 0) {
        decide_shell_word(workload, text, bytes);
        return;
    }
    for (size_t i = 0; i < evidence->cells.count; i++) {
        const struct report_cell *cell = &evidence->cells.list[i];
        const char *at = strcmp(cell->workload, workload) == 0
                             ? strstr(result_text(cell->row, "command"), "replay:")
                             : NULL;

        if (at != NULL && strcspn(at, " '") < sizeof path) {
            snprintf(path, sizeof path, "%.*s", (int)strcspn(at, " '"), at);
            decide_shell_word(path, text, bytes);
            return;
        }
    }
    snprintf(path, sizeof path, "replay:corpora/traces/%.150s.pltrace", workload + 7);
    decide_shell_word(path, text, bytes);
}

void decide_fact_no_cell(const struct evidence *evidence, const char *candidate,
                         const struct decide_cell *wanted, const struct report_cell *cell,
                         struct decide_fact *fact)
{
    char word[256];
    struct question question = {evidence, candidate, word, NULL, fact};

    memset(fact, 0, sizeof *fact);
    decide_shell_word(candidate, word, sizeof word);
    cite(&question, evidence_cell_file(evidence, cell), cell == NULL ? "" : cell->name);
    if (cell == NULL) {
        char option[300];

        workload_option(evidence, wanted->workload, option, sizeof option);
        answer(&question, DECIDE_UNKNOWN, "%s was not measured", wanted->workload);
        if (wanted->order >= 0) {
            command(&question, "./pagelab bench --backend %s --workload %s --order %.0f --cpus %.0f", word,
                    option, wanted->order, wanted->cpus < 1 ? 1 : wanted->cpus);
        } else {
            command(&question, "./pagelab bench --backend %s --workload %s", word, option);
        }
        return;
    }
    bool machine = strncmp(cell->reason, "n/a (machine)", 13) == 0;
    const char *reason = strncmp(cell->reason, "n/a (", 5) == 0 && strstr(cell->reason, "): ") != NULL
                             ? strstr(cell->reason, "): ") + 3
                             : cell->reason;

    answer(&question, machine ? DECIDE_UNKNOWN : DECIDE_OUT, "%s: %s", cell->status, reason);
    command(&question, "%s", result_text(cell->row, "command"));
}

/* A command that measures what is missing says where choose reads it: in a file of its own beside the run. */
void command_keep(const struct question *question)
{
    static const struct {
        const char *command;
        const char *prefix;
        const char *into; /* the option or redirection that the file's name follows */
    } keeps[] = {{"check --claims ", "claims", " --format json >"},
                 {"check ", "conformance", " --format json >"},
                 {"interrupt ", "interrupts", " --format json >"},
                 {"nosleep ", "nosleep", " --format json >"},
                 {"masked ", "masked", " --format json >"},
                 {"scale ", "scale", " --out "},
                 {"bench ", "worst", " --out "}};
    const char *file = question->evidence->sources->file;
    const char *slash = strrchr(file, '/');
    char *text = question->fact->command;
    char path[500];
    char word[550];
    char name[80];

    snprintf(name, sizeof name, "%s", question->candidate);
    for (char *at = name; *at != '\0'; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9');

        *at = plain ? *at : '-';
    }
    for (size_t i = 0; i < sizeof keeps / sizeof keeps[0]; i++) {
        size_t length = strlen(keeps[i].command);

        if (strncmp(text, "./pagelab ", 10) != 0 || strncmp(text + 10, keeps[i].command, length) != 0) {
            continue;
        }
        if (strcmp(keeps[i].prefix, "worst") == 0 && strstr(text, " --workload worst-") == NULL) {
            return; /* a cell of the matrix is read from the run alone */
        }
        snprintf(path, sizeof path, "%.*s%s.%s.json", slash == NULL ? 0 : (int)(slash - file) + 1, file,
                 keeps[i].prefix, name);
        decide_shell_word(path, word, sizeof word);
        if (strlen(text) + strlen(keeps[i].into) + strlen(word) < sizeof question->fact->command) {
            strcat(strcat(text, keeps[i].into), word);
        }
        return;
    }
}
