/* What the four systems stand on, beside the runner's machine: the gate, the page daemon, the services lent
 * to the candidate, a second node. Made only for programs that use them; the machine then has contents. */
#ifndef ENGINE_SERVICES_H
#define ENGINE_SERVICES_H

#include <stdio.h>

#include "engine/lent.h"
#include "engine/op.h"
#include "engine/shadow.h"
#include "platform/native/native.h"
#include "systems/contract.h"
#include "systems/gate/gate.h"
#include "systems/trap.h"

#define SERVICES_NODE_LIMIT 2u

/* One oracle a system; Linux has two (the areas, and the zones with their watermarks). */
enum services_oracle {
    SERVICES_VM = 0,
    SERVICES_AREA = 1,
    SERVICES_ZONE = 2,
    SERVICES_ORB = 3,
    SERVICES_BUFFER = 4,
    SERVICES_ORACLE_COUNT = 5,
};

/* Frame numbers of the second node begin here, as the systems see them. */
#define SERVICES_NODE_FRAMES (UINT64_C(1) << 32)

/* The kernel's window of addresses that areas come from. */
#define SERVICES_WINDOW_ADDR  UINT64_C(0xffffc90000000000)
#define SERVICES_WINDOW_BYTES (UINT64_C(64) << 20)

/* A node: a machine with an instance of the candidate of its own. Node 0 is the runner's. */
struct services_node {
    struct native_machine *native; /* owned by services for node 1 only */
    const struct pl_machine *machine;
    struct instance *instance;
    struct admission *admission;
    struct shadow *shadow;
    struct gate gate;
    struct pl_page page; /* the gate's */
};

struct services {
    enum contract contract;
    enum op_family family;
    struct services_node nodes[SERVICES_NODE_LIMIT];
    uint32_t node_count; /* 1 where a process can have only one instance (PL_CAP_ONE_INSTANCE) */
    struct pageout pageout;
    struct trap trap;
    struct lent lent;                     /* on node 0's gate */
    void *oracles[SERVICES_ORACLE_COUNT]; /* NULL: not made */
    struct instance second_instance;
    struct admission second_admission;
    struct shadow second_shadow;
    uint64_t shrunk;         /* of pageout.freed: frames that the lent services had kept */
    uint32_t next_tag;       /* for the shadow: each grant through a gate is an owner of its own */
    struct finding *finding; /* of the program that runs; where the observers report */
    FILE *log;               /* as the runner's */
};

struct runner;

/* Makes what `family` needs. PL_OK, PL_NO_MEMORY, PL_UNSUPPORTED; one line in `error` unless PL_OK. */
enum pl_status services_init(struct services *services, struct runner *runner, enum op_family family,
                             struct spec_error *error);
enum pl_status services_reset(struct services *services, struct finding *finding);
void services_fini(struct services *services);

/* Executes one operation of the systems (kind >= OP_COMMON) and asserts. */
void services_run(struct services *services, struct pl_cpu *cpu, const struct op *op,
                  struct finding *finding);
/* After an operation of anybody. */
void services_step(struct services *services, struct finding *finding);
void services_audit(struct services *services, struct finding *finding);
void services_end(struct services *services, struct pl_cpu *cpu, struct finding *finding);

/* Frames that the systems hold on a node: what the lent services keep for reuse is not theirs. */
uint64_t services_held(const struct services *services, uint32_t node);

/* Frames that the page daemon had from the systems. */
uint64_t services_freed(const struct services *services);

/* All gates' calls: the counted fact behind "allocates nothing". */
uint64_t services_calls(const struct services *services);

#endif
