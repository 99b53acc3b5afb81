/* See instance.h. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "engine/instance.h"

#include <pagelab/check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/isolate.h"
#include "engine/lent.h"
#include "engine/plugin.h"
#include "platform/native/native.h"

#define META_ALIGNMENT 4096u
#define PLUGIN_LIMIT_S 10u

/* Does any layer claim any of these? */
static bool spec_claims(const struct spec *spec, uint64_t caps)
{
    for (uint32_t i = 0; i < spec->layer_count; i++) {
        if ((spec->layers[i].candidate->page->caps & caps) != 0)
            return true;
    }
    return false;
}

bool spec_needs_contents(const struct spec *spec)
{
    return spec_claims(spec, PL_CAP_NEEDS_CONTENTS | PL_CAP_META_IN_FRAMES);
}

bool spec_needs_large_machine(const struct spec *spec)
{
    return spec_claims(spec, PL_CAP_NEEDS_CONTENTS);
}

/* What a machine's shape asks for that is not claimed; NULL if nothing. Nobody is asked beyond its claims. */
static const char *shape_beyond(const struct pl_machine *machine, uint64_t caps)
{
    if (machine->range_count > 1 && (caps & PL_CAP_HOLES) == 0)
        return "holes";
    if (machine->first.number != 0 && (caps & PL_CAP_BASE) == 0)
        return "base";
    if (machine->node_count > 1 && (caps & PL_CAP_NODES) == 0)
        return "nodes";
    return NULL;
}

static enum pl_status plan_layers(struct instance *instance, struct spec_error *error)
{
    struct pl_page inner = {0};
    uint64_t inner_caps = 0;
    instance->max_order = PL_ORDER_LIMIT;
    for (uint32_t i = instance->layer_count; i-- > 0;) {
        const struct pl_candidate *candidate = instance->spec.layers[i].candidate;
        const struct pl_page_ops *ops = candidate->page;
        const char *fault = plugin_page_fault(ops);
        if (fault != NULL) {
            snprintf(error->text, sizeof(error->text), "backend '%s': %s", candidate->name, fault);
            return PL_UNSUPPORTED;
        }
        struct pl_page_config *config = &instance->layers[i].config;
        config->bytes = sizeof(*config);
        config->machine = instance->machine;
        config->inner = inner;
        config->inner_caps = inner_caps;
        const char *params = instance->spec.layers[i].params;
        config->params = params[0] == '\0' ? NULL : params;
        instance->layers[i].caps = ops->caps_of != NULL ? ops->caps_of(config) : ops->caps;
        instance->layers[i].meta_bytes = ops->meta_bytes(config);
        if (instance->layers[i].meta_bytes == 0) {
            snprintf(error->text, sizeof(error->text),
                     "backend '%s': cannot manage this machine (%llu frames)", candidate->name,
                     (unsigned long long)instance->machine->frame_count);
            return PL_UNSUPPORTED;
        }
        if (instance->layers[i].meta_bytes > SIZE_MAX >> 3) { /* so that a few layers' do not wrap */
            snprintf(error->text, sizeof(error->text), "backend '%s': asks for %zu bytes of metadata",
                     candidate->name, instance->layers[i].meta_bytes);
            return PL_UNSUPPORTED;
        }
        size_t padded =
            (instance->layers[i].meta_bytes + META_ALIGNMENT - 1) / META_ALIGNMENT * META_ALIGNMENT;
        instance->layers[i].meta_at = instance->meta_bytes;
        instance->meta_bytes += padded;
        inner = (struct pl_page){.ops = ops}; /* wrappers ask for the hooks that are there; self follows */
        inner_caps = instance->layers[i].caps;
        if (ops->max_order < instance->max_order)
            instance->max_order = ops->max_order;
    }
    instance->caps = inner_caps;
    const char *beyond = shape_beyond(instance->machine, inner_caps);
    if (beyond == NULL)
        return PL_OK;
    snprintf(error->text, sizeof(error->text), "backend '%s': does not claim this machine's shape: %s",
             instance->spec.name, beyond);
    return PL_UNSUPPORTED;
}

