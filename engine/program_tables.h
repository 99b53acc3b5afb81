/* What the small numbers of the binary form stand for. Shared by decoder and encoder only. Appending is safe;
 * changing an entry changes the meaning of every stored input. */
#ifndef ENGINE_PROGRAM_TABLES_H
#define ENGINE_PROGRAM_TABLES_H

#include "engine/program.h"

/* Index: low five bits of a record's first byte. */
extern const uint8_t program_kinds[32];

/* shape.ranges and range_count only. */
extern const struct native_shape program_shapes[PROGRAM_SHAPE_COUNT];

/* Floors for a machine of so many frames. */
struct pl_floors program_floors(unsigned choice, uint64_t frame_count);

uint64_t shape_frame_count(const struct native_shape *shape);
uint64_t shape_span(const struct native_shape *shape);
bool shape_same_ranges(const struct native_shape *a, const struct native_shape *b);

/* Frames of a run: bytes 0 to 239 say 1 to 240, the rest are edges, sizes that wrap included. */
uint32_t program_run_frames(uint8_t byte);

#endif
