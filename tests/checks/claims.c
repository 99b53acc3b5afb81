/* Is each claim's check able to see? The claim is judged on a liar that makes it falsely, and must be
 * refuted; on a candidate that makes it rightly, where there is one, and must be tested; and on one that is
 * broken in plain use, which says nothing of the claim. Usage: claims NAME. Exit 0 or 1. "claims all" sees
 * that no promise is left out. */
#include <stdio.h>
#include <string.h>

#include "engine/checks/claims.h"

static const struct {
    const char *claim;
    const char *liar;
    const char *honest; /* NULL: nobody makes this claim */
} pairs[] = {
    {"concurrent", "liar(unlocked)", "buddy"},
    {"irq-safe", "liar(unmasked)", "buddy"},
    {"nmi-safe", "liar(masked)", "llfree"},
    {"exact-count", "liar(count-drifts)", "bitmap"},
    {"exact-count", "liar(boasts-exact)", "liar"},
    {"all-frames", "liar(hides-last)", "buddy"},
    {"all-frames", "liar(hides-few)", "percpu+buddy"},
    {"complete", "liar(hides-blocks)", "percpu+buddy"},
    {"checks-free", "liar(takes-double-free)", "buddy"},
    {"checks-free", "liar(takes-hole)", "bitmap"},
    {"checks-free", "liar(takes-below)", "slate"},
    {"split", "liar(split-forgets)", "buddy"},
    {"split", "liar(split-fails)", "liar"},
    {"runs", "liar(ignores-low)", "buddy"},
    {"runs", "liar(ignores-high)", "liar"},
    {"runs", "liar(ignores-alignment)", "linux"},
    {"runs", "liar(ignores-boundary)", "freebsd"},
    {"runs", "liar(never-wrongly)", "slate"},
    {"knows-zero", "liar(false-zero)", NULL},
    {"holes", "liar(fills-holes)", "buddy"},
    {"holes", "liar(one-range)", "jemalloc"},
    {"base", "liar(from-zero)", "buddy"},
    {"nodes", "liar(any-node)", "buddy"},
    {"nodes", "liar(stays-on-node)", "bitmap"},
    {"buddy", "liar(uncoalesced)", "buddy"},
    {"reservations", "reserve-liar(mixes)+freebsd", "freebsd"},
    {"zones", "zone-liar(hoards)+linux", "linux"},
};

/* Broken in plain use. */
static const struct {
    const char *claim;
    const char *broken;
} plains[] = {
    {"irq-safe", "irq-liar(twice)"},
    {"holes", "liar(outside)"},
    {"base", "liar(outside)"},
    {"nodes", "liar(twice-on-nodes)"},
};

static const struct claim *find(const char *name)
{
    for (unsigned i = 0; claim_at(i) != NULL; i++) {
        if (strcmp(claim_at(i)->name, name) == 0)
            return claim_at(i);
    }
    return NULL;
}

/* 0: as expected. */
static int expect(const struct claim *claim, const char *candidate, enum claim_state state)
{
    struct claim_verdict verdict;
    struct spec spec;
    struct spec_error error;
    uint64_t caps = 0;
    if (spec_parse(candidate, &spec, &error) != 0 || claim_capabilities(&spec, &caps, &error) != PL_OK) {
        fprintf(stderr, "%s: %s\n", candidate, error.text);
        return 1;
    }
    if ((caps & claim->cap) == 0) {
        fprintf(stderr, "%s does not claim %s\n", candidate, claim->name);
        return 1;
    }
    if (!claim_judge(claim, &spec, CONTRACT_DOC, NULL, &verdict))
        return 1;
    bool named = verdict.by[0] != '\0' && (state != CLAIM_REFUTED || verdict.words[0] != '\0');
    if (state == CLAIM_CLAIMED)
        named = verdict.by[0] == '\0' && verdict.words[0] != '\0';
    if (verdict.state == state && named && verdict.broken == (state == CLAIM_CLAIMED))
        return 0;
    fprintf(stderr, "%s on %s: expected %s, got %s by '%s': %s\n", claim->name, candidate,
            claim_state_name(state), claim_state_name(verdict.state), verdict.by, verdict.words);
    return 1;
}

static int test_claim(const char *name)
{
    const struct claim *claim = find(name);
    unsigned pairs_found = 0;
    int code = 0;
    if (claim == NULL) {
        fprintf(stderr, "'%s': no such capability\n", name);
        return 1;
    }
    for (size_t i = 0; i < PL_COUNT_OF(pairs); i++) {
        if (strcmp(pairs[i].claim, name) != 0)
            continue;
        pairs_found++;
        code |= expect(claim, pairs[i].liar, CLAIM_REFUTED);
        if (pairs[i].honest != NULL)
            code |= expect(claim, pairs[i].honest, CLAIM_TESTED);
    }
    for (size_t i = 0; i < PL_COUNT_OF(plains); i++) {
        if (strcmp(plains[i].claim, name) == 0)
            code |= expect(claim, plains[i].broken, CLAIM_CLAIMED);
    }
    return pairs_found == 0 ? 1 : code;
}

/* Every capability is listed once and by its name; every promise has a liar; a promise about a structure is
 * asked of the claim that needs it; and a named check needs the capability. */
static int test_list(void)
{
    uint64_t listed = 0;
    unsigned count = 0;
    for (; claim_at(count) != NULL; count++) {
        const struct claim *claim = claim_at(count);
        bool has_liar = false;
        for (size_t i = 0; i < PL_COUNT_OF(pairs); i++)
            has_liar |= strcmp(pairs[i].claim, claim->name) == 0;
        if (has_liar != claim_is_promise(claim)) {
            fprintf(stderr, "%s: a liar for each promise, and for no statement\n", claim->name);
            return 1;
        }
        listed |= claim->cap;
    }
#define KNOWN(bit, text)                                                                                     \
    if ((listed & PL_CAP_##bit) == 0 || find(text) == NULL || find(text)->cap != PL_CAP_##bit) {             \
        fprintf(stderr, "%s is not listed\n", text);                                                         \
        return 1;                                                                                            \
    }                                                                                                        \
    count--;
    PL_CAP_NAMES(KNOWN)
#undef KNOWN
    for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
        const struct promise *promise = check_promise(i);
        const struct claim *of = promise->structure == NULL ? NULL : find(promise->structure);
        if (promise->structure != NULL && (of == NULL || strcmp(of->promises, promise->id) != 0)) {
            fprintf(stderr, "%s is about a structure whose claim does not name it\n", promise->id);
            return 1;
        }
        for (unsigned c = 0; claim_at(c) != NULL; c++) {
            if (strcmp(claim_at(c)->promises, promise->id) == 0 && (promise->needs & claim_at(c)->cap) == 0) {
                fprintf(stderr, "%s does not need %s\n", promise->id, claim_at(c)->name);
                return 1;
            }
        }
    }
    return count == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: claims NAME|all\n");
        return 2;
    }
    return strcmp(argv[1], "all") == 0 ? test_list() : test_claim(argv[1]);
}
