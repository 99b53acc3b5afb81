/* Between the files of systems/freebsd only. */
#ifndef SYSTEMS_FREEBSD_VM_INTERNAL_H
#define SYSTEMS_FREEBSD_VM_INTERNAL_H

#include "systems/freebsd/vm.h"

#define FREEBSD_RUN_CARVED UINT32_MAX /* run_frames of a page of the arena */

/* The page of a frame of the machine, as if all zero if this run of programs has not used it yet. */
struct freebsd_page *vm_page_of(struct freebsd_vm *vm, pl_frame frame);

/* Traps unless this is an object of ours that `cpu` has locked. */
bool vm_object_is_locked(struct freebsd_vm *vm, const struct pl_cpu *cpu, const struct freebsd_object *object,
                         const char *call);

/* Traps unless the page is ours and allocated; `rule` is what the caller broke otherwise. */
bool vm_page_is_ours(struct freebsd_vm *vm, const struct freebsd_page *page, const char *call,
                     const char *rule);

/* Takes the page out of its object, if it is in one: unfiled, reference dropped. */
void vm_page_remove(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page);

/* The page carved last goes back to the arena; the block goes back when it is whole again. */
void vm_uncarve(struct freebsd_vm *vm, struct pl_cpu *cpu);

/* Appends it to the list of all that are allocated. */
void vm_page_enlist(struct freebsd_vm *vm, struct freebsd_page *page);

/* The frame goes back; the page is free. All preconditions are the caller's. */
void vm_page_release(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_page *page);

/* Consequences of a count that was `before`: wakes the daemon, joins and leaves the sets. */
void vm_count_fell(struct freebsd_vm *vm, uint64_t before);
void vm_count_rose(struct freebsd_vm *vm);

/* The class that a request of ours is admitted by: with the page daemon's upgrade (F-5). */
uint8_t vm_class_of(const struct freebsd_vm *vm, uint32_t req);

/* Traps an illegal `req`. */
bool vm_check_request(struct freebsd_vm *vm, const struct pl_cpu *cpu, uint32_t req, uint32_t accepted,
                      const char *call);

/* `frame_count` frames by the request; NULL: vm->status says why. No sleep. `bounds` NULL: one page. */
struct freebsd_page *vm_take(struct freebsd_vm *vm, struct pl_cpu *cpu, uint32_t req,
                             const struct freebsd_object *object, uint64_t pindex, uint64_t frame_count,
                             const struct freebsd_bounds *bounds);

/* After a failed attempt: the deficit, and the sleep that the flags ask for, without the object's lock. True:
 * try again. */
bool vm_failed(struct freebsd_vm *vm, struct pl_cpu *cpu, struct freebsd_object *object, uint32_t req,
               uint64_t frame_count);

/* How the page daemon gets at our pages. */
uint64_t vm_reclaim(void *client, struct pl_cpu *cpu, uint64_t wanted);

#endif
