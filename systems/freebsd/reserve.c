/* See reserve.h. Integer division truncates, as in the kernel. */
#include "systems/freebsd/reserve.h"

#define MAX_IO_BYTES UINT64_C(65536)

struct freebsd_reserve freebsd_reserve_of(uint64_t frame_count)
{
    struct freebsd_reserve r;
    uint64_t scaled_min = frame_count > 1024 ? 4 + (frame_count - 1024) / 200 : 4;
    r.page_cluster = frame_count < 2000 ? 8 : 32;
    r.interrupt_free_min = 2;
    r.pageout_free_min = 2 * MAX_IO_BYTES / PL_FRAME_BYTES + r.interrupt_free_min;
    r.free_reserved = r.page_cluster + r.pageout_free_min + frame_count / 768;
    r.free_severe = scaled_min / 2 + r.free_reserved;
    r.free_min = scaled_min + r.free_reserved;
    r.free_target = 4 * scaled_min + r.free_reserved;
    r.inactive_target = 3 * r.free_target / 2;
    if (r.inactive_target > frame_count / 3)
        r.inactive_target = frame_count / 3;
    r.wakeup_threshold = r.free_target / 10 * 9;
    return r;
}

struct pl_floors freebsd_floors_of(uint64_t frame_count)
{
    struct freebsd_reserve reserve = freebsd_reserve_of(frame_count);
    struct pl_floors floors = {
        .interrupt = 0,
        .system = reserve.interrupt_free_min,
        .normal = reserve.free_reserved,
    };
    return floors;
}
