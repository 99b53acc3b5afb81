/* A result and its evidence made by hand: two candidates for whom every fact speaks, and a rod. A test takes
 * one fact away, or turns it. */
#ifndef TESTS_UNIT_DECIDE_FIXTURE_H
#define TESTS_UNIT_DECIDE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/decide.h"

#define DECIDE_FILES 6

static const char *const decide_file_names[DECIDE_FILES] = {
    "claims.json", "conformance.doc.json", "interrupts.json", "nosleep.json", "scale.json", "masked.json"};

enum { FILE_CLAIMS, FILE_CONFORMANCE, FILE_INTERRUPTS, FILE_NOSLEEP, FILE_SCALE, FILE_MASKED };

struct decide_place {
    char folder[64];
    cJSON *result;
    cJSON *files[DECIDE_FILES];
    cJSON *decision;
    size_t promises; /* that the program is said to know */
};

static inline cJSON *decide_parse(const char *text)
{
    cJSON *document = cJSON_Parse(text);

    assert_non_null(document);
    return document;
}

/* A row of the result, its median: "name" is workload/candidate/order/cpus as a run has it. */
static inline cJSON *decide_row(const struct decide_place *place, const char *workload, const char *candidate,
                                const char *rest, double ns)
{
    cJSON *row = cJSON_CreateObject();
    char text[300];

    snprintf(text, sizeof text, "%s/%s%s", workload, candidate, rest);
    cJSON_AddStringToObject(row, "run_name", text);
    cJSON_AddStringToObject(row, "name", text);
    cJSON_AddStringToObject(row, "run_type", "aggregate");
    cJSON_AddStringToObject(row, "aggregate_name", "median");
    cJSON_AddStringToObject(row, "candidate", candidate);
    cJSON_AddStringToObject(row, "workload", workload);
    cJSON_AddStringToObject(row, "status", "ok");
    cJSON_AddStringToObject(row, "time_unit", "ns");
    cJSON_AddNumberToObject(row, "real_time", ns);
    cJSON_AddNumberToObject(row, "cpus", 1);
    if (strstr(rest, "/order:0") != NULL)
        cJSON_AddNumberToObject(row, "order", 0);
    cJSON_AddNumberToObject(row, "machine_frames", 262144);
    cJSON_AddNumberToObject(row, "metadata_bytes_per_frame", 1);
    cJSON_AddNumberToObject(row, "noise", 0.05);
    snprintf(text, sizeof text, "./pagelab bench --backend %s --workload %s", candidate, workload);
    cJSON_AddStringToObject(row, "command", text);
    cJSON_AddItemToArray(cJSON_GetObjectItem(place->result, "benchmarks"), row);
    return row;
}

static inline cJSON *decide_find_row(const struct decide_place *place, const char *workload,
                                     const char *candidate)
{
    cJSON *row = NULL;

    cJSON_ArrayForEach(row, cJSON_GetObjectItem(place->result, "benchmarks"))
    {
        if (strcmp(cJSON_GetObjectItem(row, "workload")->valuestring, workload) == 0 &&
            strcmp(cJSON_GetObjectItem(row, "candidate")->valuestring, candidate) == 0)
            return row;
    }
    fail_msg("no row %s of %s", workload, candidate);
    return NULL;
}

static inline void decide_set(cJSON *object, const char *key, double number)
{
    cJSON_DeleteItemFromObject(object, key);
    cJSON_AddNumberToObject(object, key, number);
}

static inline void decide_say(cJSON *object, const char *key, const char *text)
{
    cJSON_DeleteItemFromObject(object, key);
    cJSON_AddStringToObject(object, key, text);
}

/* The rows of every workload that the tests ask for. */
static inline void decide_add_candidate(struct decide_place *place, const char *name)
{
    static const char *const plain[] = {"repeat", "bulk", "replace"};
    cJSON *list = cJSON_GetObjectItem(
        cJSON_GetObjectItem(cJSON_GetObjectItem(place->result, "context"), "pagelab"), "candidates");
    cJSON *one = decide_parse("{\"kind\": \"candidate\", \"capabilities\": [\"concurrent\", \"irq-safe\", "
                              "\"nmi-safe\", \"checks-free\"]}");

    cJSON_AddStringToObject(one, "name", name);
    cJSON_AddItemToArray(list, one);
    for (size_t i = 0; i < 3; i++)
        decide_row(place, plain[i], name, "/order:0/cpus:1", 20);
    cJSON *tail = decide_row(place, "nosleep-floor", name, "/cpus:1", 100);
    cJSON_AddNumberToObject(tail, "service_p99_9_ns", 900);
    cJSON_AddNumberToObject(tail, "arrivals", 40000);
    cJSON_AddNumberToObject(decide_row(place, "age", name, "/cpus:1", 100), "usable_order_9", 0.3);
    cJSON_AddNumberToObject(decide_row(place, "worst-masked", name, "/cpus:1", 300), "call_instructions", 50);
    cJSON_AddNumberToObject(decide_row(place, "worst-call", name, "/cpus:1", 300), "call_instructions", 80);
    decide_row(place, "replay-mine", name, "/mode:serial", 30);
    decide_say(decide_find_row(place, "replay-mine", name), "command",
               "./pagelab bench --workload replay:mine.pltrace");
}

