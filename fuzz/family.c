/* See family.h. */
#include "fuzz/family.h"

#include <stdlib.h>
#include <string.h>

bool family_of_name(const char *name, size_t bytes, enum op_family *family)
{
    for (unsigned i = 0; i < OP_FAMILY_COUNT; i++) {
        if (strlen(op_family_names[i]) == bytes && memcmp(op_family_names[i], name, bytes) == 0) {
            *family = (enum op_family)i;
            return true;
        }
    }
    return false;
}

bool family_of_environment(enum op_family *family)
{
    const char *name = getenv(FAMILY_VARIABLE);
    *family = OP_FAMILY_PAGE;
    return name == NULL || family_of_name(name, strlen(name), family);
}
