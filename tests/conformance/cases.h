/* The list of cases, read by main.c and by CMake, which registers each with each candidate. */
#ifndef CONFORMANCE_CASES_H
#define CONFORMANCE_CASES_H

#define CONFORMANCE_CASES(X)                                                                                 \
    X(abi_table_complete)                                                                                    \
    X(failed_alloc_changes_nothing)                                                                          \
    X(fill_to_exhaustion_grants_every_frame_once)                                                            \
    X(alloc_free_restores_counts)                                                                            \
    X(every_order_is_aligned)                                                                                \
    X(floors_exact_at_edge)                                                                                  \
    X(interrupt_takes_last_frame)                                                                            \
    X(class_monotone)                                                                                        \
    X(run_refused_below_floor)                                                                               \
    X(run_obeys_constraints)                                                                                 \
    X(run_never_when_impossible)                                                                             \
    X(split_parts_free_separately)                                                                           \
    X(split_keeps_alignment)                                                                                 \
    X(double_free_refused)                                                                                   \
    X(half_free_refused)                                                                                     \
    X(foreign_free_refused)                                                                                  \
    X(illegal_requests_refused)                                                                              \
    X(holes_and_base)                                                                                        \
    X(one_frame_machine)                                                                                     \
    X(two_nodes)                                                                                             \
    X(drain_returns_cached)                                                                                  \
    X(audit_agrees_with_shadow)                                                                              \
    X(reset_equals_fresh)                                                                                    \
    X(threads_linearizable_counter)                                                                          \
    X(threads_stress_then_conserved)                                                                         \
    X(threads_trade_runs)                                                                                    \
    X(interrupt_inside_masked_section)                                                                       \
    X(oom_at_every_nth_grant)

#endif
