/* See describe.h: the completions for bash and zsh. Both know commands, options, and what can stand behind an
 * option where that is a list; elsewhere they offer files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/workload.h"
#include "cli/describe.h"
#include "engine/checks/check.h"
#include "engine/registry.h"
#include "fuzz/family.h"

#define WORDS_BYTES 4096

static void add_word(char *words, const char *word)
{
    size_t used = strlen(words);
    int length = snprintf(words + used, WORDS_BYTES - used, "%s%s", used == 0 ? "" : " ", word);
    if (length < 0 || (size_t)length >= WORDS_BYTES - used)
        abort(); /* the build fails: room for more is needed */
}

static const char *candidates(void)
{
    static char words[WORDS_BYTES];
    words[0] = '\0';
    for (const struct pl_candidate *const *entry = registry_candidates; *entry != NULL; entry++) {
        if ((*entry)->kind == PL_KIND_CANDIDATE)
            add_word(words, (*entry)->name);
    }
    add_word(words, "percpu+buddy");
    add_word(words, "percpu+bitmap");
    return words;
}

static const char *promises(void)
{
    static char words[WORDS_BYTES];
    words[0] = '\0';
    for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++)
        add_word(words, check_promise(i)->id);
    return words;
}

static const char *targets(void)
{
    static char words[WORDS_BYTES];
    words[0] = '\0';
    for (unsigned i = 0; i < FUZZ_TARGET_COUNT; i++)
        add_word(words, fuzz_target_names[i]);
    return words;
}

static const char *workload_words(void)
{
    static char words[WORDS_BYTES];
    words[0] = '\0';
    for (size_t i = 0; workloads[i] != NULL; i++)
        add_word(words, workloads[i]->name);
    return words;
}

const char *describe_values(const struct describe_option *option)
{
    static const struct {
        const char *option;
        const char *words;
    } fixed[] = {{"format", "table json markdown csv perfetto"},
                 {"contract", "doc real"},
                 {"engine", "libfuzzer afl++"},
                 {"admission", "batched exact"},
                 {"profile", "rtos hypervisor server teaching"}};
    static const struct {
        const char *option;
        const char *(*words)(void);
    } lists[] = {{"backend", candidates},
                 {"backends", candidates},
                 {"id", promises},
                 {"target", targets},
                 {"workload", workload_words}};
    for (size_t i = 0; option->argument != NULL && i < PL_COUNT_OF(fixed); i++) {
        if (strcmp(option->name, fixed[i].option) == 0)
            return fixed[i].words;
    }
    for (size_t i = 0; option->argument != NULL && i < PL_COUNT_OF(lists); i++) {
        if (strcmp(option->name, lists[i].option) == 0)
            return lists[i].words();
    }
    return NULL;
}

const char *describe_arguments(const struct cli_command *command)
{
    if (strstr(command->arguments, "CANDIDATE") != NULL)
        return candidates();
    if (strncmp(command->arguments, "ID", 2) == 0 || strncmp(command->arguments, "[ID", 3) == 0)
        return promises();
    return NULL;
}

/* --- bash --- */

static void bash_command(const struct cli_command *command, FILE *out)
{
    static struct describe_command described;
    const char *arguments = describe_arguments(command);
    describe_ask(command, &described);
    fprintf(out, "    %s)\n      case $before in\n", command->name);
    for (unsigned i = 0; i < described.option_count; i++) {
        const struct describe_option *option = &described.options[i];
        const char *values = describe_values(option);
        if (option->argument == NULL)
            continue;
        fprintf(out, "        --%s", option->name);
        if (option->letter != '\0')
            fprintf(out, "|-%c", option->letter);
        fprintf(out, ") words='%s' value=1 ;;\n", values == NULL ? "" : values);
    }
    fprintf(out, "        *) words='");
    for (unsigned i = 0; i < described.option_count; i++)
        fprintf(out, "%s--%s", i == 0 ? "" : " ", described.options[i].name);
    fprintf(out, "'\n           [[ $current == -* ]] || words='%s' ;;\n      esac ;;\n",
            arguments == NULL ? "" : arguments);
}

