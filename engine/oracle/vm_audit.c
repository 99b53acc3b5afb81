/* The walks of the FreeBSD oracle: every page against the view, every index node by node, and what the
 * candidate says of its own blocks (buddies, reservations). */
#include <inttypes.h>
#include <string.h>

#include "engine/oracle/vm_view.h"

/* --- indexes --- */

struct walk {
    const struct freebsd_object *object;
    uint64_t pages;
    const char *broken; /* NULL, or the first thing that is wrong */
};

static void walk_child(struct walk *walk, uintptr_t child, uint64_t prefix, unsigned above);

/* A node's keys agree with it above its level; it has two children at least, and counts them. */
static void walk_node(struct walk *walk, const struct freebsd_index_node *node, uint64_t prefix,
                      unsigned above)
{
    unsigned children = 0;
    if (node->level >= above || (above < 16 && node->prefix >> (4 * above) != prefix >> (4 * above))) {
        walk->broken = "a node does not lie below its parent";
        return;
    }
    for (unsigned i = 0; i < FREEBSD_INDEX_WIDTH && walk->broken == NULL; i++) {
        if (node->child[i] == 0)
            continue;
        children++;
        walk_child(walk, node->child[i], node->prefix | (uint64_t)i << (4 * node->level), node->level);
    }
    if (walk->broken == NULL && (children < 2 || children != node->count))
        walk->broken = "a node has not the children that it counts, or fewer than two";
}

/* All keys here equal `prefix` from digit `above` on. */
static void walk_child(struct walk *walk, uintptr_t child, uint64_t prefix, unsigned above)
{
    if (!freebsd_index_is_page(child)) {
        walk_node(walk, freebsd_index_node(child), prefix, above);
        return;
    }
    const struct freebsd_page *page = freebsd_index_page(child);
    walk->pages++;
    if (page->object != walk->object)
        walk->broken = "a page of another object, or of none, is filed";
    else if (above < 16 && page->pindex >> (4 * above) != prefix >> (4 * above))
        walk->broken = "a page is filed under another index";
}

static void audit_object(const struct vm_view_object *view, unsigned at, struct finding *finding)
{
    struct walk walk = {.object = view->object};
    if (view->object == NULL || finding->found)
        return;
    if (view->object->index.root != 0)
        walk_child(&walk, view->object->index.root, 0, 16);
    if (walk.broken == NULL && walk.pages == view->resident)
        return;
    finding_set(finding, "F-16 F-15", "");
    finding_expected(finding, "o%u: an index of %" PRIu64 " pages", at, view->resident);
    finding_actual(finding, "%" PRIu64 " pages; %s", walk.pages, walk.broken == NULL ? "sound" : walk.broken);
}

/* --- pages --- */

static void audit_page(struct vm_oracle *self, const struct vm_view_page *page, struct finding *finding)
{
    vm_check_page(self, page, finding);
    if (!finding->found && page->object != NULL &&
        freebsd_index_lookup(&page->object->object->index, page->pindex) != page->page) {
        finding_set(finding, "F-15 F-16", "each resident page is found at its index");
        finding_actual(finding, "index 0x%" PRIx64 " has another, or none", page->pindex);
    } else if (!finding->found && !vm_is_stamped(self, page)) {
        finding_set(finding, "X-1", "nobody but its owner writes to an allocated page");
        finding_actual(finding, "frame 0x%" PRIx64 " was overwritten", page->frame);
    }
}

/* Conservation, where nobody else holds frames through the gate: pages, arena, nodes, objects. */
static void audit_frames(const struct vm_oracle *self, struct finding *finding)
{
    uint64_t due = self->frames + self->vm.nodes.pages + self->vm.objects.pages;
    uint64_t held = services_held(self->services, 0);
    if (finding->found || (self->services->family == OP_FAMILY_VM ? held == due : held >= due))
        return;
    finding_set(finding, "F-2 X-1", "");
    finding_expected(
        finding, "%" PRIu64 " frames of pages and the arena, %" PRIu64 " of nodes, %" PRIu64 " of objects",
        self->frames, self->vm.nodes.pages, self->vm.objects.pages);
    finding_actual(finding, "%" PRIu64 " are held", held);
}

void vm_audit(struct vm_oracle *self, struct finding *finding)
{
    for (unsigned i = 0; i < VM_SLOT_COUNT; i++) {
        for (unsigned j = 0; j < self->slots[i].count && !finding->found; j++) {
            if (self->slots[i].pages[j].live)
                audit_page(self, &self->slots[i].pages[j], finding);
        }
    }
    for (unsigned i = 0; i < VM_OBJECT_COUNT; i++)
        audit_object(&self->objects[i], i, finding);
    vm_check_sums(self, finding);
    audit_frames(self, finding);
    vm_audit_blocks(self, finding);
}
