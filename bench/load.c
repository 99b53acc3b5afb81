/* See load.h. */
#define _GNU_SOURCE /* getrusage */
#include "bench/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <pagelab/check.h>

#define LEAST_S 0.2 /* the clock of /proc/stat ticks every 10 ms */

static double used_s(int who)
{
    struct rusage usage;
    if (getrusage(who, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* The first line: "cpu", and the ticks of all CPUs in this order. */
enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, KINDS };

static bool read_ticks(double ticks[KINDS])
{
    char line[512] = "";
    FILE *file = fopen("/proc/stat", "r");
    bool good = file != NULL && fgets(line, sizeof(line), file) != NULL && strncmp(line, "cpu ", 4) == 0;
    if (file != NULL)
        fclose(file);
    char *at = line + 4;
    for (int i = 0; good && i < KINDS; i++) {
        char *end = at;
        ticks[i] = (double)strtoull(at, &end, 10);
        good = end != at;
        at = end;
    }
    return good;
}

bool load_now(struct load *load)
{
    double ticks[KINDS];
    *load = (struct load){0, 0, 0};
    if (!read_ticks(ticks))
        return false;
    double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
    double busy = ticks[USER] + ticks[NICE] + ticks[SYSTEM] + ticks[IRQ] + ticks[SOFTIRQ];
    load->busy_s = tick * busy - used_s(RUSAGE_SELF) - used_s(RUSAGE_CHILDREN);
    load->steal_s = tick * ticks[STEAL];
    load->total_s = tick * (busy + ticks[IDLE] + ticks[IOWAIT] + ticks[STEAL]);
    return true;
}

struct load_shares load_since(const struct load *then)
{
    struct load now;
    struct load_shares shares = {0, 0};
    if (load_now(&now) && then->total_s > 0 && now.total_s - then->total_s >= LEAST_S) {
        double total = now.total_s - then->total_s;
        shares.others = fmin(1, fmax(0, (now.busy_s - then->busy_s) / total));
        shares.steal = fmin(1, fmax(0, (now.steal_s - then->steal_s) / total));
    }
    return shares;
}

static void add_mark(cJSON *marks, const char *words)
{
    cJSON_AddItemToArray(marks, cJSON_CreateString(words));
}

void load_record(cJSON *ours, const struct load *then, const struct load_shares *worst_round)
{
    struct load_shares shares = load_since(then);
    const char *mode = cJSON_GetStringValue(cJSON_GetObjectItem(ours, "mode"));
    char words[128];
    cJSON_DeleteItemFromObject(ours, "load");
    cJSON_DeleteItemFromObject(ours, "marks");
    cJSON *load = cJSON_AddObjectToObject(ours, "load");
    cJSON_AddNumberToObject(load, "others_share", shares.others);
    cJSON_AddNumberToObject(load, "steal_share", shares.steal);
    cJSON_AddNumberToObject(load, "worst_round_others_share", worst_round->others);
    cJSON_AddNumberToObject(load, "worst_round_steal_share", worst_round->steal);
    cJSON *marks = cJSON_AddArrayToObject(ours, "marks");
#if defined(PL_SANITIZED)
    add_mark(marks, "a build with a sanitizer: its times mean nothing");
#endif
    if (strcmp(PL_TIER, "release") != 0) {
        snprintf(words, sizeof(words), "a %s build: only a release build is measured", PL_TIER);
        add_mark(marks, words);
    }
    if (mode != NULL && strcmp(mode, "smoke") == 0)
        add_mark(marks, "smoke mode: a few operations each");
    if (shares.others > LOAD_OTHERS_LIMIT || shares.steal > LOAD_STEAL_LIMIT) {
        snprintf(words, sizeof(words),
                 "a loaded machine: others used %.0f %% of its time, the host took %.0f %%",
                 shares.others * 100, shares.steal * 100);
        add_mark(marks, words);
    }
}
