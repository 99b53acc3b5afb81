/* What is in the frames that the zones gave out: zero where zero was promised, and afterwards the owner's
 * stamp in the first and the last bytes, which nobody else may touch. */
#include <inttypes.h>
#include <string.h>

#include "engine/oracle/zone.h"

static unsigned char *bytes_of(const struct zone_oracle *oracle, uint64_t number)
{
    uint32_t node = number >= SERVICES_NODE_FRAMES ? 1 : 0;
    const struct gate *gate = &oracle->services->nodes[node].gate;
    return gate->machine->contents == NULL ? NULL : gate_bytes(gate, pl_frame_at(number));
}

static uint64_t stamp_of(uint64_t number)
{
    return (number + 1) * UINT64_C(0xd6e8feb86659fd93) | 1;
}

void zone_check_zero(const struct zone_oracle *oracle, pl_frame first, uint64_t frames,
                     struct finding *finding)
{
    for (uint64_t i = 0; i < frames && !finding->found; i++) {
        const unsigned char *bytes = bytes_of(oracle, first.number + i);
        if (bytes == NULL || (bytes[0] == 0 && memcmp(bytes, bytes + 1, PL_FRAME_BYTES - 1) == 0))
            continue;
        finding_set(finding, "X-9", "frames that were asked for as zero show nothing of their last owner");
        finding_actual(finding, "frame 0x%" PRIx64 " is not zero", first.number + i);
    }
}

void zone_stamp(const struct zone_oracle *oracle, pl_frame first, uint64_t frames)
{
    for (uint64_t i = 0; i < frames; i++) {
        unsigned char *bytes = bytes_of(oracle, first.number + i);
        uint64_t stamp = stamp_of(first.number + i);
        if (bytes == NULL)
            return;
        memcpy(bytes, &stamp, sizeof(stamp));
        memcpy(bytes + PL_FRAME_BYTES - sizeof(stamp), &stamp, sizeof(stamp));
    }
}

void zone_check_stamps(const struct zone_oracle *oracle, pl_frame first, uint64_t frames,
                       struct finding *finding)
{
    for (uint64_t i = 0; i < frames && !finding->found; i++) {
        const unsigned char *bytes = bytes_of(oracle, first.number + i);
        uint64_t stamp = stamp_of(first.number + i);
        if (bytes == NULL)
            return;
        if (memcmp(bytes, &stamp, sizeof(stamp)) == 0 &&
            memcmp(bytes + PL_FRAME_BYTES - sizeof(stamp), &stamp, sizeof(stamp)) == 0)
            continue;
        finding_set(finding, "X-1", "nobody but its owner writes to a granted frame");
        finding_actual(finding, "frame 0x%" PRIx64 " was overwritten while a zone's caller had it",
                       first.number + i);
    }
}
