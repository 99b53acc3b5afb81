/* pagelab doctor: what this machine can and cannot check, a line each, with the remedy. What is essential is
 * what `run` and `check` need; the rest belongs to single commands, which say n/a or refuse without it. */
#define _GNU_SOURCE /* sched_getaffinity, getloadavg, MAP_ANONYMOUS */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pagelab/check.h>

#include "bench/memory_guard.h"
#include "bench/ticks.h"
#include "cli/cli.h"
#include "platform/native/dispatch.h"
#include "platform/native/step.h"

#define GIB              (UINT64_C(1) << 30)
#define METADATA_BYTES   (64 * GIB) /* of a machine of 16 TiB, at 16 bytes a frame */
#define NOISE_NS         UINT64_C(100000000)
#define NOISE_GAP_NS     2000.0 /* nobody's own: an interrupt, or another process */
#define NOISE_SHARE_MOST 0.01

enum state { STATE_OK, STATE_LIMITED, STATE_MISSING };

static const char *const state_names[] = {"ok", "limited", "missing"};

struct finding_here {
    enum state state;
    char words[160];
};

struct probe {
    const char *name;
    const char *allows;
    const char *remedy;
    bool essential;
    void (*look)(struct finding_here *here);
};

PL_PRINTF(3, 4) static void say(struct finding_here *here, enum state state, const char *format, ...)
{
    va_list args;
    here->state = state;
    va_start(args, format);
    vsnprintf(here->words, sizeof(here->words), format, args);
    va_end(args);
}

/* --- essential --- */

static void look_build(struct finding_here *here)
{
    bool release = strcmp(PL_TIER, "release") == 0;
    say(here, release ? STATE_OK : STATE_LIMITED, "%s build, version %s", PL_TIER, PAGELAB_VERSION);
}

static void look_cores(struct finding_here *here)
{
    cpu_set_t set;
    int usable = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    say(here, usable >= 2 ? STATE_OK : STATE_LIMITED, "%d of %ld usable", usable,
        sysconf(_SC_NPROCESSORS_ONLN));
}

static void look_memory(struct finding_here *here)
{
    uint64_t cap = memory_guard_cap(UINT64_MAX);
    say(here, cap >= GIB ? STATE_OK : STATE_LIMITED, "a cell may touch %.1f GiB", (double)cap / (double)GIB);
}

static void look_machines(struct finding_here *here)
{
    uint64_t bytes = METADATA_BYTES;
    void *mapping = MAP_FAILED;
    for (; bytes >= GIB; bytes /= 2) {
        mapping = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mapping != MAP_FAILED)
            break;
    }
    if (mapping == MAP_FAILED) {
        say(here, STATE_MISSING, "not even a machine of 256 GiB can have its metadata");
        return;
    }
    munmap(mapping, (size_t)bytes);
    say(here, bytes == METADATA_BYTES ? STATE_OK : STATE_LIMITED,
        "metadata of %" PRIu64 " GiB can be addressed", bytes / GIB);
}

/* Whether pagelab-sim is beside this program. */
static void look_schedules(struct finding_here *here)
{
    bool there = access(cli_sim_program(), X_OK) == 0;
    say(here, there ? STATE_OK : STATE_MISSING, "pagelab-sim is %sbeside this program", there ? "" : "not ");
}

/* --- the processor and the kernel --- */

static void look_dispatch(struct finding_here *here)
{
    const char *missing = dispatch_missing();
    say(here, missing == NULL ? STATE_OK : STATE_MISSING, "%s", missing == NULL ? "can be trapped" : missing);
}

static void look_step(struct finding_here *here)
{
    char why[120] = "";
    bool able = step_supported(why, sizeof(why));
    say(here, able ? STATE_OK : STATE_MISSING, "%s", able ? "by the trap flag" : why);
}

