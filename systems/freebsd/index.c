/* See index.h. Source of the shape: subr_pctrie.c. */
#include "systems/freebsd/index.h"

#include <pagelab/check.h>

#define NIBBLE_BITS 4u

static unsigned nibble_of(uint64_t key, unsigned level)
{
    return (unsigned)(key >> (NIBBLE_BITS * level)) % FREEBSD_INDEX_WIDTH;
}

/* The key with nibble `level` and all below it cleared. Two shifts: at the top level they make 64. */
static uint64_t prefix_of(uint64_t key, unsigned level)
{
    return key >> (NIBBLE_BITS * level) >> NIBBLE_BITS << NIBBLE_BITS << (NIBBLE_BITS * level);
}

static uintptr_t leaf_of(const struct freebsd_page *page)
{
    return (uintptr_t)page | 1u;
}

struct freebsd_page *freebsd_index_lookup(const struct freebsd_index *index, uint64_t pindex)
{
    uintptr_t at = index->root;
    while (at != 0 && !freebsd_index_is_page(at)) {
        const struct freebsd_index_node *node = freebsd_index_node(at);
        if (prefix_of(pindex, node->level) != node->prefix)
            return NULL;
        at = node->child[nibble_of(pindex, node->level)];
    }
    if (at == 0 || freebsd_index_page(at)->pindex != pindex)
        return NULL;
    return freebsd_index_page(at);
}

/* Where the key goes: a vacant child, or what must be pushed below a new node. */
static uintptr_t *find_place(struct freebsd_index *index, uint64_t key, struct freebsd_index_node **parent)
{
    uintptr_t *place = &index->root;
    *parent = NULL;
    while (*place != 0 && !freebsd_index_is_page(*place)) {
        struct freebsd_index_node *node = freebsd_index_node(*place);
        if (prefix_of(key, node->level) != node->prefix)
            break;
        *parent = node;
        place = &node->child[nibble_of(key, node->level)];
    }
    return place;
}

enum pl_status freebsd_index_insert(struct freebsd_index *index, struct slab *nodes, struct pl_cpu *cpu,
                                    const struct pl_request *request, struct freebsd_page *page)
{
    struct freebsd_index_node *parent;
    enum pl_status status = PL_OK;
    uint64_t key = page->pindex;
    uintptr_t *place = find_place(index, key, &parent);
    if (*place == 0) {
        *place = leaf_of(page);
        if (parent != NULL)
            parent->count++;
        index->entries++;
        return PL_OK;
    }
    bool leaf = freebsd_index_is_page(*place);
    uint64_t other = leaf ? freebsd_index_page(*place)->pindex : freebsd_index_node(*place)->prefix;
    PL_ASSERT(!leaf || other != key);
    struct freebsd_index_node *node = slab_get(nodes, cpu, request, &status);
    if (node == NULL)
        return status;
    /* For a node in the way this is above its level: only then did its prefix differ. */
    node->level = (63 - PL_CLZ64(key ^ other)) / NIBBLE_BITS;
    node->prefix = prefix_of(key, node->level);
    node->count = 2;
    node->child[nibble_of(other, node->level)] = *place;
    node->child[nibble_of(key, node->level)] = leaf_of(page);
    *place = (uintptr_t)node;
    index->entries++;
    return PL_OK;
}

void freebsd_index_remove(struct freebsd_index *index, struct slab *nodes, struct pl_cpu *cpu,
                          const struct freebsd_page *page)
{
    uintptr_t *above = &index->root; /* the link to `node` */
    uintptr_t *place = &index->root;
    struct freebsd_index_node *node = NULL;
    while (!freebsd_index_is_page(*place)) {
        PL_ASSERT(*place != 0);
        above = place;
        node = freebsd_index_node(*place);
        place = &node->child[nibble_of(page->pindex, node->level)];
    }
    PL_ASSERT(*place == leaf_of(page));
    *place = 0;
    index->entries--;
    if (node == NULL || --node->count > 1)
        return;
    for (unsigned i = 0; i < FREEBSD_INDEX_WIDTH; i++) {
        if (node->child[i] != 0)
            *above = node->child[i];
    }
    slab_put(nodes, cpu, node);
}
