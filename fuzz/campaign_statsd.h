/* AFL++ writes its numbers to files once a minute, too late for a short campaign; but it sends them every
 * second in the words of StatsD. */
#ifndef FUZZ_CAMPAIGN_STATSD_H
#define FUZZ_CAMPAIGN_STATSD_H

#include "fuzz/campaign_parse.h"

/* A socket on this machine's own address, and its port; -1 if there is none to be had. */
int campaign_statsd_open(uint16_t *port);

/* Takes what has come, without waiting. */
void campaign_statsd_read(int socket, struct campaign_counts *counts);
void campaign_statsd_close(int socket);

#endif
