/* pagelab: finds the subcommand and runs it. */
#define _POSIX_C_SOURCE 200809L /* sigaction */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "engine/isolate.h"

volatile sig_atomic_t cli_stop;

static const struct cli_command *const commands[] = {
    &cli_run,     &cli_bench,     &cli_bench_cell, &cli_list,        &cli_import, &cli_replay,
    &cli_check,   &cli_fuzz,      &cli_report,     &cli_new_backend, &cli_scale,  &cli_nosleep,
    &cli_explore, &cli_interrupt, &cli_score,      &cli_shrink,      &cli_show,   &cli_triage,
    &cli_regress, &cli_masked,    &cli_cost,       &cli_to_c,
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
    for (size_t i = 0; i < PL_COUNT_OF(commands); i++) {
        if (commands[i]->summary != NULL)
            fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    }
    fputs("  test         builds and runs the test suite (the wrapper script's own)\n"
          "  setup        installs what is missing; builds nothing (the wrapper script's own)\n\n"
          "exit codes:\n"
          "  0    all is well\n"
          "  1    a threshold or a goal was missed, or a fuzz campaign was blind\n"
          "  2    the caller's mistake: one line on stderr says what, where, and what was expected\n"
          "  3    a backend broke its contract or died, or a finding\n"
          "  130  interrupted; what was done until then is kept\n",
          out);
}

/* What a plug-in prints when it is unloaded is no part of the output. */
static int run_command(const struct cli_command *command, int argc, const char **argv)
{
    int code = command->main(argc, argv);
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
    if (argc > 1 && strcmp(argv[1], "--no-color") == 0) {
        cli_without_colour();
        argc--;
        argv++;
    }
    const char *name = argc < 2 ? "" : argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return CLI_OK;
    }
    if (strcmp(name, "--version") == 0) {
        puts("pagelab " PAGELAB_VERSION);
        return CLI_OK;
    }
    for (size_t i = 0; i < PL_COUNT_OF(commands); i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return run_command(commands[i], argc - 1, (const char **)(argv + 1));
    }
    if (argc < 2)
        fprintf(stderr, "pagelab: a command expected; see 'pagelab --help'\n");
    else
        fprintf(stderr, "pagelab: '%.80s': unknown command; see 'pagelab --help'\n", name);
    return CLI_MISTAKE;
}