/* Looks at the clock for a tenth of a second; what a gap took away was somebody else's. */
static void look_noise(struct finding_here *here)
{
    double loads[1] = {0};
    double per_ns = ticks_per_ns();
    uint64_t lost = 0;
    uint64_t gaps = 0;
    uint64_t begin = ticks_now();
    uint64_t last = begin;
    uint64_t least = (uint64_t)(NOISE_GAP_NS * per_ns);
    uint64_t length = (uint64_t)((double)NOISE_NS * per_ns);
    while (last - begin < length) {
        uint64_t now = ticks_now();
        if (now - last >= least) {
            lost += now - last;
            gaps++;
        }
        last = now;
    }
    double share = (double)lost / (double)(last - begin);
    (void)getloadavg(loads, 1);
    say(here, share <= NOISE_SHARE_MOST ? STATE_OK : STATE_LIMITED,
        "%.2f %% of 0.1 s taken away, in %" PRIu64 " gaps; load %.1f", 100 * share, gaps, loads[0]);
}

static void look_clock(struct finding_here *here)
{
    char line[4096];
    bool constant = false;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        constant = constant || strstr(line, " constant_tsc") != NULL;
    if (file != NULL)
        fclose(file);
    say(here, PL_HAS_CYCLES && constant ? STATE_OK : STATE_LIMITED, "%s, %.2f ticks/ns",
        !PL_HAS_CYCLES ? "the system's clock"
        : constant     ? "a time stamp counter of constant rate"
                       : "a time stamp counter whose rate may change",
        ticks_per_ns());
}

static void look_governor(struct finding_here *here)
{
    char text[40] = "";
    FILE *file = fopen("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "r");
    bool told = file != NULL && fgets(text, sizeof(text), file) != NULL;
    if (file != NULL)
        fclose(file);
    text[strcspn(text, "\n")] = '\0';
    say(here, !told || strcmp(text, "performance") == 0 ? STATE_OK : STATE_LIMITED, "%s",
        told ? text : "not told: a virtual machine, or fixed");
}

static void look_recording(struct finding_here *here)
{
    static const char *const events[] = {"/sys/kernel/tracing/events/kmem/mm_page_alloc/enable",
                                         "/sys/kernel/debug/tracing/events/kmem/mm_page_alloc/enable"};
    for (size_t i = 0; i < PL_COUNT_OF(events); i++) {
        int file = open(events[i], O_WRONLY | O_CLOEXEC); /* a sandbox may forbid what access() allows */
        if (file >= 0) {
            close(file);
            say(here, STATE_OK, "kmem events can be switched on");
            return;
        }
        if (errno != ENOENT && errno != ENOTDIR) {
            say(here, STATE_LIMITED, "kmem events are there, but not for us: %s", strerror(errno));
            return;
        }
    }
    say(here, STATE_MISSING, "no tracefs with kmem events is mounted here");
}

/* --- other programs --- */

static bool in_path(const char *name)
{
    const char *at = getenv("PATH");
    while (at != NULL && *at != '\0') {
        char path[4096];
        int bytes = (int)strcspn(at, ":");
        snprintf(path, sizeof(path), "%.*s/%s", bytes, at, name);
        if (access(path, X_OK) == 0)
            return true;
        at += bytes + (at[bytes] == ':');
    }
    return false;
}

/* The first of the names that there is, or else what is missing. */
static void look_program(struct finding_here *here, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (in_path(names[i])) {
            say(here, STATE_OK, "%s", names[i]);
            return;
        }
    }
    say(here, STATE_MISSING, "no %s in PATH", names[0]);
}

#define LOOK_PROGRAM(function, ...)                                                                          \
    static void function(struct finding_here *here)                                                          \
    {                                                                                                        \
        static const char *const names[] = {__VA_ARGS__};                                                    \
        look_program(here, names, PL_COUNT_OF(names));                                                       \
    }
LOOK_PROGRAM(look_compiler, "cc", "gcc", "clang-19", "clang")
LOOK_PROGRAM(look_clang, "clang-19")
LOOK_PROGRAM(look_afl, "afl-fuzz")
LOOK_PROGRAM(look_valgrind, "valgrind")
LOOK_PROGRAM(look_browser, "chromium", "chromium-browser", "google-chrome")

static void look_drivers(struct finding_here *here)
{
    char folder[4096];
    const char *path = cli_drivers(NULL, "fuzz", folder, sizeof(folder));
    bool there = access(path, X_OK) == 0;
    say(here, there ? STATE_OK : STATE_MISSING, there ? "built" : "not built, or not a checkout");
}

