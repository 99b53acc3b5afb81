/* See environment.h. */
#define _GNU_SOURCE /* getloadavg */
#include "bench/environment.h"

#include <pagelab/caps.h>
#include <pagelab/check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bench/built.h"
#include "engine/instance.h"
#include "engine/registry.h"
#include "platform/native/native.h"

/* The value of the first line of /proc/cpuinfo with this key. */
static void cpu_info(const char *key, char *value, size_t bytes)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    snprintf(value, bytes, "unknown");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) != 0 || colon == NULL)
            continue;
        snprintf(value, bytes, "%s", colon[1] == ' ' ? colon + 2 : colon + 1);
        value[strcspn(value, "\n")] = '\0';
        break;
    }
    if (file != NULL)
        fclose(file);
}

static void add_load(cJSON *context)
{
    double loads[3] = {0, 0, 0};
    cJSON *array = cJSON_AddArrayToObject(context, "load_avg");
    int count = getloadavg(loads, 3);
    for (int i = 0; i < count; i++)
        cJSON_AddItemToArray(array, cJSON_CreateNumber(loads[i]));
}

/* The wrapper says what the checkout is when the program starts. */
static const char *commit_of_wrapper(void)
{
    return getenv("PAGELAB_COMMIT");
}

const char *environment_commit(void)
{
    if (commit_of_wrapper() != NULL)
        return commit_of_wrapper();
    return built_commit[0] == '\0' ? "unknown" : built_commit;
}

static bool is_dirty(void)
{
    return getenv("PAGELAB_DIRTY") != NULL || (commit_of_wrapper() == NULL && built_dirty);
}

static void add_ours(cJSON *context, const char *mode)
{
    char text[256];
    struct utsname name;
    cJSON *ours = cJSON_AddObjectToObject(context, "pagelab");
    cJSON_AddStringToObject(ours, "version", PAGELAB_VERSION);
    cJSON_AddStringToObject(ours, "commit", environment_commit());
    cJSON_AddBoolToObject(ours, "dirty", is_dirty());
    cJSON_AddNumberToObject(ours, "abi", PL_ABI);
#if defined(__clang__)
    cJSON_AddStringToObject(ours, "compiler", "clang " __clang_version__);
#else
    cJSON_AddStringToObject(ours, "compiler", "gcc " __VERSION__);
#endif
    cJSON_AddStringToObject(ours, "tier", PL_TIER);
    cJSON_AddStringToObject(ours, "mode", mode);
    cJSON_AddFalseToObject(ours, "complete");
    cpu_info("model name", text, sizeof(text));
    cJSON_AddStringToObject(ours, "cpu_model", text);
    cJSON_AddStringToObject(ours, "kernel", uname(&name) == 0 ? name.release : "unknown");
    cJSON_AddNumberToObject(ours, "memory_bytes",
                            (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE));
    cJSON_AddNumberToObject(ours, "seconds", 0);
}

cJSON *environment_context(const char *mode)
{
    char text[64];
    time_t now = time(NULL);
    struct tm local;
    cJSON *context = cJSON_CreateObject();
    if (gmtime_r(&now, &local) != NULL &&
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S+00:00", &local) != 0)
        cJSON_AddStringToObject(context, "date", text);
    cJSON_AddNumberToObject(context, "num_cpus", native_real_cpu_count());
    cpu_info("cpu MHz", text, sizeof(text));
    cJSON_AddNumberToObject(context, "mhz_per_cpu", (double)(int)strtod(text, NULL));
    cJSON_AddFalseToObject(context, "cpu_scaling_enabled");
    cJSON_AddArrayToObject(context, "caches");
    add_load(context);
    cJSON_AddStringToObject(context, "library_build_type",
                            strcmp(PL_TIER, "release") == 0 ? "release" : "debug");
    add_ours(context, mode);
    return context;
}

cJSON *environment_capabilities(uint64_t caps)
{
    static const struct {
        uint64_t bit;
        const char *name;
    } names[] = {
#define NAMED(bit, text) {PL_CAP_##bit, text},
        PL_CAP_NAMES(NAMED)
#undef NAMED
    };
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        if (caps & names[i].bit)
            cJSON_AddItemToArray(array, cJSON_CreateString(names[i].name));
    }
    return array;
}

/* Capabilities of a stack are those of an instance: made on a small machine. */
static uint64_t caps_of(const struct spec *spec)
{
    struct native_shape shape = {.ranges = {{.frame_count = 16384}}, .range_count = 1, .cpu_count = 2};
    struct spec_error error;
    struct instance instance;
    uint64_t caps = spec_base(spec)->page->caps;
    shape.contents = spec_needs_contents(spec);
    shape.contents_alignment = spec_base(spec)->arena_alignment;
    struct native_machine *native = native_machine_new(&shape, error.text, sizeof(error.text));
    if (native != NULL &&
        instance_init(&instance, spec, native_machine_view(native), false, &error) == PL_OK) {
        caps = instance.caps;
        instance_fini(&instance);
    }
    native_machine_delete(native);
    return caps;
}

static void add_candidate(cJSON *array, const struct spec *spec)
{
    const struct pl_candidate *base = spec_base(spec);
    char services[3 * SPEC_NAME_BYTES];
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "name", spec->name);
    cJSON_AddStringToObject(entry, "kind", registry_kind_name(base->kind));
    cJSON_AddStringToObject(entry, "summary", spec->layers[0].candidate->summary);
    if (base->model_of != NULL)
        cJSON_AddStringToObject(entry, "model_of", base->model_of);
    else
        cJSON_AddNullToObject(entry, "model_of");
    cJSON_AddItemToObject(entry, "capabilities", environment_capabilities(caps_of(spec)));
    spec_services(spec, services, sizeof(services));
    cJSON_AddStringToObject(entry, "services", services);
    cJSON_AddStringToObject(entry, "settings", "");
    cJSON_AddItemToArray(array, entry);
}

cJSON *environment_candidates(const struct spec *specs, size_t spec_count)
{
    static const char *const rods[] = {"null", "magazine"};
    cJSON *array = cJSON_CreateArray();
    for (size_t r = 0; r < PL_COUNT_OF(rods); r++) {
        struct spec spec;
        struct spec_error error;
        bool named = false;
        for (size_t i = 0; i < spec_count; i++)
            named = named || strcmp(specs[i].name, rods[r]) == 0;
        if (!named && spec_parse(rods[r], &spec, &error) == 0)
            add_candidate(array, &spec);
    }
    for (size_t i = 0; i < spec_count; i++)
        add_candidate(array, &specs[i]);
    return array;
}
