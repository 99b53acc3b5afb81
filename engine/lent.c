/* See lent.h. The three are made in order: address space, table memory, buffers; and undone in the reverse.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "engine/lent.h"

#include <pagelab/check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/instance.h"
#include "platform/native/native.h"

#define META_ALIGNMENT 4096u

static enum pl_status lent_fail(const struct spec_part *part, enum pl_status status, const char *words,
                                struct spec_error *error)
{
    snprintf(error->text, sizeof(error->text), "service '%s%s%s%s': %s", part->candidate->name,
             part->params[0] == '\0' ? "" : "(", part->params, part->params[0] == '\0' ? "" : ")", words);
    return status;
}

/* NULL, or why a table of hooks cannot be used. Both kinds begin with their size and ABI number. */
static const char *fault_of(uint32_t bytes, uint32_t expected, uint32_t abi, bool complete)
{
    if (abi != PL_ABI)
        return "built for another ABI number";
    if (bytes < expected)
        return "built against a shorter table of hooks";
    return complete ? NULL : "a required hook is missing";
}

static enum pl_status check_hooks(const struct lent *lent, struct spec_error *error)
{
    const struct pl_page_table_ops *va = lent->va.ops;
    const struct pl_page_table_ops *tables = lent->tables.ops;
    const struct pl_buffer_ops *buffer = lent->buffer.ops;
    const char *fault = fault_of(va->bytes, sizeof(*va), va->abi,
                                 va->meta_bytes != NULL && va->init != NULL && va->fini != NULL &&
                                     va->reserve != NULL && va->release != NULL && va->lookup != NULL);
    if (fault != NULL)
        return lent_fail(&lent->va_part, PL_UNSUPPORTED, fault, error);
    fault = fault_of(tables->bytes, sizeof(*tables), tables->abi,
                     tables->meta_bytes != NULL && tables->init != NULL && tables->fini != NULL &&
                         tables->table_get != NULL && tables->table_put != NULL);
    if (fault != NULL)
        return lent_fail(&lent->tables_part, PL_UNSUPPORTED, fault, error);
    fault = fault_of(buffer->bytes, sizeof(*buffer), buffer->abi,
                     buffer->meta_bytes != NULL && buffer->init != NULL && buffer->fini != NULL &&
                         buffer->plan != NULL && buffer->release != NULL);
    if (fault != NULL)
        return lent_fail(&lent->buf_part, PL_UNSUPPORTED, fault, error);
    return PL_OK;
}

static const char *params_of(const struct spec_part *part)
{
    return part->params[0] == '\0' ? NULL : part->params;
}

static void fill_configs(struct lent *lent, const struct pl_machine *machine, struct pl_page page,
                         uint64_t window_addr, uint64_t window_bytes)
{
    lent->va_config = (struct pl_page_table_config){.bytes = sizeof(lent->va_config),
                                                    .machine = machine,
                                                    .page = page,
                                                    .window_addr = window_addr,
                                                    .window_bytes = window_bytes,
                                                    .params = params_of(&lent->va_part)};
    lent->table_config = lent->va_config;
    lent->table_config.params = params_of(&lent->tables_part);
    lent->buffer_config = (struct pl_buffer_config){.bytes = sizeof(lent->buffer_config),
                                                    .machine = machine,
                                                    .page = page,
                                                    .params = params_of(&lent->buf_part)};
}

