/* character CASE: asks it of the candidate whose character it is, and of one that must fail it. Exit 0: so it
 * is; 1: it is not, with what was seen on stderr; 2: no such case, or a candidate could not be made. Without
 * an argument it lists the cases; `character three_cases_each` counts them, candidate by candidate. */
#include <string.h>

#include "tests/character/character.h"

static int open_rig(struct rig *rig, const char *candidate, const struct native_shape *shape)
{
    struct spec_error error = {.text = ""};
    memset(rig, 0, sizeof(*rig));
    if (spec_parse(candidate, &rig->spec, &error) == 0) {
        rig->native = native_machine_new(shape, error.text, sizeof(error.text));
        if (rig->native != NULL) {
            rig->machine = native_machine_view(rig->native);
            if (instance_init(&rig->instance, &rig->spec, rig->machine, false, &error) == PL_OK)
                return 0;
            native_machine_delete(rig->native);
        }
    }
    fprintf(stderr, "character: %s: %s\n", candidate, error.text);
    return -1;
}

/* 1: passes; 0: fails; -1: could not be asked. */
static int ask(const struct character_case *test, const char *candidate)
{
    struct rig rig;
    if (open_rig(&rig, candidate, &test->shape) != 0)
        return -1;
    int passes = test->run(&rig) ? 1 : 0;
    instance_fini(&rig.instance);
    native_machine_delete(rig.native);
    return passes;
}

static const struct character_case *find(const char *name)
{
    for (size_t list = 0; character_lists[list] != NULL; list++) {
        for (const struct character_case *test = character_lists[list]; test->name != NULL; test++) {
            if (name == NULL)
                printf("%s: %s, not %s\n", test->name, test->own, test->other);
            else if (strcmp(test->name, name) == 0)
                return test;
        }
    }
    return NULL;
}

/* Is the case the candidate's? Of a wrapper `own` goes on with its params and what it wraps. */
static bool is_of(const struct character_case *test, const char *owner)
{
    size_t length = strlen(owner);
    return strncmp(test->own, owner, length) == 0 && strchr("(+", test->own[length]) != NULL;
}

/* 0 if each candidate of ours has enough cases, else 1. */
static int count_cases(void)
{
    int status = 0;
    for (size_t owner = 0; character_owners[owner] != NULL; owner++) {
        unsigned cases = 0;
        for (size_t list = 0; character_lists[list] != NULL; list++)
            for (const struct character_case *test = character_lists[list]; test->name != NULL; test++)
                cases += is_of(test, character_owners[owner]) ? 1 : 0;
        if (cases >= CHARACTER_CASES_LEAST)
            continue;
        fprintf(stderr, "character: %s: %u cases, expected at least %u\n", character_owners[owner], cases,
                CHARACTER_CASES_LEAST);
        status = 1;
    }
    return status;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "three_cases_each") == 0)
        return count_cases();
    const struct character_case *test = find(argc == 2 ? argv[1] : NULL);
    if (argc != 2)
        return 0;
    if (test == NULL) {
        fprintf(stderr, "character: case '%s': unknown\n", argv[1]);
        return 2;
    }
    int own = ask(test, test->own);
    int other = own < 0 ? -1 : ask(test, test->other);
    if (other < 0)
        return 2;
    if (own == 0)
        fprintf(stderr, "character: %s: %s fails its own case\n", test->name, test->own);
    if (other == 1)
        fprintf(stderr, "character: %s: %s passes it, too\n", test->name, test->other);
    return own == 1 && other == 0 ? 0 : 1;
}