/* One candidate in the files of checks; all is well. */
static inline void decide_add_evidence(struct decide_place *place, const char *name)
{
    static const char *const capabilities[] = {"concurrent", "irq-safe", "nmi-safe", "checks-free"};
    static const char *const scenarios[] = {"cold", "warm", "exhausted", "contended"};
    cJSON *promise = cJSON_GetObjectItem(place->files[FILE_CONFORMANCE], "F-8");

    cJSON_AddStringToObject(promise, name, "holds");
    for (size_t i = 0; i < 4; i++) {
        cJSON *claim = decide_parse("{\"state\": \"tested\", \"by\": [\"C-x\"], \"seen\": \"\"}");
        cJSON_AddStringToObject(claim, "candidate", name);
        cJSON_AddStringToObject(claim, "capability", capabilities[i]);
        cJSON_AddItemToArray(place->files[FILE_CLAIMS], claim);
        cJSON *quiet = decide_parse("{\"status\": \"never slept\", \"verdict\": \"never slept (9 calls)\"}");
        cJSON_AddStringToObject(quiet, "candidate", name);
        cJSON_AddStringToObject(quiet, "scenario", scenarios[i]);
        cJSON_AddItemToArray(cJSON_GetObjectItem(place->files[FILE_NOSLEEP], "rows"), quiet);
    }
    cJSON *interrupts = decide_parse("{\"mode\": \"step\", \"points\": 9, \"points_there\": 9, \"partial\": "
                                     "\"\", \"irq\": {\"verdict\": \"survives\", \"interrupts\": 9}, "
                                     "\"nmi\": {\"verdict\": \"survives\", \"interrupts\": 9}}");
    cJSON_AddStringToObject(interrupts, "candidate", name);
    cJSON_AddItemToArray(place->files[FILE_INTERRUPTS], interrupts);
    cJSON *memory = decide_parse(
        "{\"memory_bytes\": 1099511627776, \"repeat_ns\": 9, \"status\": \"ok\", \"reason\": \"\"}");
    cJSON_AddStringToObject(memory, "candidate", name);
    cJSON_AddItemToArray(cJSON_GetObjectItem(place->files[FILE_SCALE], "memory"), memory);
    cJSON *cpus = decide_parse("{\"cpus\": 64, \"repeat\": {}, \"status\": \"ok\", \"reason\": \"\"}");
    cJSON_AddStringToObject(cpus, "candidate", name);
    cJSON_AddItemToArray(cJSON_GetObjectItem(place->files[FILE_SCALE], "cpus"), cpus);
}

static inline int decide_place_make(void **state)
{
    struct decide_place *place = calloc(1, sizeof *place);

    strcpy(place->folder, "/tmp/pagelab-decide-XXXXXX");
    if (mkdtemp(place->folder) == NULL)
        return -1;
    place->result = decide_parse(
        "{\"context\": {\"date\": \"2026-01-02T03:04:05+00:00\", \"num_cpus\": 2, \"pagelab\": {\"commit\": "
        "\"abc\", "
        "\"mode\": \"quick\", \"complete\": true, \"cpu_model\": \"a machine\", \"candidates\": [{\"name\": "
        "\"magazine\", \"kind\": \"floor\", \"capabilities\": []}]}}, \"benchmarks\": []}");
    place->files[FILE_CLAIMS] = cJSON_CreateArray();
    place->files[FILE_CONFORMANCE] = decide_parse("{\"F-8\": {}}");
    place->files[FILE_INTERRUPTS] = cJSON_CreateArray();
    place->files[FILE_NOSLEEP] = decide_parse("{\"rows\": []}");
    place->files[FILE_SCALE] = decide_parse("{\"memory\": [], \"cpus\": []}");
    decide_row(place, "repeat", "magazine", "/order:0/cpus:1", 1);
    decide_add_candidate(place, "good");
    decide_add_candidate(place, "bad");
    decide_add_evidence(place, "good");
    decide_add_evidence(place, "bad");
    *state = place;
    return 0;
}

static inline int decide_place_remove(void **state)
{
    struct decide_place *place = *state;
    char path[160];

    for (size_t i = 0; i < DECIDE_FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", place->folder, decide_file_names[i]);
        remove(path);
        cJSON_Delete(place->files[i]);
    }
    cJSON_Delete(place->result);
    cJSON_Delete(place->decision);
    int status = remove(place->folder);
    free(place);
    return status;
}

/* Writes the evidence and decides with one profile, whose answer it returns. */
static inline const cJSON *decide_now(struct decide_place *place, const struct decide_profile *profile,
                                      bool reference)
{
    struct report_error error = {""};
    char path[160];

    for (size_t i = 0; i < DECIDE_FILES; i++) {
        char *text = place->files[i] == NULL ? NULL : cJSON_Print(place->files[i]);
        snprintf(path, sizeof path, "%s/%s", place->folder, decide_file_names[i]);
        FILE *file = text == NULL ? NULL : fopen(path, "w");
        if (file != NULL) {
            fputs(text, file);
            fclose(file);
        }
        cJSON_free(text);
    }
    const struct decide_sources sources = {.result = place->result,
                                           .file = "r.json",
                                           .reference = reference,
                                           .folder = place->folder,
                                           .promises = place->promises};
    cJSON_Delete(place->decision);
    place->decision = decide_json(&sources, profile, 1, &error);
    assert_string_equal(error.line, "");
    assert_non_null(place->decision);
    return cJSON_GetArrayItem(cJSON_GetObjectItem(place->decision, "profiles"), 0);
}

/* The entry of a candidate in "out", "unknown", "front" or "dominated", for a need (NULL: any). NULL: none.
 */
static inline const cJSON *decide_entry(const cJSON *profile, const char *list, const char *candidate,
                                        const char *need)
{
    const cJSON *one = NULL;

    cJSON_ArrayForEach(one, cJSON_GetObjectItem(profile, list))
    {
        if (strcmp(cJSON_GetObjectItem(one, "candidate")->valuestring, candidate) == 0 &&
            (need == NULL || strcmp(cJSON_GetObjectItem(one, "need")->valuestring, need) == 0))
            return one;
    }
    return NULL;
}

#endif
