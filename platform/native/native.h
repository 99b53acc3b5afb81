/* The native platform: real threads pinned to CPUs as virtual CPUs, soft interrupt masking, simulated
 * physical memory with contents (lazily touched) or as numbers only. */
#ifndef PLATFORM_NATIVE_H
#define PLATFORM_NATIVE_H

#include <pagelab/machine.h>

#define NATIVE_RANGE_LIMIT 8u

/* What machine to make. All zero but `ranges[0].frame_count` is a machine of one range at frame 0. */
struct native_shape {
    struct pl_range ranges[NATIVE_RANGE_LIMIT];
    uint32_t range_count;
    uint32_t cpu_count;          /* 1 .. PL_CPU_LIMIT; may exceed the real CPUs */
    bool contents;               /* addressable frames, zero until touched */
    bool shared_contents;        /* contents that alias.h can map again; a page costs more to touch first */
    uint64_t contents_alignment; /* bytes, 0: a frame */
    struct pl_floors floors;
};

struct native_machine;

/* Makes a machine; NULL and one line in `error` if the shape is illegal or memory is short. The caller owns
 * it. */
struct native_machine *native_machine_new(const struct native_shape *shape, char *error, size_t error_bytes);
void native_machine_delete(struct native_machine *native);

/* The contract's view; lives as long as `native`. */
const struct pl_machine *native_machine_view(const struct native_machine *native);
struct pl_cpu *native_cpu(const struct native_machine *native, uint32_t id);

/* Forgets masks, pending interrupts and counts of all CPUs, for the next program. */
void native_machine_reset(struct native_machine *native);

/* --- interrupts --- */

/* Runs on the CPU that was interrupted, with cpu->context HARDIRQ and interrupts masked. */
typedef void native_handler(struct pl_cpu *cpu, void *argument);

void native_set_handler(struct pl_cpu *cpu, native_handler *handler, void *argument);

/* Raises interrupt 0 on `cpu`, from the thread that runs it: at once if unmasked, else when it unmasks. */
void native_raise(struct pl_cpu *cpu);

/* The same with the mask ignored: the handler runs at once, with cpu->context NMI and the mask as it was. */
void native_raise_nmi(struct pl_cpu *cpu);

/* --- sleep --- */

/* Hears of each wait, or place where the caller could wait, inside a no-sleep region or at interrupt level.
 * Without a listener that is a panic. With one the caller goes on, and waits if it asked to. */
typedef void native_sleep(struct pl_cpu *cpu, const char *where, void *argument);

void native_watch_sleep(struct native_machine *native, native_sleep *on_sleep, void *argument);

/* --- threads --- */

/* Runs function(cpu, argument) on CPUs 0 .. cpu_count-1, each in a thread of its own pinned to the real CPU
 * id % real CPUs, all starting together; returns when all have returned. 0, or -1 if threads cannot be had.
 */
typedef void native_thread(struct pl_cpu *cpu, void *argument);
int native_run_on_cpus(struct native_machine *native, uint32_t cpu_count, native_thread *function,
                       void *argument);

/* Pins the calling thread to real CPU `id % real CPUs`; -1 if the kernel refuses. */
int native_pin_self(uint32_t id);
uint32_t native_real_cpu_count(void);

#endif
