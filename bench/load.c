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
#define LOADED  "a loaded machine:"

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

bool load_of_text(const char *text, double tick_s, double own_s, struct load *load)
{
    double ticks[KINDS];
    const char *at = text + 4;
    *load = (struct load){.known = false};
    if (strncmp(text, "cpu ", 4) != 0)
        return false;
    for (int i = 0; i < KINDS; i++) {
        char *end = NULL;
        at += strspn(at, " ");
        if (*at < '0' || *at > '9')
            return false;
        ticks[i] = (double)strtoull(at, &end, 10);
        at = end;
    }
    double busy = ticks[USER] + ticks[NICE] + ticks[SYSTEM] + ticks[IRQ] + ticks[SOFTIRQ];
    load->busy_s = tick_s * busy - own_s;
    load->steal_s = tick_s * ticks[STEAL];
    load->total_s = tick_s * (busy + ticks[IDLE] + ticks[IOWAIT] + ticks[STEAL]);
    load->known = true;
    return true;
}

bool load_now(struct load *load)
{
    char line[512] = "";
    FILE *file = fopen("/proc/stat", "r");
    if (file == NULL || fgets(line, sizeof(line), file) == NULL)
        line[0] = '\0';
    if (file != NULL)
        fclose(file);
    return load_of_text(line, 1.0 / (double)sysconf(_SC_CLK_TCK),
                        used_s(RUSAGE_SELF) + used_s(RUSAGE_CHILDREN), load);
}

struct load_shares load_between(const struct load *then, const struct load *now)
{
    struct load_shares shares = {.unknown = !then->known || !now->known};
    double total = now->total_s - then->total_s;
    if (!shares.unknown && total >= LEAST_S) {
        shares.others = fmin(1, fmax(0, (now->busy_s - then->busy_s) / total));
        shares.steal = fmin(1, fmax(0, (now->steal_s - then->steal_s) / total));
    }
    return shares;
}

struct load_shares load_since(const struct load *then)
{
    struct load now;
    (void)load_now(&now);
    return load_between(then, &now);
}

void load_worst(struct load_shares *worst, const struct load_shares *shares)
{
    worst->others = fmax(worst->others, shares->others);
    worst->steal = fmax(worst->steal, shares->steal);
    worst->unknown = worst->unknown || shares->unknown;
}

cJSON *load_earlier(const cJSON *ours)
{
    static const char *const keys[] = {"load", "marks"};
    cJSON *earlier = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (cJSON_HasObjectItem(ours, keys[i]))
            cJSON_AddItemToObject(earlier, keys[i],
                                  cJSON_Duplicate(cJSON_GetObjectItem(ours, keys[i]), true));
    }
    return earlier;
}

/* A mark once. Of loads only the worst is named, by the words that came first. */
static void add_mark(cJSON *marks, const char *words)
{
    const cJSON *mark;
    cJSON_ArrayForEach(mark, marks)
    {
        const char *there = cJSON_GetStringValue(mark);
        if (there != NULL && (strcmp(there, words) == 0 || (strncmp(there, LOADED, strlen(LOADED)) == 0 &&
                                                            strncmp(words, LOADED, strlen(LOADED)) == 0)))
            return;
    }
    cJSON_AddItemToArray(marks, cJSON_CreateString(words));
}

static void add_share(cJSON *load, const cJSON *before, const char *key, double *share)
{
    const cJSON *item = cJSON_GetObjectItem(before, key);
    *share = cJSON_IsNumber(item) ? fmax(*share, item->valuedouble) : *share;
    cJSON_AddNumberToObject(load, key, *share);
}

static struct load_shares add_load(cJSON *ours, const struct load *then,
                                   const struct load_shares *worst_round, const cJSON *earlier)
{
    struct load_shares shares = load_since(then);
    struct load_shares worst = *worst_round;
    const cJSON *before = cJSON_GetObjectItem(earlier, "load");
    cJSON_DeleteItemFromObject(ours, "load");
    cJSON *load = cJSON_AddObjectToObject(ours, "load");
    add_share(load, before, "others_share", &shares.others);
    add_share(load, before, "steal_share", &shares.steal);
    add_share(load, before, "worst_round_others_share", &worst.others);
    add_share(load, before, "worst_round_steal_share", &worst.steal);
    shares.unknown = shares.unknown || worst.unknown;
    return shares;
}

void load_record(cJSON *ours, const struct load *then, const struct load_shares *worst_round,
                 const cJSON *earlier)
{
    struct load_shares shares = add_load(ours, then, worst_round, earlier);
    const char *mode = cJSON_GetStringValue(cJSON_GetObjectItem(ours, "mode"));
    const cJSON *mark;
    char words[128];
    cJSON_DeleteItemFromObject(ours, "marks");
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
        snprintf(words, sizeof(words), LOADED " others used %.0f %% of its time, the host took %.0f %%",
                 shares.others * 100, shares.steal * 100);
        add_mark(marks, words);
    }
    if (shares.unknown)
        add_mark(marks, "load not known: the machine does not say whether it was quiet");
    cJSON_ArrayForEach(mark, cJSON_GetObjectItem(earlier, "marks"))
    {
        if (cJSON_IsString(mark))
            add_mark(marks, mark->valuestring);
    }
}
