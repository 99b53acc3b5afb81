/* The simulated page daemon: who waits for memory asks it to take some back from those who can give. On one
 * thread a waiting call steps it; when a step frees nothing, nothing will ever be freed, and the waiter's
 * outcome is PL_WOULD_SLEEP, never a hang. Source: FreeBSD vm_pageout.c; one daemon for all systems. */
#ifndef SYSTEMS_PAGEOUT_H
#define SYSTEMS_PAGEOUT_H

#include <pagelab/cpu.h>

#define PAGEOUT_CLIENT_LIMIT 8u

/* Gives back up to `wanted` frames that nobody has pinned (unwired object pages, unprepared pageable
 * buffers, emptied volatile ones); returns how many it gave. Must not wait. */
typedef uint64_t pageout_reclaim(void *client, struct pl_cpu *cpu, uint64_t wanted);

struct pageout {
    struct {
        pageout_reclaim *reclaim;
        void *client;
    } clients[PAGEOUT_CLIENT_LIMIT];
    uint32_t client_count;
    uint32_t next;  /* client to ask first: they take turns */
    bool running;   /* inside a step: the caller is the page daemon (F-5) */
    uint64_t steps; /* since the last reset */
    uint64_t freed; /* frames, since the last reset */
};

/* Forgets all clients and counts. */
void pageout_init(struct pageout *pageout);

/* Adds a client; those beyond the limit are a mistake of ours (assertion). */
void pageout_join(struct pageout *pageout, pageout_reclaim *reclaim, void *client);

/* One pass: asks the clients in turn until `wanted` frames came back or all were asked. Returns the frames
 * freed. A step inside a step frees nothing. */
uint64_t pageout_step(struct pageout *pageout, struct pl_cpu *cpu, uint64_t wanted);

#endif
