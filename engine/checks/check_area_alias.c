/* The real processor as a third reader of an area: its pages are mapped into host addresses by the area's
 * leaf entries, words are stored there, and must be found in the frames and through a process's view. */
#include <stdlib.h>

#include "engine/checks/check_area.h"
#include "engine/instance.h"
#include "engine/lent.h"
#include "platform/native/alias.h"
#include "systems/linux/area.h"
#include "systems/linux/walk.h"

#define FRAMES 512u
#define PAGES  21u /* of the area */
#define WORD   UINT64_C(0x616c696173000000)

struct alias_rig {
    struct native_machine *native;
    struct instance instance;
    struct admission admission;
    struct pageout pageout;
    struct gate gate;
    struct trap trap;
    struct lent lent;
    struct linux_mm mm;
    struct native_alias alias;
};

/* False: this host or candidate cannot; that is no finding. */
static bool open_rig(struct alias_rig *rig, const struct check *check)
{
    struct spec_error error;
    struct native_shape shape = {.ranges = {{.frame_count = FRAMES}}, .range_count = 1, .cpu_count = 1};
    runner_fit_shape(check->spec, &shape);
    shape.contents = true;
    shape.shared_contents = true;
    rig->native = native_machine_new(&shape, error.text, sizeof(error.text));
    if (rig->native == NULL)
        return false;
    const struct pl_machine *machine = native_machine_view(rig->native);
    if (instance_init(&rig->instance, check->spec, machine, false, &error) != PL_OK)
        return false;
    admission_init(&rig->admission, rig->instance.page, machine, ADMISSION_EXACT);
    pageout_init(&rig->pageout);
    gate_init(&rig->gate, &rig->admission, machine, &rig->pageout, 0);
    if (lent_init(&rig->lent, check->spec, machine, gate_page(&rig->gate), SERVICES_WINDOW_ADDR,
                  SERVICES_WINDOW_BYTES, &error) != PL_OK)
        return false;
    struct linux_mm_config config = {
        .contract = check->contract,
        .trap = &rig->trap,
        .gates = {&rig->gate},
        .node_count = 1,
        .va = rig->lent.va,
        .tables = rig->lent.tables,
        .window_addr = SERVICES_WINDOW_ADDR,
        .window_bytes = SERVICES_WINDOW_BYTES,
    };
    linux_mm_init(&rig->mm, &config);
    return native_alias_open(&rig->alias, PAGES) == 0;
}

static void close_rig(struct alias_rig *rig)
{
    native_alias_close(&rig->alias);
    if (rig->lent.live)
        lent_fini(&rig->lent);
    instance_fini(&rig->instance);
    native_machine_delete(rig->native);
}

static uint64_t *alias_word(const struct alias_rig *rig, uint64_t page)
{
    return (uint64_t *)(void *)(rig->alias.base + page * PL_FRAME_BYTES) + page;
}

/* Maps the area page by page as its leaf entries say; false: the host's contents are private after all. */
static bool map_alias(struct alias_rig *rig, const struct linux_area *area)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        struct linux_walked walked =
            linux_walk(&rig->mm, LINUX_KERNEL_VIEW, area->addr + page * PL_FRAME_BYTES);
        if (native_alias_map(&rig->alias, page, rig->native, linux_entry_frame(walked.entry)) != 0)
            return false;
    }
    return true;
}

static void compare(struct alias_rig *rig, const struct linux_area *area, uint32_t view, struct check *check)
{
    for (uint64_t page = 0; page < PAGES; page++)
        *alias_word(rig, page) = WORD + page;
    for (uint64_t page = 0; page < PAGES; page++) {
        uint64_t addr = area->addr + page * PL_FRAME_BYTES + page * sizeof(uint64_t);
        uint64_t read = 0;
        bool there = linux_load(&rig->mm, view, addr, &read);
        if (!there || read != WORD + page) {
            check_broken(check, "page %u: the processor stored 0x%llx, view %u reads 0x%llx", (unsigned)page,
                         (unsigned long long)(WORD + page), view, (unsigned long long)read);
            return;
        }
        linux_store(&rig->mm, LINUX_KERNEL_VIEW, addr, ~read);
        if (*alias_word(rig, page) != ~read) {
            check_broken(check, "page %u: the kernel's store is not seen by the processor", (unsigned)page);
            return;
        }
    }
}

static void run_rig(struct alias_rig *rig, struct check *check)
{
    struct pl_cpu *cpu = native_cpu(rig->native, 0);
    uint32_t view = linux_view_new(&rig->mm, cpu);
    struct linux_area *area = linux_vmalloc_user(&rig->mm, cpu, PAGES * PL_FRAME_BYTES, 0);
    if (area != NULL && view != LINUX_VIEW_NONE && map_alias(rig, area))
        compare(rig, area, view, check);
    if (area != NULL)
        linux_vfree(&rig->mm, cpu, area->addr);
    if (check->verdict == CHECK_HOLDS)
        linux_mm_fini(&rig->mm, cpu);
}

bool check_area_alias(struct check *check)
{
    struct alias_rig *rig = aligned_alloc(_Alignof(struct alias_rig), sizeof(*rig));
    if (rig == NULL)
        return true;
    *rig = (struct alias_rig){0};
    if (open_rig(rig, check))
        run_rig(rig, check);
    close_rig(rig);
    free(rig);
    return check->verdict == CHECK_HOLDS;
}
