/* A second view of simulated memory, by the real processor: a range of host addresses into which frames are
 * mapped one by one, in any order, also several times. What is stored there is in the frame. Only of machines
 * whose contents are shared (native_shape.shared_contents). */
#ifndef PLATFORM_NATIVE_ALIAS_H
#define PLATFORM_NATIVE_ALIAS_H

#include "platform/native/native.h"

struct native_alias {
    unsigned char *base; /* page i is at base + i * PL_FRAME_BYTES */
    uint64_t page_count;
};

/* Reserves addresses for so many pages, none of them mapped: a touch is a SIGSEGV. 0, or -1: no addresses. */
int native_alias_open(struct native_alias *alias, uint64_t page_count);
void native_alias_close(struct native_alias *alias);

/* Page `page` becomes this frame, in the machine's own numbers. 0, or -1: its contents are not shared, the
 * frame or the page is out of range, or the host refuses; then the page is as it was. */
int native_alias_map(struct native_alias *alias, uint64_t page, const struct native_machine *native,
                     pl_frame frame);

/* Page `page` becomes unmapped. 0, or -1. */
int native_alias_unmap(struct native_alias *alias, uint64_t page);

#endif
