/* Is each check able to see? Tells the one lie that breaks a promise, runs the promise's check on a candidate
 * that is otherwise honest, and expects the verdict "broken" with that id named. Without the lie the same
 * check must hold. Usage: lies ID|every [CANDIDATE]. Exit 0, 1, or 77: no lie can reach this promise yet, or
 * the promise is n/a on the candidate, with the reason. `every` tells each lie of the systems on CANDIDATE. A
 * promise that no system can break is broken by the liar that its list names, or by the one given as
 * CANDIDATE; the truth is then that liar without its lie. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/checks/check.h"
#include "engine/isolate.h"
#include "systems/lie.h"

#define HONEST      "buddy"
#define CHECK_LIMIT 60u
#define LIES_LEAST  80u /* told on any candidate; fewer, and the rest went unnoticed as n/a */

extern const char *lie_told; /* of the lying systems */

struct telling {
    const struct promise *promise;
    struct spec spec;
    const char *lie; /* NULL: the truth */
    enum contract contract;
};

struct verdict {
    enum check_verdict verdict;
    char words[400];
    char ids[64];
};

static void tell(void *argument, void *result)
{
    const struct telling *telling = argument;
    struct verdict *verdict = result;
    struct check check;
    lie_told = telling->lie;
    check_run(telling->promise, &telling->spec, telling->contract, &check);
    memset(verdict, 0, sizeof(*verdict));
    verdict->verdict = check.verdict;
    memcpy(verdict->words, check.words, sizeof(verdict->words));
    memcpy(verdict->ids, check.ids, sizeof(verdict->ids));
}

/* Is `id` one of the words of `ids`? */
static bool names(const char *ids, const char *id)
{
    size_t bytes = strlen(id);
    for (const char *at = ids; (at = strstr(at, id)) != NULL; at++) {
        if ((at == ids || at[-1] == ' ') && (at[bytes] == ' ' || at[bytes] == '\0'))
            return true;
    }
    return false;
}

static int run(const struct promise *promise, enum contract contract, const char *candidate, const char *lie,
               struct verdict *verdict)
{
    struct telling telling = {.promise = promise, .lie = lie, .contract = contract};
    struct spec_error error;
    char how[100] = "";
    if (spec_parse(candidate, &telling.spec, &error) != 0) {
        fprintf(stderr, "%s: %s\n", promise->id, error.text);
        return -1;
    }
    if (isolate_run(tell, &telling, verdict, sizeof(*verdict), CHECK_LIMIT, NULL, how, sizeof(how)) !=
        ISOLATE_DONE) {
        fprintf(stderr, "%s on %s, lie %s: the check died: %s\n", promise->id, candidate,
                lie == NULL ? "none" : lie, how);
        return -1;
    }
    return 0;
}

static const struct promise *find(const char *id)
{
    for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
        const struct promise *promise = check_promise(i);
        if (promise != NULL && strcmp(promise->id, id) == 0)
            return promise;
    }
    return NULL;
}

/* The name of a liar without what it lies about: "liar(x)+y" is "liar+y". */
static void honest_liar(const char *liar, char *name, size_t bytes)
{
    size_t before = strcspn(liar, "(");
    const char *behind = liar + before + strcspn(liar + before, ")");
    snprintf(name, bytes, "%.*s%s", (int)before, liar, *behind == ')' ? behind + 1 : behind);
}

static int is_seen(const struct promise *promise, const char *candidate, const struct verdict *verdict)
{
    if (verdict->verdict != CHECK_BROKEN) {
        fprintf(stderr, "%s: a lie goes unseen on %s: verdict %s %s\n", promise->id, candidate,
                verdict->verdict == CHECK_NA ? "n/a" : "holds", verdict->words);
        return 1;
    }
    if (!names(verdict->ids, promise->id)) {
        fprintf(stderr, "%s: the lie is seen, but as %s: %s\n", promise->id, verdict->ids, verdict->words);
        return 1;
    }
    return 0;
}

