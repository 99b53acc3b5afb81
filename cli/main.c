/* pagelab: finds the subcommand and runs it. */
#define _POSIX_C_SOURCE 200809L /* sigaction */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "engine/isolate.h"

volatile sig_atomic_t cli_stop;

const struct cli_command *const cli_commands[] = {
    &cli_run,     &cli_bench,     &cli_bench_cell, &cli_list,        &cli_import,   &cli_replay,
    &cli_check,   &cli_fuzz,      &cli_report,     &cli_new_backend, &cli_scale,    &cli_nosleep,
    &cli_explore, &cli_interrupt, &cli_score,      &cli_shrink,      &cli_show,     &cli_triage,
    &cli_regress, &cli_masked,    &cli_cost,       &cli_to_c,        &cli_describe, &cli_gate,
    &cli_choose,  &cli_explain,   &cli_doctor,     &cli_noise,       &cli_compare,  NULL,
};

const struct cli_exit_code cli_exit_codes[] = {
    {CLI_OK, "all is well"},
    {CLI_MISSED,
     "a threshold or a goal was missed, a fuzz campaign was blind, or doctor lacks something essential"},
    {CLI_MISTAKE, "the caller's mistake: one line on stderr says what, where, and what was expected"},
    {CLI_BROKEN, "a backend broke its contract or died, or a finding"},
    {CLI_INTERRUPTED, "interrupted; what was done until then is kept"},
    {CLI_OK, NULL},
};

static void on_signal(int signal_number)
{
    (void)signal_number;
    cli_stop = 1;
}

static void print_help(FILE *out)
{
    fputs("pagelab " PAGELAB_VERSION
          ": runs page-frame allocators behind one interface, tries to break them, times "
          "them\non real kernel traces, and lays the evidence side by side.\n\n"
          "usage: pagelab COMMAND [OPTION...]        pagelab COMMAND --help\n\n",
          out);
    for (const struct cli_command *const *at = cli_commands; *at != NULL; at++) {
        if ((*at)->summary != NULL)
            fprintf(out, "  %-12s %s\n", (*at)->name, (*at)->summary);
    }
    fputs("  test         builds and runs the test suite (the wrapper script's own)\n"
          "  setup        installs what is missing; builds nothing (the wrapper script's own)\n\n"
          "exit codes:\n",
          out);
    for (const struct cli_exit_code *code = cli_exit_codes; code->words != NULL; code++)
        fprintf(out, "  %-3d  %s\n", code->code, code->words);
}

/* What a plug-in prints when it is unloaded is no part of the output. */
static int run_command(const struct cli_command *command, int argc, const char **argv)
{
    int code = cli_printed(command->name, command->main(argc, argv));
    (void)isolate_stdout();
    return code;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on files is an error like a full disk, for children, too */
    if (argc > 1 && strcmp(argv[1], "--no-color") == 0) {
        cli_without_colour();
        argc--;
        argv++;
    }
    const char *name = argc < 2 ? "" : argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return cli_printed(name, CLI_OK);
    }
    if (strcmp(name, "--version") == 0) {
        puts("pagelab " PAGELAB_VERSION);
        return cli_printed(name, CLI_OK);
    }
    for (const struct cli_command *const *at = cli_commands; *at != NULL; at++) {
        if (strcmp((*at)->name, name) == 0)
            return run_command(*at, argc - 1, (const char **)(argv + 1));
    }
    if (argc < 2)
        fprintf(stderr, "pagelab: a command expected; see 'pagelab --help'\n");
    else
        fprintf(stderr, "pagelab: '%.80s': unknown command; see 'pagelab --help'\n", name);
    return CLI_MISTAKE;
}
