/* See pageout.h. */
#include "systems/pageout/pageout.h"

#include <pagelab/check.h>

#include <string.h>

void pageout_init(struct pageout *pageout)
{
    memset(pageout, 0, sizeof(*pageout));
}

void pageout_join(struct pageout *pageout, pageout_reclaim *reclaim, void *client)
{
    PL_ASSERT(pageout->client_count < PAGEOUT_CLIENT_LIMIT);
    pageout->clients[pageout->client_count].reclaim = reclaim;
    pageout->clients[pageout->client_count].client = client;
    pageout->client_count++;
}

uint64_t pageout_step(struct pageout *pageout, struct pl_cpu *cpu, uint64_t wanted)
{
    uint64_t freed = 0;
    if (pageout->running)
        return 0;
    pageout->running = true;
    pageout->steps++;
    for (uint32_t i = 0; i < pageout->client_count && freed < wanted; i++) {
        uint32_t at = (pageout->next + i) % pageout->client_count;
        freed += pageout->clients[at].reclaim(pageout->clients[at].client, cpu, wanted - freed);
    }
    if (pageout->client_count != 0)
        pageout->next = (pageout->next + 1) % pageout->client_count;
    pageout->freed += freed;
    pageout->running = false;
    return freed;
}
