/* An oracle: makes one of the four systems on a runner's machine, executes its operations, and after each one
 * asserts every promise that can be seen, by number. It keeps its own simple view of what must be there and
 * compares; it never asks the system to judge itself.
 *
 * An operation on a handle in the wrong state is a no-op, unless the operation exists to make that mistake:
 * any list is a legal program. Nothing here reads a clock, a random number or the environment. */
#ifndef ENGINE_ORACLE_ORACLE_H
#define ENGINE_ORACLE_ORACLE_H

#include "engine/finding.h"
#include "engine/services.h"

struct oracle_ops {
    const char *name; /* "vm", "area", "zone", "orb", "buffer" */
    /* Allocates the oracle's and the system's host memory (malloc), once a machine. 0, or -1: out of memory.
     */
    int (*init)(struct services *services, void **self);
    void (*fini)(void *self);
    /* A fresh system for the next program; nothing is granted. Joins the page daemon if it can give memory.
     * The contract is services->contract. */
    void (*reset)(void *self);
    /* Executes one operation of its range and asserts. */
    void (*run)(void *self, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
    /* Cheap assertions after an operation of another system, and of frames; may be NULL. */
    void (*step)(void *self, struct finding *finding);
    /* Walks everything; may be NULL. */
    void (*audit)(void *self, struct finding *finding);
    /* The program is over: releases whatever lives, asserts that every count is back. `cpu` is CPU 0.
     */
    void (*end)(void *self, struct pl_cpu *cpu, struct finding *finding);
};

extern const struct oracle_ops oracle_vm;
extern const struct oracle_ops oracle_area;
extern const struct oracle_ops oracle_zone;
extern const struct oracle_ops oracle_orb;
extern const struct oracle_ops oracle_buffer;

#endif
