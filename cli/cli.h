/* The command line: what its files share. Thin: parse, call a room, print. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <popt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <pagelab/compiler.h>

#include "engine/spec.h"
#include "report/report.h"

/* Exit codes, as `pagelab --help` documents them. */
enum cli_exit {
    CLI_OK = 0,
    CLI_MISSED = 1,  /* a threshold or a goal was missed; a blind campaign; doctor */
    CLI_MISTAKE = 2, /* the caller's */
    CLI_BROKEN = 3,  /* a backend broke its contract or died, or a finding */
    CLI_INTERRUPTED = 130,
};

struct cli_command {
    const char *name;
    const char *arguments; /* after the name, for --help */
    const char *summary;   /* NULL: not shown in --help */
    const char *example;   /* what follows "pagelab" in a call that runs in the checkout; several by '\n' */
    int (*main)(int argc, const char **argv);
};

/* Every command, in the order of --help; ends with NULL. */
extern const struct cli_command *const cli_commands[];

struct cli_exit_code {
    enum cli_exit code;
    const char *words; /* NULL: the end */
};
extern const struct cli_exit_code cli_exit_codes[];

extern const struct cli_command cli_describe;
extern const struct cli_command cli_doctor;
extern const struct cli_command cli_explain;
extern const struct cli_command cli_list;
extern const struct cli_command cli_bench;
extern const struct cli_command cli_bench_cell;
extern const struct cli_command cli_run;
extern const struct cli_command cli_replay;
extern const struct cli_command cli_import;
extern const struct cli_command cli_report;
extern const struct cli_command cli_check;
extern const struct cli_command cli_choose;
extern const struct cli_command cli_compare;
extern const struct cli_command cli_noise;
extern const struct cli_command cli_nosleep;
extern const struct cli_command cli_fuzz;
extern const struct cli_command cli_new_backend;
extern const struct cli_command cli_scale;
extern const struct cli_command cli_explore;
extern const struct cli_command cli_interrupt;
extern const struct cli_command cli_masked;
extern const struct cli_command cli_cost;
extern const struct cli_command cli_gate;
extern const struct cli_command cli_score;
extern const struct cli_command cli_shrink;
extern const struct cli_command cli_show;
extern const struct cli_command cli_to_c;
extern const struct cli_command cli_triage;
extern const struct cli_command cli_regress;

/* Set by SIGINT, SIGTERM and SIGHUP. */
extern volatile sig_atomic_t cli_stop;

/* Prints "pagelab COMMAND: words" on stderr, one line; returns CLI_MISTAKE. */
PL_PRINTF(2, 3) int cli_mistake(const char *command, const char *format, ...);

/* The end of a command that printed on stdout: `code`, or CLI_MISTAKE after an error was printed if not all
 * of it could be written, as to a full disk; a finding's code goes first. A reader that left early changes
 * nothing. */
int cli_printed(const char *command, int code);

/* --help and --usage, which cli_parse answers, and --no-color; last in a command's table of options. Below
 * the options --help has the examples, and what is explored and what is not (limits.h). */
extern struct poptOption cli_help_options[];
#define CLI_HELP {NULL, '\0', POPT_ARG_INCLUDE_TABLE, cli_help_options, 0, "Common options:", NULL},

/* While it is set, cli_parse hands it the command's table, parses nothing and returns NULL: so each main
 * returns at once, and man page and completions know what --help knows (describe.c). */
extern void (*cli_describe_options)(const struct cli_command *command, const struct poptOption *options);

/* May stdout have colour: a terminal that knows it, and neither --no-color nor NO_COLOR. */
bool cli_colour(void);

/* pagelab --no-color COMMAND. */
void cli_without_colour(void);

/* Parses options into the table's variables. Returns the arguments that are left, NULL-terminated (an empty
 * list if none); NULL after an error was printed. At least `least` and at most `most` arguments are expected.
 * The context owns them. */
const char **cli_parse(const struct cli_command *command, int argc, const char **argv,
                       const struct poptOption *options, int least, int most, poptContext *context);

/* What spec_parse_list gave, the error with it if `count` is below 0: makes each one once. CLI_OK;
 * CLI_MISTAKE or, if a hook returned nonsense, CLI_BROKEN after an error was printed. */
int cli_check_specs(const char *command, const struct spec *specs, int count, struct spec_error *error);

/* --format; -1 after an error was printed. */
int cli_format(const char *command, const char *text, enum report_format *format);

/* "64MiB", "1GiB", "262144": bytes. 0 and a printed error if it is none; `text` may be NULL: 0 without error.
 */
bool cli_bytes(const char *command, const char *option, const char *text, uint64_t *bytes);

/* "freebsd" or NULL: *own is false; "0/2/8": INTERRUPT/SYSTEM/NORMAL in frames. False after an error was
 * printed. */
bool cli_floors(const char *command, const char *text, struct pl_floors *floors, bool *own);

/* Every built-in candidate, and per-CPU caches over two of them; rods are no allocators. As
 * spec_parse_list. */
int cli_every_candidate(struct spec *specs, struct spec_error *error);

/* One line on stderr, with both versions, where another version or ABI wrote the result; it is read all the
 * same. A result that does not say is let pass. */
void cli_say_version(const char *command, const char *path, const cJSON *result);
/* How a person calls this program, for a command to copy: by the wrapper of a checkout, or by name where it
 * is installed. Lines of error say 'pagelab', whoever calls. */
const char *cli_call(void);

/* This program's own path, for children. */
const char *cli_program(void);

/* pagelab-sim, which lies beside it; no build with a sanitizer has it. */
const char *cli_sim_program(void);

/* `path` if it exists, else the same below PAGELAB_ROOT (the checkout) or among what was installed, if that
 * does. `buffer` may hold the result. */
const char *cli_find(const char *path, char *buffer, size_t bytes);

/* A whole file of 1 byte to 64 MiB; the caller frees it. NULL after an error was printed. */
uint8_t *cli_read_file(const char *command, const char *path, size_t *bytes);

/* The fuzz drivers' folder: `own` if given, else that of the preset which the wrapper has built. */
const char *cli_drivers(const char *own, const char *preset, char *buffer, size_t bytes);

/* Makes a directory and its parents. 0, or -1 with errno. */
int cli_make_directory(const char *path);

#endif
