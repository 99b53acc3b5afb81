/* A plug-in that cannot be used: -DWRONG_ABI, _SYMBOL, _HOOK, _CRASH, _NAME, _INIT, _FINI, _BYTES, _CLAIM; or
 * that can be opened: _GRANT hands out the same frame for ever, _INIT_STATUS, _ALLOC_STATUS and _FREE_STATUS
 * return what is no status, _FAULT dies in alloc, _LEAK takes memory in alloc for ever, _NOISE prints
 * whenever it is called. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagelab/candidate.h>

static size_t meta_bytes(const struct pl_page_config *config)
{
    (void)config;
#if defined(WRONG_BYTES)
    return SIZE_MAX;
#else
    return 1;
#endif
}

static enum pl_status init(void *self, const struct pl_page_config *config)
{
    (void)self;
    (void)config;
#if defined(WRONG_INIT)
    exit(0);
#endif
#if defined(WRONG_INIT_STATUS)
    return (enum pl_status)99;
#endif
    return PL_OK;
}

static void fini(void *self)
{
    (void)self;
#if defined(WRONG_FINI)
    abort();
#endif
}

static enum pl_status take(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                           struct pl_run *run)
{
    (void)self;
    (void)cpu;
#if defined(WRONG_ALLOC_STATUS)
    return (enum pl_status)99;
#elif defined(WRONG_FAULT)
    abort();
#elif defined(WRONG_LEAK)
    static char *volatile leak;
    leak = malloc((size_t)64 << 20);
    if (leak != NULL)
        memset(leak, 1, (size_t)64 << 20);
#elif defined(WRONG_NOISE)
    puts("noise from alloc");
#endif
    *run = (struct pl_run){.frame_count = UINT64_C(1) << request->order, .order = request->order};
    return PL_OK;
}

#if !defined(WRONG_HOOK)
static enum pl_status give(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    (void)self;
    (void)cpu;
    (void)run;
#if defined(WRONG_FREE_STATUS)
    return (enum pl_status) - 1;
#endif
    return PL_OK;
}
#endif

#if defined(WRONG_NOISE)
__attribute__((constructor)) static void hello(void)
{
    puts("noise from a constructor");
}

__attribute__((destructor)) static void bye(void)
{
    puts("noise from a destructor");
}
#endif

#if defined(WRONG_CRASH)
__attribute__((constructor)) static void crash(void)
{
    abort();
}
#endif

static const struct pl_page_ops ops = {
    .bytes = sizeof(ops),
    .abi = PL_ABI,
    .max_order = 10,
#if defined(WRONG_CLAIM)
    .caps = PL_CAP_RUNS,
#endif
    .meta_bytes = meta_bytes,
    .init = init,
    .fini = fini,
    .alloc = take,
#if !defined(WRONG_HOOK)
    .free = give,
#endif
};

#if defined(WRONG_SYMBOL)
#define pl_candidate_export pl_candidate_exported
#endif
extern const struct pl_candidate pl_candidate_export;
const struct pl_candidate pl_candidate_export = {
    .bytes = sizeof(pl_candidate_export),
#if defined(WRONG_ABI)
    .abi = PL_ABI + 1,
#else
    .abi = PL_ABI,
#endif
#if defined(WRONG_NAME)
    .name = "<b>wrong</b>",
#else
    .name = "wrong",
#endif
    .summary = "cannot be used",
    .page = &ops,
};
