/* The words that every table of the contract uses: frames, status codes, orders.
 * One word, one meaning: a frame is a physical page, named by its number and never by an address. */
#ifndef PAGELAB_TYPES_H
#define PAGELAB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagelab/compiler.h>

/* The number of this interface. A plug-in built for another number is refused when it is opened. */
#define PL_ABI 1u

/* Bytes of a frame, 2^12, as on all four source systems' x86-64 ports. */
#define PL_FRAME_SHIFT 12u
#define PL_FRAME_BYTES ((uint64_t)1 << PL_FRAME_SHIFT)

/* Orders are log2 of frames. The largest that the interface can name, itself included: blocks of 128 GiB. */
#define PL_ORDER_LIMIT 25u

#define PL_CPU_LIMIT  64u
#define PL_NODE_LIMIT 8u

/* A physical frame number. Wrapped, so that an address or a count cannot be passed for one. */
typedef struct {
    uint64_t number;
} pl_frame;

#define PL_FRAME_NONE UINT64_MAX

PL_INLINE pl_frame pl_frame_at(uint64_t number)
{
    return (pl_frame){number};
}

PL_INLINE pl_frame pl_frame_none(void)
{
    return (pl_frame){PL_FRAME_NONE};
}

PL_INLINE bool pl_frame_is_none(pl_frame frame)
{
    return frame.number == PL_FRAME_NONE;
}

/* Outcomes. A call that does not return PL_OK leaves the instance as it was: same frames granted, same
 * counts, nothing cached or lost, and leaves out-parameters unspecified. */
enum pl_status {
    PL_OK = 0,
    PL_NO_MEMORY = 1,   /* nothing to give now; may succeed after a free (FreeBSD NULL, Linux NULL) */
    PL_REFUSED = 2,     /* the caller's mistake was noticed: not granted, already free, half a grant */
    PL_INVALID = 3,     /* the request itself is illegal: two classes, alignment not a power of two */
    PL_UNSUPPORTED = 4, /* the candidate does not have this capability; will never succeed */
    PL_NEVER = 5,       /* legal, but this machine can never serve it (FreeBSD ERANGE) */
    PL_WOULD_SLEEP = 6, /* would wait for ever: nothing that is held could ever be freed */
};

/* Is it one of these? What a hook returns may be any number. */
PL_INLINE bool pl_status_is_known(enum pl_status status)
{
    return (unsigned)status <= PL_WOULD_SLEEP;
}

PL_INLINE const char *pl_status_name(enum pl_status status)
{
    switch (status) {
    case PL_OK:
        return "ok";
    case PL_NO_MEMORY:
        return "no-memory";
    case PL_REFUSED:
        return "refused";
    case PL_INVALID:
        return "invalid";
    case PL_UNSUPPORTED:
        return "unsupported";
    case PL_NEVER:
        return "never";
    case PL_WOULD_SLEEP:
        return "would-sleep";
    }
    return "unknown";
}

#endif
