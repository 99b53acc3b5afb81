/* pagelab describe man|bash|zsh: the man page and the completions, as the build writes them. The command
 * itself is hidden: it is for the build. See describe.h. */
#include "cli/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/limits.h"

static struct describe_command *asked; /* who is told by the command that is being asked */

static void take_options(const struct cli_command *command, const struct poptOption *options)
{
    for (const struct poptOption *at = options;
         at->longName != NULL || at->shortName != '\0' || at->arg != NULL; at++) {
        if ((at->argInfo & POPT_ARG_MASK) == POPT_ARG_INCLUDE_TABLE) {
            take_options(command, at->arg);
            continue;
        }
        if ((at->argInfo & POPT_ARGFLAG_DOC_HIDDEN) != 0 || at->longName == NULL)
            continue;
        if (asked->option_count == DESCRIBE_OPTIONS_MAX)
            abort(); /* the build fails: room for more is needed */
        asked->options[asked->option_count++] = (struct describe_option){
            at->longName, at->shortName, at->descrip,
            at->argDescrip == NULL && (at->argInfo & POPT_ARG_MASK) != POPT_ARG_NONE ? "VALUE"
                                                                                     : at->argDescrip};
    }
}

void describe_ask(const struct cli_command *command, struct describe_command *result)
{
    const char *argv[] = {command->name, NULL};
    *result = (struct describe_command){.command = command};
    asked = result;
    cli_describe_options = take_options;
    (void)command->main(1, argv);
    cli_describe_options = NULL;
}

/* --- the man page --- */

/* Text that troff takes as it stands: a line that begins with a dot or a quote would be a request. */
static void print_roff(const char *text)
{
    bool begins = true;
    for (; *text != '\0'; text++) {
        if (begins && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        begins = *text == '\n';
        switch (*text) {
        case '\\':
            fputs("\\e", stdout);
            break;
        case '-':
            fputs("\\-", stdout);
            break;
        case '\'':
            fputs("\\(aq", stdout);
            break;
        default:
            putchar(*text);
        }
    }
}

static void print_option(const struct describe_option *option)
{
    fputs(".TP\n\\fB", stdout);
    if (option->letter != '\0')
        printf("\\-%c\\fR, \\fB", option->letter);
    fputs("\\-\\-", stdout);
    print_roff(option->name);
    fputs("\\fR", stdout);
    if (option->argument != NULL)
        printf("=\\fI%s\\fR", option->argument);
    putchar('\n');
    print_roff(option->words == NULL ? "" : option->words);
    putchar('\n');
}

static void print_man_command(const struct cli_command *command)
{
    static struct describe_command described;
    const char *limits = cli_limits_text(command->name);
    describe_ask(command, &described);
    fputs(".SS \"pagelab ", stdout);
    print_roff(command->name);
    if (command->arguments[0] != '\0')
        putchar(' ');
    print_roff(command->arguments);
    fputs("\"\n", stdout);
    print_roff(command->summary);
    fputs(".\n", stdout);
    for (unsigned i = 0; i < described.option_count; i++) {
        bool common = false; /* those of every command are listed once */
        for (const struct poptOption *at = cli_help_options; at->longName != NULL && !common; at++)
            common = strcmp(at->longName, described.options[i].name) == 0;
        if (!common)
            print_option(&described.options[i]);
    }
    for (const char *at = command->example; at != NULL && *at != '\0';) {
        int length = (int)strcspn(at, "\n");
        char line[400];
        snprintf(line, sizeof(line), "%.*s", length, at);
        fputs(".PP\nExample: \\fBpagelab ", stdout);
        print_roff(line);
        fputs("\\fR\n", stdout);
        at += length + (at[length] == '\n');
    }
    if (limits != NULL) {
        fputs(".PP\n", stdout);
        print_roff(limits);
        putchar('\n');
    }
}

static void print_man(void)
{
    puts(
        ".TH PAGELAB 1 \"\" \"pagelab " PAGELAB_VERSION "\" \"User Commands\"\n"
        ".nh\n"
        ".SH NAME\n"
        "pagelab \\- benchmarks and fuzzes page\\-frame allocators behind one interface\n"
        ".SH SYNOPSIS\n"
        ".B pagelab\n"
        "[\\fB\\-\\-no\\-color\\fR] \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n"
        ".br\n"
        ".B pagelab\n"
        "\\fB\\-\\-help\\fR | \\fB\\-\\-version\\fR\n"
        ".SH DESCRIPTION\n"
        "Runs page\\-frame allocators behind one kernel\\-like interface, tries to break them, times them on "
        "real kernel traces and on the paths that matter, and lays the evidence side by side.\n"
        "In a checkout the same command is the script\n"
        ".IR ./pagelab ,\n"
        "which builds what is out of date first, and also knows\n"
        ".B test\nand\n.BR setup .\n"
        ".SH COMMANDS\n"
        "Each of them takes these as well:");
    for (const struct poptOption *at = cli_help_options; at->longName != NULL; at++) {
        struct describe_option option = {at->longName, at->shortName, at->descrip, at->argDescrip};
        print_option(&option);
    }
    for (const struct cli_command *const *at = cli_commands; *at != NULL; at++) {
        if ((*at)->summary != NULL)
            print_man_command(*at);
    }
    puts(".SH EXIT STATUS");
    for (const struct cli_exit_code *code = cli_exit_codes; code->words != NULL; code++) {
        printf(".TP\n.B %d\n", code->code);
        print_roff(code->words);
        putchar('\n');
    }
    puts(".SH ENVIRONMENT\n"
         ".TP\n.B NO_COLOR\nset and not empty: no bold and no colour on a terminal\n"
         ".TP\n.B PAGELAB_ROOT\n"
         "where \\fIcorpora/\\fR, \\fIresults/\\fR and the fuzz drivers are looked for, if not here; an "
         "installed program has its own corpora and reference results in \\fIshare/pagelab\\fR\n"
         ".SH NOTES\n"
         "Progress goes to stderr, and only if that is a terminal. Tables go to stdout; "
         "\\fB\\-\\-format json\\fR is for programs.");
}

static int describe_main(int argc, const char **argv)
{
    static const struct {
        const char *name;
        void (*print)(FILE *out);
    } scripts[] = {{"bash", describe_bash}, {"zsh", describe_zsh}};
    const struct poptOption options[] = {CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_describe, argc, argv, options, 1, 1, &context);
    if (left == NULL)
        return CLI_MISTAKE;
    bool found = strcmp(left[0], "man") == 0;
    if (found)
        print_man();
    for (size_t i = 0; i < PL_COUNT_OF(scripts); i++) {
        if (strcmp(left[0], scripts[i].name) == 0) {
            scripts[i].print(stdout);
            found = true;
        }
    }
    int code = found ? CLI_OK : cli_mistake("describe", "'%s': man, bash or zsh expected", left[0]);
    poptFreeContext(context);
    return code == CLI_OK && fflush(stdout) != 0 ? CLI_MISTAKE : code;
}

const struct cli_command cli_describe = {
    .name = "describe", .arguments = "man|bash|zsh", .summary = NULL, .main = describe_main};
