/* conformance CASE CANDIDATE: one promise of the contract, one candidate. Exit 0: kept; 1: broken, with the
 * place and both values on stderr; 77: the candidate does not claim it. */
#include "tests/conformance/conformance.h"

#include <string.h>

static const struct {
    const char *name;
    void (*run)(struct context *context);
} cases[] = {
#define LIST_CASE(name) {#name, case_##name},
    CONFORMANCE_CASES(LIST_CASE)
#undef LIST_CASE
};

/* Static, so that what a case that ends early leaves behind is no leak. */
static struct context the_context;

int main(int argc, char **argv)
{
    struct spec_error error;
    if (argc != 3) {
        fputs("usage: conformance CASE CANDIDATE\n", stderr);
        return 2;
    }
    the_context.name = argv[2];
    if (spec_parse(argv[2], &the_context.spec, &error) != 0) {
        fprintf(stderr, "conformance: %s\n", error.text);
        return 2;
    }
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        if (strcmp(cases[i].name, argv[1]) == 0) {
            cases[i].run(&the_context);
            close_machine(&the_context);
            return 0;
        }
    }
    fprintf(stderr, "conformance: case '%s': unknown\n", argv[1]);
    return 2;
}