static bool lies_by_system(const struct promise *promise)
{
    return promise->lie != NULL && strcmp(promise->lie, "system") == 0;
}

/* One promise under one contract on an honest candidate: 0, 1 or 77. */
static int test_contract(const struct promise *promise, enum contract contract, const char *honest)
{
    struct verdict verdict;
    if (promise->lie == NULL) {
        printf("%s: no lie reaches it: %s\n", promise->id,
               promise->structure != NULL ? "no candidate has the structure" : "see docs/invariants.md");
        return 77;
    }
    bool by_system = lies_by_system(promise) && strstr(honest, "liar") == NULL;
    const char *liar = strstr(honest, "liar") != NULL ? honest : promise->lie;
    const char *candidate = by_system ? honest : liar;
    char truth[SPEC_NAME_BYTES];
    honest_liar(candidate, truth, sizeof(truth));
    if (run(promise, contract, truth, NULL, &verdict) != 0)
        return 1;
    if (verdict.verdict == CHECK_BROKEN) {
        fprintf(stderr, "%s: broken although nobody lies: %s\n", promise->id, verdict.words);
        return 1;
    }
    if (verdict.verdict == CHECK_NA && by_system) {
        printf("%s: n/a on %s: %s\n", promise->id, truth, verdict.words);
        return 77;
    }
    if (run(promise, contract, candidate, by_system ? promise->id : NULL, &verdict) != 0)
        return 1;
    return is_seen(promise, candidate, &verdict);
}

/* The same on one of many candidates, for which check.CONTRACT.CANDIDATE asserts the truth, and lies.ID the
 * liars: here only what lies about it does to the check. */
static int test_lie(const struct promise *promise, enum contract contract, const char *candidate)
{
    struct verdict told;
    struct verdict verdict;
    if (!lies_by_system(promise))
        return 77;
    if (run(promise, contract, candidate, promise->id, &told) != 0)
        return 1;
    if (told.verdict != CHECK_NA)
        return is_seen(promise, candidate, &told);
    if (run(promise, contract, candidate, NULL, &verdict) != 0)
        return 1;
    return verdict.verdict == CHECK_NA ? 77 : is_seen(promise, candidate, &told);
}

typedef int contract_test(const struct promise *promise, enum contract contract, const char *candidate);

/* Under the contracts that it holds for: 1 if one is wrong, else 77 if one was not told, else 0. */
static int test_promise(const struct promise *promise, const char *honest, contract_test *test)
{
    int doc = 0;
    int real = 0;
    if (promise->contract != CHECK_REAL_ONLY)
        doc = test(promise, CONTRACT_DOC, honest);
    if (promise->contract != CHECK_DOC_ONLY && (promise->lie != NULL || doc == 0))
        real = test(promise, CONTRACT_REAL, honest);
    if (doc == 1 || real == 1) {
        fprintf(stderr, "%s: under the contract %s\n", promise->id, doc == 1 ? "doc" : "real");
        return 1;
    }
    return doc != 0 ? doc : real;
}

int main(int argc, char **argv)
{
    const char *honest = argc == 3 ? argv[2] : HONEST;
    int code = 0;
    if (argc == 3 && strcmp(argv[1], "every") == 0) {
        unsigned seen = 0;
        for (unsigned i = 0; check_promise(i) != NULL; i++) {
            int told = test_promise(check_promise(i), honest, test_lie);
            code |= told == 1;
            seen += told == 0;
        }
        printf("%u lies seen on %s\n", seen, honest);
        return seen < LIES_LEAST ? 1 : code;
    }
    const struct promise *promise = argc == 2 || argc == 3 ? find(argv[1]) : NULL;
    if (promise == NULL) {
        fprintf(stderr, "usage: lies ID|every [CANDIDATE]\n");
        return 2;
    }
    return test_promise(promise, honest, test_contract);
}