static void fini_layers(struct instance *instance, uint32_t from)
{
    for (uint32_t i = from; i < instance->layer_count; i++)
        instance->layers[i].page.ops->fini(instance->layers[i].page.self);
}

static enum pl_status init_layers(struct instance *instance)
{
    struct pl_page inner = {0};
    for (uint32_t i = instance->layer_count; i-- > 0;) {
        struct pl_page *page = &instance->layers[i].page;
        page->ops = instance->spec.layers[i].candidate->page;
        page->self = instance->meta + instance->layers[i].meta_at;
        instance->layers[i].config.inner = inner;
        enum pl_status status = page->ops->init(page->self, &instance->layers[i].config);
        if (status != PL_OK) {
            fini_layers(instance, i + 1);
            return status;
        }
        inner = *page;
    }
    instance->page = inner;
    if (instance->tap != NULL) { /* libraries are initialised anew */
        struct tap_listener listener = instance->tap->listener;
        instance->page = tap_page(instance->tap, inner, &listener);
    }
    instance->live = true;
    return PL_OK;
}

enum pl_status instance_init(struct instance *instance, const struct spec *spec,
                             const struct pl_machine *machine, bool keep_fresh, struct spec_error *error)
{
    memset(instance, 0, sizeof(*instance));
    instance->spec = *spec;
    instance->machine = machine;
    instance->layer_count = spec->layer_count;
    if (spec_needs_contents(spec) && machine->contents == NULL) {
        snprintf(error->text, sizeof(error->text), "backend '%s': needs a machine with contents", spec->name);
        return PL_UNSUPPORTED;
    }
    enum pl_status status = plan_layers(instance, error);
    if (status != PL_OK)
        return status;
    instance->meta = mmap(NULL, instance->meta_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (instance->meta == MAP_FAILED) {
        instance->meta = NULL;
        snprintf(error->text, sizeof(error->text), "backend '%s': no memory for %zu bytes of metadata",
                 spec->name, instance->meta_bytes);
        return PL_NO_MEMORY;
    }
    status = init_layers(instance);
    if (status != PL_OK) {
        char what[64];
        instance_status_text(status, what, sizeof(what));
        snprintf(error->text, sizeof(error->text),
                 "backend '%.120s': init failed on a machine of %llu frames: %s", spec->name,
                 (unsigned long long)machine->frame_count, what);
        instance_fini(instance);
        return status;
    }
    uint64_t outside = PL_CAP_OUTSIDE_STATE | PL_CAP_META_IN_FRAMES;
    for (uint32_t i = 0; i < instance->layer_count; i++)
        keep_fresh = keep_fresh && (instance->layers[i].caps & outside) == 0;
    if (keep_fresh && (instance->fresh = malloc(instance->meta_bytes)) != NULL)
        memcpy(instance->fresh, instance->meta, instance->meta_bytes);
    return PL_OK;
}

void instance_status_text(enum pl_status status, char *text, size_t bytes)
{
    if (pl_status_is_known(status))
        snprintf(text, bytes, "%s", pl_status_name(status));
    else
        snprintf(text, bytes, "X-3: it returned %d, which is no status", (int)status);
}

/* Makes one instance and what is lent to it. As instance_check_params. */
static int check_params_here(const struct spec *spec, struct spec_error *error)
{
    struct native_shape shape = {.ranges = {{.frame_count = 1024}}, .range_count = 1, .cpu_count = 1};
    struct instance instance;
    shape.contents = spec_needs_contents(spec);
    shape.contents_alignment = spec_base(spec)->arena_alignment;
    struct native_machine *native = native_machine_new(&shape, error->text, sizeof(error->text));
    if (native == NULL)
        return -1;
    enum pl_status status = instance_init(&instance, spec, native_machine_view(native), false, error);
    if (status == PL_OK)
        instance_fini(&instance);
    native_machine_delete(native);
    if (status == PL_INVALID) {
        snprintf(error->text, sizeof(error->text), "backend '%s': wrong parameters in the parentheses",
                 spec->name);
        return -1;
    }
    return pl_status_is_known(status) ? lent_check_params(spec, 1, error) : 1;
}

struct params_answer {
    int result;
    struct spec_error error;
};

static void answer_params(void *argument, void *result)
{
    struct params_answer *answer = result;
    (void)isolate_stdout();
    memset(answer, 0, sizeof(*answer));
    answer->result = check_params_here(argument, &answer->error);
}

/* Of somebody else's code the first calls are made in a child: what it does there is a line, not the end. */
static int check_params_of_plugin(const struct spec *spec, struct spec_error *error)
{
    struct params_answer answer;
    struct spec own = *spec;
    char how[100] = "";
    if (isolate_run(answer_params, &own, &answer, sizeof(answer), PLUGIN_LIMIT_S, NULL, how, sizeof(how)) ==
        ISOLATE_DONE) {
        *error = answer.error;
        return answer.result;
    }
    snprintf(error->text, sizeof(error->text), "backend '%s': meta_bytes, init or fini ended the process: %s",
             spec->name, how);
    return -1;
}

int instance_check_params(const struct spec *specs, uint32_t spec_count, struct spec_error *error)
{
    for (uint32_t i = 0; i < spec_count; i++) {
        bool foreign = strchr(specs[i].name, '/') != NULL;
        int result = (foreign ? check_params_of_plugin : check_params_here)(&specs[i], error);
        if (result != 0)
            return result;
    }
    return 0;
}

enum pl_status instance_reset(struct instance *instance)
{
    PL_ASSERT(instance->live);
    if (instance->fresh != NULL) {
        memcpy(instance->meta, instance->fresh, instance->meta_bytes);
        return PL_OK;
    }
    fini_layers(instance, 0);
    instance->live = false;
    memset(instance->meta, 0, instance->meta_bytes);
    return init_layers(instance);
}

void instance_set_tap(struct instance *instance, struct tap *tap, const struct tap_listener *listener)
{
    PL_ASSERT(instance->live && instance->tap == NULL);
    instance->page = tap_page(tap, instance->page, listener);
    instance->tap = tap;
}

void instance_fini(struct instance *instance)
{
    if (instance->live)
        fini_layers(instance, 0);
    instance->live = false;
    free(instance->fresh);
    instance->fresh = NULL;
    if (instance->meta != NULL)
        munmap(instance->meta, instance->meta_bytes);
    instance->meta = NULL;
}

bool instance_has_audit(const struct instance *instance)
{
    for (uint32_t i = 0; i < instance->layer_count; i++) {
        if (instance->layers[i].page.ops->audit == NULL)
            return false;
    }
    return true;
}

bool instance_has_count(const struct instance *instance)
{
    for (uint32_t i = 0; i < instance->layer_count; i++) {
        if (instance->layers[i].page.ops->count == NULL)
            return false;
    }
    return true;
}

double instance_metadata_bytes_per_frame(const struct instance *instance)
{
    double bytes = 0;
    for (uint32_t i = 0; i < instance->layer_count; i++) {
        struct pl_page_counts counts = {0};
        const struct pl_page *page = &instance->layers[i].page;
        bytes += (double)instance->layers[i].meta_bytes;
        /* Only the bottom layer's counts: a wrapper repeats those of the layer below. */
        if (i + 1 == instance->layer_count && page->ops->count != NULL) {
            page->ops->count(page->self, &counts);
            bytes += (double)counts.heap_bytes + (double)counts.metadata * (double)PL_FRAME_BYTES;
        }
    }
    return bytes / (double)instance->machine->frame_count;
}

void instance_one_line(char *text, size_t bytes)
{
    text[bytes - 1] = '\0';
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            *text = '?';
    }
}

void instance_settings(const struct instance *instance, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < instance->layer_count && used + 1 < bytes; i++) {
        const struct pl_page *page = &instance->layers[i].page;
        char line[256] = "";
        if (page->ops->settings != NULL)
            page->ops->settings(page->self, line, sizeof(line));
        instance_one_line(line, sizeof(line));
        if (line[0] == '\0')
            continue;
        int n = snprintf(text + used, bytes - used, "%s%s: %s", used == 0 ? "" : "; ",
                         instance->spec.layers[i].candidate->name, line);
        used += n < 0 ? 0 : (size_t)n;
    }
}
