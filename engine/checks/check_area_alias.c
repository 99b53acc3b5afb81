/* The real processor as a third reader of an area: its pages are mapped into host addresses twice, by the
 * kernel's leaf entries and by those of a process that has the area remapped. A word stored at one host
 * address must be read at the other one, in the frame, and through the walk. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/checks/check_area.h"
#include "engine/instance.h"
#include "engine/lent.h"
#include "platform/native/alias.h"
#include "systems/linux/area.h"
#include "systems/linux/remap.h"
#include "systems/linux/walk.h"

#define FRAMES 512u
#define PAGES  UINT64_C(21) /* of the area */
#define WORD   UINT64_C(0x616c696173000000)
#define USER   UINT64_C(0x7f00001f4000) /* 12 pages before the end of a leaf table */

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

/* The promise was looked at by walks alone: this host cannot map a frame a second time. */
static bool host_cannot(struct check *check)
{
    snprintf(check->words, sizeof(check->words), "by walks alone: the host has no files in memory");
    return false;
}

static bool candidate_cannot(struct check *check, const char *what)
{
    check_broken(check, "on a machine of %u frames: %s", FRAMES, what);
    return false;
}

/* False: said in `check`. */
static bool open_rig(struct alias_rig *rig, struct check *check)
{
    struct spec_error error;
    struct native_shape shape = {.ranges = {{.frame_count = FRAMES}}, .range_count = 1, .cpu_count = 1};
    runner_fit_shape(check->spec, &shape);
    shape.contents = true;
    shape.shared_contents = true;
    rig->native = native_machine_new(&shape, error.text, sizeof(error.text));
    if (rig->native == NULL)
        return host_cannot(check);
    const struct pl_machine *machine = native_machine_view(rig->native);
    if (instance_init(&rig->instance, check->spec, machine, false, &error) != PL_OK)
        return candidate_cannot(check, error.text);
    admission_init(&rig->admission, rig->instance.page, machine, ADMISSION_EXACT);
    pageout_init(&rig->pageout);
    gate_init(&rig->gate, &rig->admission, machine, &rig->pageout, 0);
    if (lent_init(&rig->lent, check->spec, machine, gate_page(&rig->gate), SERVICES_WINDOW_ADDR,
                  SERVICES_WINDOW_BYTES, &error) != PL_OK)
        return candidate_cannot(check, error.text);
    lent_start(&rig->lent, machine->cpus[0]);
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
    return native_alias_open(&rig->alias, 2 * PAGES) == 0 || host_cannot(check);
}

static void close_rig(struct alias_rig *rig)
{
    native_alias_close(&rig->alias);
    if (rig->lent.live)
        lent_fini(&rig->lent);
    instance_fini(&rig->instance);
    native_machine_delete(rig->native);
}

/* A word of the area's page: by the kernel's entry, and by the process's. */
static uint64_t *alias_word(const struct alias_rig *rig, uint64_t page, bool user)
{
    return (uint64_t *)(void *)(rig->alias.base + (page + (user ? PAGES : 0)) * PL_FRAME_BYTES) + page;
}

/* Maps PAGES pages of the host, from `first` on, as the leaf entries from `addr` on say. */
static bool map_alias(struct alias_rig *rig, uint64_t first, uint32_t view, uint64_t addr,
                      struct check *check)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        struct linux_walked walked = linux_walk(&rig->mm, view, addr + page * PL_FRAME_BYTES);
        if (!walked.present) {
            check_broken(check, "page %u of the area is not there for view %u", (unsigned)page, view);
            return false;
        }
        if (native_alias_map(&rig->alias, first + page, rig->native, linux_entry_frame(walked.entry)) != 0)
            return host_cannot(check);
    }
    return true;
}

static void compare_page(struct alias_rig *rig, uint64_t addr, uint64_t page, uint32_t view,
                         struct check *check)
{
    uint64_t *kernel = alias_word(rig, page, false);
    uint64_t *user = alias_word(rig, page, true);
    uint64_t read = 0;
    bool there = linux_load(&rig->mm, view, addr, &read);
    if (*user != WORD + page || !there || read != WORD + page) {
        check_broken(check,
                     "page %u: the kernel stored 0x%llx, the process's address has 0x%llx, view %u 0x%llx",
                     (unsigned)page, (unsigned long long)(WORD + page), (unsigned long long)*user, view,
                     (unsigned long long)read);
        return;
    }
    *user = ~read;
    if (*kernel != ~read) {
        check_broken(check, "page %u: the process's store is not at the kernel's address", (unsigned)page);
        return;
    }
    linux_store(&rig->mm, LINUX_KERNEL_VIEW, addr, read + 1);
    if (*kernel != read + 1 || *user != read + 1)
        check_broken(check, "page %u: a store by the walk is not seen by the processor", (unsigned)page);
}

static void compare(struct alias_rig *rig, const struct linux_area *area, uint32_t view, struct check *check)
{
    for (uint64_t page = 0; page < PAGES; page++)
        *alias_word(rig, page, false) = WORD + page;
    for (uint64_t page = 0; page < PAGES && check->verdict == CHECK_HOLDS; page++)
        compare_page(rig, area->addr + page * (PL_FRAME_BYTES + sizeof(uint64_t)), page, view, check);
}

static void run_rig(struct alias_rig *rig, struct check *check)
{
    struct pl_cpu *cpu = native_cpu(rig->native, 0);
    uint32_t view = linux_view_new(&rig->mm, cpu);
    struct linux_area *area = linux_vmalloc_user(&rig->mm, cpu, PAGES * PL_FRAME_BYTES, 0);
    struct linux_vma vma = {.view = view, .start = USER, .end = USER + PAGES * PL_FRAME_BYTES};
    if (area == NULL || view == LINUX_VIEW_NONE)
        (void)candidate_cannot(check, "no view, or no area");
    else if (linux_remap_vmalloc_range(&rig->mm, cpu, &vma, area->addr, 0) != 0)
        (void)candidate_cannot(check, "the area cannot be remapped");
    else if (map_alias(rig, 0, LINUX_KERNEL_VIEW, area->addr, check) &&
             map_alias(rig, PAGES, view, USER, check))
        compare(rig, area, view, check);
    linux_unmap_vma(&rig->mm, &vma);
    if (area != NULL)
        linux_vfree(&rig->mm, cpu, area->addr);
    if (check->verdict == CHECK_HOLDS)
        linux_mm_fini(&rig->mm, cpu);
}

bool check_area_alias(struct check *check)
{
    struct alias_rig *rig = aligned_alloc(_Alignof(struct alias_rig), sizeof(*rig));
    if (rig == NULL) {
        check_broken(check, "out of memory");
        return false;
    }
    *rig = (struct alias_rig){0};
    if (open_rig(rig, check))
        run_rig(rig, check);
    close_rig(rig);
    free(rig);
    return check->verdict == CHECK_HOLDS;
}
