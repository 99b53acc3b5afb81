/* Allocators that lie: each breaks one promise of the contract, so that a check that does not notice is seen
 * to be blind. They are one backend; the lie is its parameter: "liar(grants-twice)". */
#ifndef LIARS_LIAR_H
#define LIARS_LIAR_H

/* X(NAME, "text"). NONE is honest: what it is accused of is a false alarm. */
#define LIES(X)                                                                                              \
    X(NONE, "none")                                                                                          \
    X(GRANTS_TWICE, "grants-twice")                                                                          \
    X(MISALIGNED, "misaligned")                                                                              \
    X(OUTSIDE, "outside")                                                                                    \
    X(WRONG_COUNT, "wrong-count")                                                                            \
    X(FORGETS_FRAME, "forgets-frame")                                                                        \
    X(COUNT_DRIFTS, "count-drifts")                                                                          \
    X(COUNTS_CACHED, "counts-cached")                                                                        \
    X(LEAKS_ON_FAILURE, "leaks-on-failure")                                                                  \
    X(LOSES_ON_FAILURE, "loses-on-failure")                                                                  \
    X(TAKES_DOUBLE_FREE, "takes-double-free")                                                                \
    X(REFUSES_FREE, "refuses-free")                                                                          \
    X(IGNORES_LOW, "ignores-low")                                                                            \
    X(IGNORES_HIGH, "ignores-high")                                                                          \
    X(IGNORES_ALIGNMENT, "ignores-alignment")                                                                \
    X(IGNORES_BOUNDARY, "ignores-boundary")                                                                  \
    X(TAKES_ILLEGAL_RUN, "takes-illegal-run")                                                                \
    X(NEVER_WRONGLY, "never-wrongly")                                                                        \
    X(HOLDS_LOCK, "holds-lock")                                                                              \
    X(KEEPS_MASKED, "keeps-masked")                                                                          \
    X(SLEEPS, "sleeps")                                                                                      \
    X(HIDES_FEW, "hides-few")                                                                                \
    X(HIDES_LAST, "hides-last")                                                                              \
    X(HIDES_BLOCKS, "hides-blocks")                                                                          \
    X(WIDENS, "widens")                                                                                      \
    X(ODD_STATUS, "odd-status")                                                                              \
    X(SPLIT_FAILS, "split-fails")                                                                            \
    X(SPLIT_FORGETS, "split-forgets")                                                                        \
    X(AUDIT_BROKEN, "audit-broken")                                                                          \
    X(AUDIT_TWICE, "audit-twice")                                                                            \
    X(AUDIT_GRANTED, "audit-granted")                                                                        \
    X(AUDIT_OUTSIDE, "audit-outside")                                                                        \
    X(AUDIT_NODE, "audit-node")                                                                              \
    X(WRITES, "writes")                                                                                      \
    X(FALSE_ZERO, "false-zero")                                                                              \
    X(UNCOALESCED, "uncoalesced")                                                                            \
    X(UNLOCKED, "unlocked")                                                                                  \
    X(UNMASKED, "unmasked")                                                                                  \
    X(MASKED, "masked")                                                                                      \
    X(BOASTS_EXACT, "boasts-exact")                                                                          \
    X(FILLS_HOLES, "fills-holes")                                                                            \
    X(ONE_RANGE, "one-range")                                                                                \
    X(FROM_ZERO, "from-zero")                                                                                \
    X(ANY_NODE, "any-node")                                                                                  \
    X(STAYS_ON_NODE, "stays-on-node")                                                                        \
    X(TAKES_HOLE, "takes-hole")                                                                              \
    X(TAKES_BELOW, "takes-below")                                                                            \
    X(TWICE_ON_NODES, "twice-on-nodes")

enum lie {
#define LIE_ENUM(name, text) LIE_##name,
    LIES(LIE_ENUM)
#undef LIE_ENUM
        LIE_COUNT
};

#define LIAR_MAX_ORDER 3u

#endif
