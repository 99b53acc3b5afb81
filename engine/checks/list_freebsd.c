/* The promises of FreeBSD's page allocation, in the order of the specification. */
#include <stddef.h>

#include "engine/checks/check_freebsd.h"

#define ADMISSION "engine/checks/check_freebsd.c"
#define PAGES     "engine/checks/check_freebsd_pages.c"

const struct promise promises_freebsd[] = {
    {"F-1", "no frame has two owners, and no owned frame is free as well", CHECK_BOTH, PAGES,
     "engine/oracle/vm_alloc.c", "system", 0, NULL, check_F_1,
     "FreeBSD sys/vm/vm_page.c, vm_page_alloc_domain_after and vm_page_free_toq: a frame leaves the free "
     "lists before it has an owner, and is back on them after it has none"},
    {"F-2", "free, granted, cached and never-free frames add up to the machine", CHECK_BOTH, ADMISSION,
     "engine/oracle/vm_audit.c", "system", 0, NULL, check_F_2,
     "FreeBSD sys/vm/vm_page.c, _vm_domain_allocate and vm_domain_freecnt_inc: each frame that moves is "
     "counted; reserved frames that nobody uses stay counted as free"},
    {"F-3", "a page is granted if and only if the class's floor allows it", CHECK_BOTH, ADMISSION,
     "engine/oracle/vm_check.c", "system", PL_CAP_ALL_FRAMES, NULL, check_F_3,
     "FreeBSD sys/vm/vm_page.c, _vm_domain_allocate: a request passes while the free count stays at or above "
     "its class's limit; vm_page_alloc(9) says the same"},
    {"F-3a", "INTERRUPT is granted if and only if a frame is free", CHECK_BOTH, ADMISSION,
     "engine/oracle/vm_check.c", "system", PL_CAP_ALL_FRAMES, NULL, check_F_3a,
     "FreeBSD sys/vm/vm_page.c, _vm_domain_allocate: the limit of VM_ALLOC_INTERRUPT is 0, so that the last "
     "frame can be had"},
    {"F-3b", "SYSTEM is granted if and only if more than interrupt_free_min are free", CHECK_BOTH, ADMISSION,
     "engine/oracle/vm_check.c", "system", PL_CAP_ALL_FRAMES, NULL, check_F_3b,
     "FreeBSD sys/vm/vm_page.c, _vm_domain_allocate: the limit of VM_ALLOC_SYSTEM is v_interrupt_free_min, "
     "which is 2"},
    {"F-3c", "NORMAL is granted if and only if more than free_reserved are free", CHECK_BOTH, ADMISSION,
     "engine/oracle/vm_check.c", "system", PL_CAP_ALL_FRAMES, NULL, check_F_3c,
     "FreeBSD sys/vm/vm_page.c, _vm_domain_allocate: the limit of VM_ALLOC_NORMAL is vmd_free_reserved; "
     "vmd_free_min only governs who waits"},
    {"F-4", "what a class gets, every higher class gets", CHECK_BOTH, ADMISSION, "engine/oracle/vm_check.c",
     "system", PL_CAP_ALL_FRAMES, NULL, check_F_4,
     "FreeBSD sys/vm/vm_page.c, _vm_domain_allocate: one test with three limits, each class's below the next "
     "one's"},
    {"F-5", "NORMAL from the page daemon is SYSTEM; INTERRUPT stays what it is", CHECK_BOTH, ADMISSION,
     "engine/oracle/vm_check.c", "system", PL_CAP_ALL_FRAMES, NULL, check_F_5,
     "FreeBSD sys/vm/vm_page.c, vm_domain_allocate: for the page daemon's process any class but INTERRUPT "
     "becomes SYSTEM"},
    {"F-6", "success debits exactly n frames, failure none", CHECK_BOTH, ADMISSION,
     "engine/oracle/vm_check.c", "system", 0, NULL, check_F_6,
     "FreeBSD sys/vm/vm_page.c, _vm_domain_allocate: a compare-and-swap takes all n frames off the count, or "
     "none"},
    {"F-7", "after a success of a class at least its floor is free", CHECK_BOTH, ADMISSION,
     "engine/oracle/vm_check.c", "system", PL_CAP_ALL_FRAMES, NULL, check_F_7,
     "FreeBSD sys/vm/vm_page.c, _vm_domain_allocate: the count is compared with limit + n before it is "
     "taken, so it stays at the limit or above"},
    {"F-8", "n frames are refused below floor + n, even if n consecutive ones are free", CHECK_BOTH,
     ADMISSION, "engine/oracle/vm_check.c", "system", PL_CAP_ALL_FRAMES | PL_CAP_RUNS, NULL, check_F_8,
     "FreeBSD sys/vm/vm_page.c, _vm_domain_allocate: npages is part of what is compared, before anybody "
     "looks for consecutive frames; vm_page_alloc_contig(9)"},
    {"F-9", "the busy state is what NOBUSY, SBUSY or neither asks for", CHECK_BOTH, PAGES,
     "engine/oracle/vm.c", "system", 0, NULL, check_F_9,
     "FreeBSD sys/vm/vm_page.c, vm_page_alloc_domain_after: exclusive busy by default, VPB_UNBUSIED with "
     "NOBUSY or without an object, one sharer with SBUSY"},
    {"F-10", "WIRED is one wiring, else none; all wirings add up to the global counter", CHECK_BOTH, PAGES,
     "engine/oracle/vm.c", "system", 0, NULL, check_F_10,
     "FreeBSD sys/vm/vm_page.c, vm_page_alloc_domain_after: VM_ALLOC_WIRED adds one wiring and one to the "
     "global count (vm_wire_add)"},
    {"F-11", "a page that comes flagged zero is zero", CHECK_BOTH, PAGES, "engine/oracle/vm_alloc.c",
     "liar(false-zero)", PL_CAP_KNOWS_ZERO, NULL, check_F_11,
     "FreeBSD sys/vm/vm_page.c, vm_page_alloc_domain_after: PG_ZERO is inherited from the free frame; "
     "sys/vm/vm_page.h says that it means zeros"},
    {"F-12", "a page of no object asked for with ZERO is zero, whatever its flag says", CHECK_BOTH, PAGES,
     "engine/oracle/vm_alloc.c", "system", 0, NULL, check_F_12,
     "FreeBSD sys/vm/vm_page.c, vm_page_alloc_noobj_domain: with VM_ALLOC_ZERO a frame without PG_ZERO is "
     "cleared (pmap_zero_page)"},
    {"F-13", "NODUMP is set if and only if asked for, not inherited", CHECK_BOTH, PAGES, "engine/oracle/vm.c",
     "system", 0, NULL, check_F_13,
     "FreeBSD sys/vm/vm_page.c, vm_page_alloc_domain_after: PG_NODUMP comes from VM_ALLOC_NODUMP alone"},
    {"F-14", "only the zero flag survives from free to allocated", CHECK_BOTH, PAGES,
     "engine/oracle/vm_alloc.c", "system", 0, NULL, check_F_14,
     "FreeBSD sys/vm/vm_page.c, vm_page_alloc_domain_after and vm_page_free_prep: flags are those of this "
     "call and PG_ZERO; valid and dirty were cleared at the free"},
    {"F-15", "lookup finds exactly the page that was filed; a page of no object is found nowhere", CHECK_BOTH,
     PAGES, "engine/oracle/vm_alloc.c", "system", 0, NULL, check_F_15,
     "FreeBSD sys/vm/vm_page.c, vm_page_insert_after and vm_page_lookup: what was inserted at an index is "
     "what the index finds; without an object there is no index"},
    {"F-16", "an index has one page; the resident count is the number of index entries", CHECK_BOTH, PAGES,
     "engine/oracle/vm_audit.c", "system", 0, NULL, check_F_16,
     "FreeBSD sys/vm/vm_page.c, vm_page_insert_radixdone and vm_page_object_remove: resident_page_count "
     "moves with each insertion and removal; a second page at an index is refused"},
    {"F-17", "a failed call leaves object, resident count and lock as they were", CHECK_BOTH, PAGES,
     "engine/oracle/vm_check.c", "system", 0, NULL, check_F_17,
     "FreeBSD sys/vm/vm_page.c, vm_page_alloc_domain_after: where the insertion fails, wiring and frame are "
     "given back; the object stays write-locked (vm_page_alloc(9))"},
    {"F-18", "no call without WAITOK or WAITFAIL sleeps", CHECK_BOTH, PAGES, "engine/oracle/vm.c", "system",
     0, NULL, check_F_18,
     "FreeBSD sys/vm/vm_page.c, vm_domain_alloc_fail: it waits with WAITOK and WAITFAIL only; else it "
     "returns at once"},
    {"F-19", "WAITFAIL never returns a page after it slept", CHECK_BOTH, PAGES, "engine/oracle/vm_check.c",
     "system", 0, NULL, check_F_19,
     "FreeBSD sys/vm/vm_page.c, vm_domain_alloc_fail: with WAITFAIL it sleeps once, and the call ends, "
     "whatever is free by then"},
    {"F-20", "a free of a wired, mapped or wrongly busied page is trapped and changes nothing", CHECK_BOTH,
     PAGES, "engine/oracle/vm_free.c", "system", 0, NULL, check_F_20,
     "FreeBSD sys/vm/vm_page.c, vm_page_free_prep: panics for a page that is wired, mapped, or not busied as "
     "it has to be"},
    {"F-21", "after a free: lookup fails, counters agree, one more frame is free", CHECK_BOTH, PAGES,
     "engine/oracle/vm_free.c", "system", 0, NULL, check_F_21,
     "FreeBSD sys/vm/vm_page.c, vm_page_free_toq: out of its object and queues, then to the free lists, then "
     "one more on the count"},
    {"F-22", "free blocks are aligned buddies without overlap, merged up to the largest order", CHECK_BOTH,
     PAGES, "engine/oracle/vm_blocks.c", "liar(uncoalesced)", PL_CAP_BUDDY, "buddy", check_F_22,
     "FreeBSD sys/vm/vm_phys.c, vm_phys_free_pages: a free block is merged with its buddy as long as that is "
     "free, too"},
    {"F-23", "a reservation is one aligned superpage whose bitmap and count say what is live", CHECK_BOTH,
     PAGES, "engine/oracle/vm_blocks.c", "reserve-liar(mixes)+freebsd", PL_CAP_RESERVATIONS, "reservations",
     check_F_23,
     "FreeBSD sys/vm/vm_reserv.c, vm_reserv_populate and vm_reserv_depopulate: bitmap and population count "
     "change together"},
    {"F-24", "a run is consecutive and obeys alignment, boundary, low and high", CHECK_BOTH, PAGES,
     "engine/oracle/vm_alloc.c", "system", PL_CAP_RUNS, NULL, check_F_24,
     "FreeBSD sys/vm/vm_phys.c, vm_phys_alloc_contig: low, high, alignment and boundary of "
     "vm_page_alloc_contig(9)"},
    {"F-25", "one daemon wake-up for each downward crossing of the threshold", CHECK_BOTH, ADMISSION,
     "engine/oracle/vm_check.c", "system", PL_CAP_ALL_FRAMES, NULL, check_F_25,
     "FreeBSD sys/vm/vm_page.c, _vm_domain_allocate: pagedaemon_wakeup where the old count was not below "
     "vmd_pageout_wakeup_thresh and the new one is"},
    {"F-26", "the COUNT hint changes no outcome, only the deficit of a failure", CHECK_BOTH, ADMISSION,
     "engine/oracle/vm_check.c", "system", PL_CAP_ALL_FRAMES, NULL, check_F_26,
     "FreeBSD sys/vm/vm_page.c, vm_domain_alloc_fail: VM_ALLOC_COUNT is added to vm_pageout_deficit, and "
     "read nowhere else"},
    {"F-27", "class value 3 is trapped (documented) or NORMAL (real), never a third thing", CHECK_BOTH,
     ADMISSION, "engine/oracle/vm_check.c", "system", 0, NULL, check_F_27,
     "FreeBSD sys/vm/vm_page.c, _vm_domain_allocate: the class is two bits wide; a value that is neither "
     "SYSTEM nor INTERRUPT takes NORMAL's branch"},
};
const unsigned promises_freebsd_count = (unsigned)PL_COUNT_OF(promises_freebsd);
