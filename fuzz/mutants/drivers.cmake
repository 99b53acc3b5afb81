# The drivers with the mutants compiled in, for ./pagelab score: the sources of all others, once more with PL_MUTANTS.
set(switch_sources mutants/switch.c mutants/list.c)
set(counters -fsanitize-coverage=inline-8bit-counters,pc-table)

# fuzz_mutants(DRIVER...): these drivers' objects have the mutants.
function(fuzz_mutants)
    foreach(driver ${ARGN})
        target_compile_definitions(${driver}-seen PRIVATE PL_MUTANTS)
        target_compile_definitions(${driver}-plain PRIVATE PL_MUTANTS)
    endforeach()
endfunction()

fuzz_driver(mutants
    INSTRUMENT ${counters}
    LINK -fsanitize=fuzzer
    HOOKS ${mutator_sources} mutator_libfuzzer.c ${switch_sources})
fuzz_mutants(pagelab-fuzz-mutants)

# The plain target: the same objects of what is fuzzed, another target, no mutator.
fuzz_objects(pagelab-plain-mutants-own SOURCES ${plain_sources} plain_target.c family.c subject.c ${switch_sources}
    "${PROJECT_BINARY_DIR}/registry_test.c")
add_executable(pagelab-plain-mutants
    $<TARGET_OBJECTS:pagelab-fuzz-mutants-seen> $<TARGET_OBJECTS:pagelab-plain-mutants-own>)
target_compile_definitions(pagelab-plain-mutants-own PRIVATE PL_MUTANTS)
set_target_properties(pagelab-plain-mutants PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
target_link_libraries(pagelab-plain-mutants
    PRIVATE pagelab::flags -fsanitize=fuzzer ${backend_libraries} ${test_libraries} Threads::Threads)

# Every schedule, and real threads under ThreadSanitizer; neither has room for another sanitizer.
if(NOT PL_SANITIZE STREQUAL "")
    return()
endif()
fuzz_schedule_driver(mutants
    INSTRUMENT ${counters}
    LINK -fsanitize=fuzzer
    HOOKS ${mutator_sources} mutator_libfuzzer.c schedule_coverage_libfuzzer.c ${switch_sources})
fuzz_mutants(pagelab-schedule-mutants)

# Real threads: the candidates whose source is ours instrumented, everything else plain.
pagelab_write_registry("${PROJECT_BINARY_DIR}/registry_stress.c" ${own_names} mutex)
fuzz_objects(pagelab-stress-seen INSTRUMENT -fsanitize=thread SOURCES ${own_sources} mutants/mutex.c mutants/stress.c)
add_executable(pagelab-stress-mutants
    $<TARGET_OBJECTS:pagelab-stress-seen> ${switch_sources} "${PROJECT_BINARY_DIR}/registry_stress.c")
foreach(target pagelab-stress-seen pagelab-stress-mutants)
    target_compile_definitions(${target} PRIVATE PL_MUTANTS)
endforeach()
target_include_directories(pagelab-stress-mutants PRIVATE "${PROJECT_SOURCE_DIR}")
set_target_properties(pagelab-stress-mutants PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
target_link_libraries(pagelab-stress-mutants
    PRIVATE pagelab::engine pagelab::interface pagelab::flags -fsanitize=thread Threads::Threads)