void describe_bash(FILE *out)
{
    fputs("# bash completion for pagelab " PAGELAB_VERSION ", made from its tables of options.\n"
          "_pagelab() {\n"
          "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words= value=\n"
          "  COMPREPLY=()\n"
          "  if [[ $current == = ]]; then current=; elif [[ $before == = ]]; then "
          "before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
          "  if (( COMP_CWORD == 1 )); then\n"
          "    words='",
          out);
    for (const struct cli_command *const *at = cli_commands; *at != NULL; at++) {
        if ((*at)->summary != NULL)
            fprintf(out, "%s ", (*at)->name);
    }
    fputs("--help --version --no-color'\n"
          "  else\n"
          "    case ${COMP_WORDS[1]} in\n",
          out);
    for (const struct cli_command *const *at = cli_commands; *at != NULL; at++) {
        if ((*at)->summary != NULL)
            bash_command(*at, out);
    }
    fputs("    esac\n"
          "  fi\n"
          "  [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
          "}\n"
          "complete -o bashdefault -o default -F _pagelab pagelab ./pagelab\n",
          out);
}

/* --- zsh --- */

/* Inside single quotes; what _arguments and _describe would read as theirs is taken from them. */
static void zsh_quoted(const char *text, const char *harmful, FILE *out)
{
    for (; text != NULL && *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fprintf(out, "%s%c", strchr(harmful, *text) != NULL ? "\\" : "", *text);
    }
}

static void zsh_option(const struct describe_option *option, FILE *out)
{
    const char *values = describe_values(option);
    if (option->letter != '\0')
        fprintf(out, "        '(-%c --%s)'{'-%c%s','--%s%s'}'[", option->letter, option->name, option->letter,
                option->argument == NULL ? "" : "+", option->name, option->argument == NULL ? "" : "=");
    else
        fprintf(out, "        '--%s%s[", option->name, option->argument == NULL ? "" : "=");
    zsh_quoted(option->words, "[]\\", out);
    fputc(']', out);
    if (option->argument != NULL) {
        fputc(':', out);
        zsh_quoted(option->argument, ":\\", out);
        if (values == NULL)
            fputs(":_files", out);
        else
            fprintf(out, ":(%s)", values);
    }
    fputs("' \\\n", out);
}

void describe_zsh(FILE *out)
{
    static struct describe_command described;
    fputs("#compdef pagelab\n"
          "# zsh completion for pagelab " PAGELAB_VERSION ", made from its tables of options.\n"
          "_pagelab() {\n"
          "  local -a commands\n"
          "  commands=(\n",
          out);
    for (const struct cli_command *const *at = cli_commands; *at != NULL; at++) {
        if ((*at)->summary == NULL)
            continue;
        fprintf(out, "    '%s:", (*at)->name);
        zsh_quoted((*at)->summary, ":\\", out);
        fputs("'\n", out);
    }
    fputs("  )\n"
          "  if (( CURRENT == 2 )); then\n"
          "    _describe command commands\n"
          "    compadd -- --help --version --no-color\n"
          "    return\n"
          "  fi\n"
          "  local command=$words[2]\n"
          "  shift words\n"
          "  (( CURRENT-- ))\n"
          "  case $command in\n",
          out);
    for (const struct cli_command *const *at = cli_commands; *at != NULL; at++) {
        if ((*at)->summary == NULL)
            continue;
        const char *arguments = describe_arguments(*at);
        describe_ask(*at, &described);
        fprintf(out, "    %s)\n      _arguments -s \\\n", (*at)->name);
        for (unsigned i = 0; i < described.option_count; i++)
            zsh_option(&described.options[i], out);
        if (arguments == NULL)
            fputs("        '*:file:_files' ;;\n", out);
        else
            fprintf(out, "        '*:argument:(%s)' ;;\n", arguments);
    }
    fputs("  esac\n"
          "}\n"
          "_pagelab \"$@\"\n",
          out);
}
