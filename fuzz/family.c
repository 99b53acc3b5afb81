/* See family.h. */
#include "fuzz/family.h"

#include <string.h>

const char *const fuzz_target_names[FUZZ_TARGET_COUNT] = {
    "page", "vm", "area", "orb", "buffer", "all", "schedule-page", "schedule-all",
};

bool fuzz_target_has_schedule(enum fuzz_target target)
{
    return target == FUZZ_SCHEDULE_PAGE || target == FUZZ_SCHEDULE_ALL;
}

enum op_family fuzz_target_family(enum fuzz_target target)
{
    return fuzz_target_has_schedule(target) ? OP_FAMILY_PAGE : (enum op_family)target;
}

bool fuzz_target_of_name(const char *name, size_t bytes, enum fuzz_target *target)
{
    for (unsigned i = 0; i < FUZZ_TARGET_COUNT; i++) {
        if (strlen(fuzz_target_names[i]) == bytes && memcmp(fuzz_target_names[i], name, bytes) == 0) {
            *target = (enum fuzz_target)i;
            return true;
        }
    }
    return false;
}

bool fuzz_target_of_environment(enum fuzz_target *target)
{
    const char *name = subject_target();
    return fuzz_target_of_name(name, strlen(name), target);
}

bool family_of_name(const char *name, size_t bytes, enum op_family *family)
{
    enum fuzz_target target;
    if (!fuzz_target_of_name(name, bytes, &target) || fuzz_target_has_schedule(target))
        return false;
    *family = (enum op_family)target;
    return true;
}

bool family_of_environment(enum op_family *family)
{
    const char *name = subject_target();
    return family_of_name(name, strlen(name), family);
}