static const struct probe probes[] = {
    {"build", "figures worth a look: run, bench", "build preset release: ./pagelab does", false, look_build},
    {"cores", "cells of several CPUs, threads in checks", "a machine, or an affinity, of 2 CPUs", true,
     look_cores},
    {"memory", "cells of large machines", "free memory, or raise the control group's limit; --memory-cap",
     true, look_memory},
    {"huge machines", "scale to 16 TiB", "sysctl vm.overcommit_memory=1; ulimit -v unlimited", true,
     look_machines},
    {"schedules", "explore, cost, fuzz and replay of schedules", "a build without sanitizers: ./pagelab does",
     true, look_schedules},
    {"system calls", "nosleep: sees whatever asks the kernel",
     "Linux 5.11 or newer on x86-64, no sandbox that forbids it", false, look_dispatch},
    {"single step", "interrupt, masked: before every instruction", "Linux on x86-64, not under a debugger",
     false, look_step},
    {"noise", "differences of a few per cent in time",
     "end what else runs; ./pagelab noise: what can be told apart", false, look_noise},
    {"clock", "the tail: single operations timed", "a processor with constant_tsc; not: clocksource=hpet",
     false, look_clock},
    {"frequency", "times that repeat", "cpupower frequency-set -g performance", false, look_governor},
    {"recording", "a trace of your own kernel", "as root: mount -t tracefs tracefs /sys/kernel/tracing",
     false, look_recording},
    {"compiler", "plug-ins, to-c", "apt-get install gcc", false, look_compiler},
    {"clang", "fuzz, score", "./pagelab setup", false, look_clang},
    {"AFL++", "fuzz with two engines", "./pagelab setup", false, look_afl},
    {"fuzz drivers", "fuzz", "in the checkout: ./pagelab fuzz builds them", false, look_drivers},
    {"valgrind", "deterministic cost by instruction counts", "apt-get install valgrind", false,
     look_valgrind},
    {"browser", "the page is tested in one", "apt-get install chromium", false, look_browser},
};

static int doctor(enum report_format format)
{
    static const struct table_column columns[] = {{"state", TABLE_LEFT},
                                                  {"what", TABLE_LEFT},
                                                  {"here", TABLE_LEFT},
                                                  {"it allows", TABLE_LEFT},
                                                  {"remedy", TABLE_LEFT}};
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    unsigned lacking = 0;
    unsigned essential = 0;
    char note[160];
    if (table == NULL)
        return cli_mistake("doctor", "out of memory");
    for (size_t i = 0; i < PL_COUNT_OF(probes); i++) {
        struct finding_here here = {STATE_OK, ""};
        probes[i].look(&here);
        bool fine = here.state == STATE_OK;
        const char *cells[] = {state_names[here.state], probes[i].name, here.words, probes[i].allows,
                               fine ? "-" : probes[i].remedy};
        (void)table_add_row(table, cells);
        lacking += !fine;
        essential += !fine && probes[i].essential;
    }
    snprintf(note, sizeof(note), "%u of %zu are not ok, %u of them essential", lacking, PL_COUNT_OF(probes),
             essential);
    (void)table_add_note(table, note);
    table_print(table, format, cli_colour(), stdout);
    table_destroy(table);
    return essential == 0 ? CLI_OK : CLI_MISSED;
}

static int doctor_main(int argc, const char **argv)
{
    static char *format_text = NULL;
    enum report_format format;
    const struct poptOption options[] = {
        {"format", 'f', POPT_ARG_STRING, &format_text, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    if (cli_parse(&cli_doctor, argc, argv, options, 0, 0, &context) == NULL ||
        cli_format("doctor", format_text, &format) != 0)
        return CLI_MISTAKE;
    int code = doctor(format);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_doctor = {.name = "doctor",
                                       .arguments = "[--format FORMAT]",
                                       .summary =
                                           "what this machine can and cannot check, each with its remedy",
                                       .example = "doctor",
                                       .main = doctor_main};