/* Gives each its place in one mapping. */
static enum pl_status map_metadata(struct lent *lent, struct spec_error *error)
{
    const struct spec_part *parts[] = {&lent->va_part, &lent->tables_part, &lent->buf_part};
    const size_t wanted[] = {lent->va.ops->meta_bytes(&lent->va_config),
                             lent->tables.ops->meta_bytes(&lent->table_config),
                             lent->buffer.ops->meta_bytes(&lent->buffer_config)};
    size_t place[PL_COUNT_OF(wanted)];
    for (size_t i = 0; i < PL_COUNT_OF(wanted); i++) {
        if (wanted[i] == 0)
            return lent_fail(parts[i], PL_UNSUPPORTED, "cannot manage this machine or window", error);
        place[i] = lent->meta_bytes;
        lent->meta_bytes += (wanted[i] + META_ALIGNMENT - 1) / META_ALIGNMENT * META_ALIGNMENT;
    }
    lent->meta = mmap(NULL, lent->meta_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (lent->meta == MAP_FAILED) {
        lent->meta = NULL;
        return lent_fail(&lent->va_part, PL_NO_MEMORY, "no memory for the services' metadata", error);
    }
    lent->va.self = lent->meta + place[0];
    lent->tables.self = lent->meta + place[1];
    lent->buffer.self = lent->meta + place[2];
    return PL_OK;
}

/* Makes all three or none; `part` is who failed. */
static enum pl_status init_services(struct lent *lent, const struct spec_part **part)
{
    *part = &lent->va_part;
    enum pl_status status = lent->va.ops->init(lent->va.self, &lent->va_config);
    if (status != PL_OK)
        return status;
    *part = &lent->tables_part;
    status = lent->tables.ops->init(lent->tables.self, &lent->table_config);
    if (status != PL_OK)
        goto no_tables;
    *part = &lent->buf_part;
    status = lent->buffer.ops->init(lent->buffer.self, &lent->buffer_config);
    if (status != PL_OK)
        goto no_buffer;
    lent->live = true;
    return PL_OK;
no_buffer:
    lent->tables.ops->fini(lent->tables.self);
no_tables:
    lent->va.ops->fini(lent->va.self);
    return status;
}

static void fini_services(struct lent *lent)
{
    if (!lent->live)
        return;
    lent->buffer.ops->fini(lent->buffer.self);
    lent->tables.ops->fini(lent->tables.self);
    lent->va.ops->fini(lent->va.self);
    lent->live = false;
}

/* Without the copy, which is only a faster reset, it is made anew each time. */
static void keep_fresh(struct lent *lent)
{
    uint64_t caps = lent->va.ops->caps | lent->tables.ops->caps | lent->buffer.ops->caps;
    if ((caps & PL_CAP_OUTSIDE_STATE) == 0 && (lent->fresh = malloc(lent->meta_bytes)) != NULL)
        memcpy(lent->fresh, lent->meta, lent->meta_bytes);
}

enum pl_status lent_init(struct lent *lent, const struct spec *spec, const struct pl_machine *machine,
                         struct pl_page page, uint64_t window_addr, uint64_t window_bytes,
                         struct spec_error *error)
{
    const struct spec_part *part;
    memset(lent, 0, sizeof(*lent));
    lent->va_part = spec->va;
    lent->tables_part = spec->tables;
    lent->buf_part = spec->buf;
    lent->va.ops = spec->va.candidate->page_table;
    lent->tables.ops = spec->tables.candidate->page_table;
    lent->buffer.ops = spec->buf.candidate->buffer;
    enum pl_status status = check_hooks(lent, error);
    if (status != PL_OK)
        return status;
    fill_configs(lent, machine, page, window_addr, window_bytes);
    status = map_metadata(lent, error);
    if (status != PL_OK)
        return status;
    status = init_services(lent, &part);
    if (status != PL_OK) {
        lent_fail(part, status,
                  status == PL_INVALID ? "wrong parameters in the parentheses" : pl_status_name(status),
                  error);
        lent_fini(lent);
        return status;
    }
    keep_fresh(lent);
    return PL_OK;
}

enum pl_status lent_reset(struct lent *lent)
{
    const struct spec_part *part;
    PL_ASSERT(lent->live);
    if (lent->fresh != NULL) {
        memcpy(lent->meta, lent->fresh, lent->meta_bytes);
        return PL_OK;
    }
    fini_services(lent);
    memset(lent->meta, 0, lent->meta_bytes);
    return init_services(lent, &part);
}

void lent_fini(struct lent *lent)
{
    fini_services(lent);
    free(lent->fresh);
    lent->fresh = NULL;
    if (lent->meta != NULL)
        munmap(lent->meta, lent->meta_bytes);
    lent->meta = NULL;
}

void lent_start(struct lent *lent, struct pl_cpu *cpu)
{
    PL_ASSERT(lent->live);
    if (lent->va.ops->start != NULL)
        lent->va.ops->start(lent->va.self, cpu);
    if (lent->tables.ops->start != NULL)
        lent->tables.ops->start(lent->tables.self, cpu);
}

void lent_drain(struct lent *lent, struct pl_cpu *cpu)
{
    if (lent->va.ops->drain != NULL)
        lent->va.ops->drain(lent->va.self, cpu);
    if (lent->tables.ops->drain != NULL)
        lent->tables.ops->drain(lent->tables.self, cpu);
    if (lent->buffer.ops->drain != NULL)
        lent->buffer.ops->drain(lent->buffer.self, cpu);
}

static uint64_t kept_in_buffers(const struct lent *lent)
{
    struct pl_buffer_counts counts = {0};
    if (lent->buffer.ops->count != NULL)
        lent->buffer.ops->count(lent->buffer.self, &counts);
    return counts.frames_kept;
}

uint64_t lent_kept(const struct lent *lent)
{
    struct pl_page_table_counts counts = {0};
    if (lent->tables.ops->count != NULL)
        lent->tables.ops->count(lent->tables.self, &counts);
    return counts.tables_kept + kept_in_buffers(lent);
}

bool lent_can_shrink(const struct lent *lent)
{
    return lent->buffer.ops->drain != NULL;
}

uint64_t lent_shrink(struct lent *lent, struct pl_cpu *cpu)
{
    PL_ASSERT(lent_can_shrink(lent));
    uint64_t before = kept_in_buffers(lent);
    lent->buffer.ops->drain(lent->buffer.self, cpu);
    PL_ASSERT(kept_in_buffers(lent) <= before);
    return before - kept_in_buffers(lent);
}

uint64_t lent_audit(const struct lent *lent, struct pl_visitor *visitor)
{
    uint64_t broken = 0;
    if (lent->va.ops->audit != NULL)
        broken += lent->va.ops->audit(lent->va.self, visitor);
    if (lent->tables.ops->audit != NULL)
        broken += lent->tables.ops->audit(lent->tables.self, visitor);
    if (lent->buffer.ops->audit != NULL)
        broken += lent->buffer.ops->audit(lent->buffer.self, visitor);
    return broken;
}

void lent_settings(const struct lent *lent, char *text, size_t bytes)
{
    char lines[3][96] = {"", "", ""};
    if (lent->va.ops->settings != NULL)
        lent->va.ops->settings(lent->va.self, lines[0], sizeof(lines[0]));
    if (lent->tables.ops->settings != NULL)
        lent->tables.ops->settings(lent->tables.self, lines[1], sizeof(lines[1]));
    if (lent->buffer.ops->settings != NULL)
        lent->buffer.ops->settings(lent->buffer.self, lines[2], sizeof(lines[2]));
    for (size_t i = 0; i < PL_COUNT_OF(lines); i++)
        instance_one_line(lines[i], sizeof(lines[i]));
    snprintf(text, bytes, "va=%s: %s; tables=%s: %s; buf=%s: %s", lent->va_part.candidate->name, lines[0],
             lent->tables_part.candidate->name, lines[1], lent->buf_part.candidate->name, lines[2]);
}

/* Nobody calls it: the services are made and unmade without taking a frame. */
static const struct pl_page_ops no_page_ops = {.bytes = sizeof(no_page_ops), .abi = PL_ABI};

int lent_check_params(const struct spec *specs, uint32_t spec_count, struct spec_error *error)
{
    const struct native_shape shape = {
        .ranges = {{.frame_count = 64}}, .range_count = 1, .cpu_count = 1, .contents = true};
    const struct pl_page no_page = {.ops = &no_page_ops};
    struct native_machine *native = native_machine_new(&shape, error->text, sizeof(error->text));
    if (native == NULL)
        return -1;
    int result = 0;
    for (uint32_t i = 0; i < spec_count && result == 0; i++) {
        struct lent lent;
        enum pl_status status =
            lent_init(&lent, &specs[i], native_machine_view(native), no_page, 0, 64 * PL_FRAME_BYTES, error);
        if (status == PL_OK)
            lent_fini(&lent);
        else if (status == PL_INVALID)
            result = -1;
        else if (!pl_status_is_known(status))
            result = 1;
    }
    native_machine_delete(native);
    return result;
}
