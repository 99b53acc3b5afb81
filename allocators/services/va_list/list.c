/* Address space as a sorted list of areas, first fit: the way of XNU's vm_map, with its hint of where the
 * first hole is. Simple, exact, and linear in the areas. */
#include "allocators/services/va_list/list_internal.h"

static size_t list_meta_bytes(const struct pl_page_table_config *config)
{
    PL_ASSERT(config != NULL);
    uint32_t areas = area_parse_count(config->params);
    if (!area_window_is_legal(config))
        return 0;
    return sizeof(struct list) + (size_t)areas * sizeof(struct list_node);
}

static enum pl_status list_init(void *instance, const struct pl_page_table_config *config)
{
    struct list *self = instance;
    PL_ASSERT(self != NULL);
    enum pl_status status = area_space_init(&self->space, config, area_parse_count(config->params));
    if (status != PL_OK)
        return status;
    self->head = LIST_NONE;
    self->packed = LIST_NONE;
    self->unused = LIST_NONE;
    return PL_OK;
}

/* LIST_NONE if all are in use. */
static uint32_t list_node_get(struct list *self)
{
    uint32_t at = self->unused;
    if (at != LIST_NONE)
        self->unused = self->nodes[at].next;
    else if (self->fresh < self->space.areas_max)
        at = self->fresh++;
    return at;
}

/* Moves the hint over areas that touch. */
static void list_pack(struct list *self)
{
    uint32_t next = self->packed == LIST_NONE ? self->head : self->nodes[self->packed].next;
    while (next != LIST_NONE && self->nodes[next].start == list_end_of(self, self->packed)) {
        self->packed = next;
        next = self->nodes[next].next;
    }
}

static void list_insert_behind(struct list *self, uint32_t before, uint32_t at)
{
    uint32_t next = before == LIST_NONE ? self->head : self->nodes[before].next;
    PL_ASSERT(self->nodes[at].start >= list_end_of(self, before));
    PL_ASSERT(next == LIST_NONE || list_end_of(self, at) <= self->nodes[next].start);
    self->nodes[at].before = before;
    self->nodes[at].next = next;
    if (before == LIST_NONE)
        self->head = at;
    else
        self->nodes[before].next = at;
    if (next != LIST_NONE)
        self->nodes[next].before = at;
}

static enum pl_status list_reserve(void *instance, struct pl_cpu *cpu, const struct pl_area_request *request,
                                   struct pl_area *area)
{
    struct list *self = instance;
    struct area_want want;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(area != NULL);
    enum pl_status status = area_want_of(&self->space.window, request, &want);
    if (status != PL_OK)
        return status;
    area_might_sleep(cpu, request);
    uint32_t before = self->packed;
    uint64_t start =
        area_fit(&self->space.window, &want, list_end_of(self, before), list_gap_end(self, before));
    while (start == AREA_NO_PLACE) {
        before = before == LIST_NONE ? self->head : self->nodes[before].next;
        if (before == LIST_NONE || list_end_of(self, before) >= want.high)
            return area_no_room(request);
        start = area_fit(&self->space.window, &want, list_end_of(self, before), list_gap_end(self, before));
    }
    uint32_t at = list_node_get(self);
    if (at == LIST_NONE)
        return area_no_room(request);
    self->nodes[at] = (struct list_node){.start = start, .bytes = want.bytes};
    list_insert_behind(self, before, at);
    list_pack(self);
    *area = area_entered(&self->space, start, want.bytes);
    return PL_OK;
}

/* The area that holds this address, or LIST_NONE. */
static uint32_t list_find(const struct list *self, uint64_t addr)
{
    uint32_t at = self->head;
    uint64_t offset = addr - self->space.window.addr;
    if (addr < self->space.window.addr)
        return LIST_NONE;
    while (at != LIST_NONE && list_end_of(self, at) <= offset)
        at = self->nodes[at].next;
    return at != LIST_NONE && self->nodes[at].start <= offset ? at : LIST_NONE;
}

static enum pl_status list_release(void *instance, struct pl_cpu *cpu, const struct pl_area *area)
{
    struct list *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(area != NULL);
    uint32_t at = list_find(self, area->addr);
    if (at == LIST_NONE || !area_is(&self->space, self->nodes[at].start, self->nodes[at].bytes, area))
        return PL_REFUSED;
    uint64_t start = self->nodes[at].start;
    uint32_t before = self->nodes[at].before;
    uint32_t next = self->nodes[at].next;
    if (self->packed != LIST_NONE && start <= self->nodes[self->packed].start)
        self->packed = before;
    if (before == LIST_NONE)
        self->head = next;
    else
        self->nodes[before].next = next;
    if (next != LIST_NONE)
        self->nodes[next].before = before;
    self->nodes[at] = (struct list_node){.next = self->unused, .before = LIST_NONE};
    self->unused = at;
    area_left(&self->space, area->area_bytes);
    return PL_OK;
}

static enum pl_status list_lookup(const void *instance, uint64_t addr, struct pl_area *area)
{
    const struct list *self = instance;
    PL_ASSERT(area != NULL);
    uint32_t at = list_find(self, addr);
    if (at == LIST_NONE)
        return PL_REFUSED;
    *area = area_of(&self->space, self->nodes[at].start, self->nodes[at].bytes);
    return PL_OK;
}

static void list_settings(const void *instance, char *text, size_t bytes)
{
    const struct list *self = instance;
    area_space_settings(&self->space, "first-fit", text, bytes);
}

static const struct pl_page_table_ops list_ops = {
    .bytes = sizeof(struct pl_page_table_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CHECKS_FREE | PL_CAP_COMPLETE,
    .meta_bytes = list_meta_bytes,
    .init = list_init,
    .fini = area_space_fini,
    .reserve = list_reserve,
    .release = list_release,
    .lookup = list_lookup,
    .count = area_space_count,
    .audit = list_audit,
    .settings = list_settings,
};

extern const struct pl_candidate pl_candidate_list;
const struct pl_candidate pl_candidate_list = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "list",
    .summary = "address space: a sorted list, first fit",
    .kind = PL_KIND_SERVICE,
    .page_table = &list_ops,
    .params = "areas=N",
};
