/* An event as the text has it: a line of the recording, before any repair. */
#ifndef ENGINE_TRACE_TRACE_EVENT_H
#define ENGINE_TRACE_TRACE_EVENT_H

#include <stddef.h>
#include <stdint.h>

/* Frame numbers of 57-bit physical addresses; no machine has more. */
#define TRACE_FRAME_LIMIT (UINT64_C(1) << 45)

enum trace_event_kind {
    TRACE_ALLOC = 0,
    TRACE_FREE = 1,
    TRACE_FREE_BATCHED = 2,
    TRACE_USED = 3, /* repair has dealt with it out of turn */
};

struct trace_event {
    uint64_t frame;
    uint8_t kind;    /* enum trace_event_kind */
    uint8_t cpu;     /* below PL_CPU_LIMIT */
    uint8_t context; /* enum pl_context */
    uint8_t order;   /* at most PL_ORDER_LIMIT */
    /* Of allocations. */
    uint8_t alloc_class;
    uint8_t mobility;
    uint16_t flags; /* OP_FLAG_* */
};

_Static_assert(sizeof(struct trace_event) == 16, "four events a cache line");

struct trace_events {
    struct trace_event *items;
    size_t count;
    size_t capacity;
};

#endif
