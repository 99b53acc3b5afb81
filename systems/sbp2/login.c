/* The login: ORBs that live, kernel objects they are made of, the gate, what is served in software. */
#include "systems/sbp2/internal.h"

#include <pagelab/check.h>

#include <string.h>

static size_t store_runs(const struct sbp2_config *config)
{
    return ((size_t)config->orb_limit + 1) * config->runs_per_table;
}

size_t sbp2_bytes(const struct sbp2_config *config)
{
    return sizeof(struct sbp2) + store_runs(config) * sizeof(struct pl_run);
}

struct sbp2 *sbp2_init(void *memory, const struct sbp2_config *config)
{
    struct sbp2 *login = memory;
    PL_ASSERT(config->orb_limit >= 1 && config->orb_limit <= SBP2_ORB_LIMIT);
    PL_ASSERT(config->runs_per_table >= 1 && config->command_bytes_max <= SBP2_COMMAND_BYTES_LIMIT);
    login->config = *config;
    sbp2_reset(login, config->contract);
    return login;
}

void sbp2_reset(struct sbp2 *login, enum contract contract)
{
    struct gate *gate = login->config.gate;
    login->config.contract = contract;
    memset(&login->limits, 0, sizeof(login->limits));
    slab_init(&login->orbs, gate,
              (uint32_t)sizeof(struct sbp2_orb) + SBP2_ORB_COMMAND_AT + login->config.command_bytes_max);
    slab_init(&login->tables, gate, (uint32_t)sizeof(struct sbp2_table));
    slab_init(&login->commands, gate, (uint32_t)sizeof(struct sbp2_command));
    login->serial = 0;
    login->bus_generation = 0;
    login->gate_depth = 0;
    login->live_count = 0;
    login->spare_count = login->config.orb_limit + 1;
    for (uint32_t i = 0; i < login->spare_count; i++)
        login->spare[i] = login->spare_count - 1 - i;
}

void sbp2_set_limits(struct sbp2 *login, const struct sbp2_limits *limits)
{
    login->limits = *limits;
}

void sbp2_gate_close(struct sbp2 *login)
{
    login->gate_depth++;
}

void sbp2_gate_open(struct sbp2 *login)
{
    PL_ASSERT(login->gate_depth > 0);
    login->gate_depth--;
}

uint32_t sbp2_gate_depth(const struct sbp2 *login)
{
    return login->gate_depth;
}

bool sbp2_check(const struct sbp2 *login, const struct sbp2_orb *orb, const char *call)
{
    for (uint32_t i = 0; i < login->live_count; i++) {
        if (login->live[i] == orb)
            return true;
    }
    trap_take(login->config.trap, call, "X-10", "this is no live ORB of the login");
    return false;
}

bool sbp2_memory_check(const struct sbp2 *login, const struct iokit_memory *memory, const char *call)
{
    if (login->config.iokit == NULL || iokit_memory_check(login->config.iokit, memory))
        return true;
    trap_take(login->config.trap, call, "X-10", "this is no live descriptor");
    return false;
}

bool sbp2_may_sleep(struct sbp2 *login, const struct pl_cpu *cpu, const char *call)
{
    if (cpu->context == PL_CONTEXT_TASK && cpu->no_sleep_depth == 0)
        return true;
    trap_take(login->config.trap, call, "6", "may sleep, and was called where nothing may");
    return false;
}

static bool window_is_taken(const struct sbp2 *login, uint64_t addr)
{
    for (uint32_t i = 0; i < login->live_count; i++) {
        const struct sbp2_orb *orb = login->live[i];
        if (orb->pseudo_addr == addr || (orb->table != NULL && orb->table->pseudo_addr == addr))
            return true;
    }
    return false;
}

uint64_t sbp2_window(struct sbp2 *login, uint64_t base)
{
    uint64_t addr;
    do {
        addr = base + (login->serial++ % PSEUDO_WINDOWS << PSEUDO_SHIFT);
    } while (window_is_taken(login, addr));
    return addr;
}

struct pl_request sbp2_request(void)
{
    return (struct pl_request){
        .alloc_class = PL_CLASS_NORMAL, .node = PL_NODE_ANY, .flags = PL_REQUEST_WAIT_OK};
}

static size_t read_table(const struct sbp2 *login, const struct sbp2_table *table, uint64_t offset, void *to,
                         size_t bytes)
{
    const struct pl_run *run = sbp2_table_runs(login, table);
    unsigned char *out = to;
    size_t left = bytes;
    if (offset >= table->bytes || bytes > table->bytes - offset)
        return 0;
    while (left > 0) {
        uint64_t run_bytes = run->frame_count * PL_FRAME_BYTES;
        if (offset >= run_bytes) {
            offset -= run_bytes;
            run++;
            continue;
        }
        size_t part = left < run_bytes - offset ? left : (size_t)(run_bytes - offset);
        memcpy(out, gate_bytes(login->config.gate, run->first) + offset, part);
        out += part;
        left -= part;
        offset += part;
    }
    return bytes;
}

size_t sbp2_pseudo_read(const struct sbp2 *login, uint64_t addr, void *to, size_t bytes)
{
    uint64_t window = addr >> PSEUDO_SHIFT << PSEUDO_SHIFT;
    uint64_t offset = addr - window;
    uint64_t orb_bytes = SBP2_ORB_COMMAND_AT + login->config.command_bytes_max;
    for (uint32_t i = 0; i < login->live_count; i++) {
        const struct sbp2_orb *orb = login->live[i];
        if (orb->table != NULL && orb->table->pseudo_addr == window)
            return read_table(login, orb->table, offset, to, bytes);
        if (orb->pseudo_addr != window || (orb->flags & SBP2_VIRTUAL_ORBS) == 0)
            continue;
        if (offset > orb_bytes || bytes > orb_bytes - offset)
            return 0;
        memcpy(to, orb->bytes + offset, bytes);
        return bytes;
    }
    return 0;
}

void sbp2_count(const struct sbp2 *login, struct sbp2_counts *counts)
{
    counts->orbs = login->orbs.objects;
    counts->tables = login->tables.objects;
    counts->commands = login->commands.objects;
    counts->slab_pages = login->orbs.pages + login->tables.pages + login->commands.pages;
}
