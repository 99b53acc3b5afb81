/* Stamps in granted frames; see runner_internal.h. */
#include <inttypes.h>
#include <string.h>

#include "engine/runner_internal.h"

static uint64_t stamp_of(uint64_t frame)
{
    return frame * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

static bool is_zero(const unsigned char *bytes)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, PL_FRAME_BYTES - 1) == 0;
}

void contents_granted(const struct pl_machine *machine, const struct pl_run *run, struct finding *finding)
{
    if (machine->contents == NULL)
        return;
    for (uint64_t i = 0; i < run->frame_count; i++) {
        pl_frame frame = pl_frame_at(run->first.number + i);
        unsigned char *bytes = pl_frame_address(machine, frame);
        if (run->flags & PL_RUN_ZERO && !is_zero(bytes)) {
            finding_set(finding, "F-11", "a frame that comes as known zero is zero");
            finding_actual(finding, "frame 0x%" PRIx64 " is not", frame.number);
            return;
        }
        uint64_t stamp = stamp_of(frame.number);
        memcpy(bytes, &stamp, sizeof(stamp));
        memcpy(bytes + PL_FRAME_BYTES - sizeof(stamp), &stamp, sizeof(stamp));
    }
}

void contents_released(const struct pl_machine *machine, const struct pl_run *run, struct finding *finding)
{
    if (machine->contents == NULL)
        return;
    for (uint64_t i = 0; i < run->frame_count; i++) {
        pl_frame frame = pl_frame_at(run->first.number + i);
        const unsigned char *bytes = pl_frame_address(machine, frame);
        uint64_t stamp = stamp_of(frame.number);
        if (memcmp(bytes, &stamp, sizeof(stamp)) != 0 ||
            memcmp(bytes + PL_FRAME_BYTES - sizeof(stamp), &stamp, sizeof(stamp)) != 0) {
            finding_set(finding, "X-1", "nobody but its owner writes to a granted frame");
            finding_actual(finding, "frame 0x%" PRIx64 " was overwritten while it was granted", frame.number);
            return;
        }
    }
}
