/* What can be fuzzed, in the words of PAGELAB_TARGET: the families of programs (engine/op.h), each a target
 * by the same number, and the targets that also choose the schedule. */
#ifndef FUZZ_FAMILY_H
#define FUZZ_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/op.h"
#include "fuzz/subject.h"

#define FAMILY_VARIABLE SUBJECT_TARGET_VARIABLE

enum fuzz_target {
    FUZZ_PAGE = OP_FAMILY_PAGE,
    FUZZ_VM = OP_FAMILY_VM,
    FUZZ_AREA = OP_FAMILY_AREA,
    FUZZ_ORB = OP_FAMILY_ORB,
    FUZZ_BUFFER = OP_FAMILY_BUFFER,
    FUZZ_ALL = OP_FAMILY_ALL,
    FUZZ_SCHEDULE_PAGE = OP_FAMILY_COUNT,    /* frames only, on virtual CPUs that come between one another */
    FUZZ_SCHEDULE_ALL = OP_FAMILY_COUNT + 1, /* with admission, table memory and buffers */
    FUZZ_TARGET_COUNT = OP_FAMILY_COUNT + 2,
};

extern const char *const fuzz_target_names[FUZZ_TARGET_COUNT];

/* Of the target's programs. */
enum op_family fuzz_target_family(enum fuzz_target target);

bool fuzz_target_has_schedule(enum fuzz_target target);

/* False if there is none of that name. */
bool fuzz_target_of_name(const char *name, size_t bytes, enum fuzz_target *target);

/* The one that the environment names, or that the program was built for (subject.h); false if that is none.
 */
bool fuzz_target_of_environment(enum fuzz_target *target);

/* The same for targets that are a family. */
bool family_of_name(const char *name, size_t bytes, enum op_family *family);
bool family_of_environment(enum op_family *family);

#endif
