# One driver an engine, each with every source compiled once more with that engine's instrumentation. What walks or
# translates is left uninstrumented: decoder, shadow model, audits, platform, target and mutator. Against everything
# instrumented that is 1.5 to 2 times the executions, for the same edges of the candidates; the runner and what it
# expects stay in, for their branches lead to programs that a candidate's own would not. The systems' oracles are left
# out, too: a fifth more executions of vm and area, and in equal time as many regions of systems/ or some more.
if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "PL_FUZZ needs clang, as the preset fuzz has it; this is ${CMAKE_C_COMPILER_ID}")
endif()

# What is compiled as for the product is no part of this build.
get_property(plain_objects GLOBAL PROPERTY PAGELAB_PRODUCT_OBJECTS)
get_property(plain_test_objects GLOBAL PROPERTY PAGELAB_TEST_OBJECTS)
foreach(plain pagelab_platform pagelab_systems pagelab_engine pagelab_candidates
              ${plain_objects} ${plain_test_objects})
    set_target_properties(${plain} PROPERTIES EXCLUDE_FROM_ALL ON)
endforeach()

get_property(room_sources GLOBAL PROPERTY PAGELAB_ROOM_SOURCES)
# Recorded traces and checks, which fork, are not fuzzed here.
list(FILTER room_sources EXCLUDE REGEX "/engine/(trace/|checks/|replay\\.c)")
get_property(backend_sources GLOBAL PROPERTY PAGELAB_PRODUCT_SOURCES)
get_property(test_sources GLOBAL PROPERTY PAGELAB_TEST_SOURCES)
get_property(backend_libraries GLOBAL PROPERTY PAGELAB_PRODUCT_LIBRARIES)
get_property(test_libraries GLOBAL PROPERTY PAGELAB_TEST_LIBRARIES)
set(seen_sources ${backend_sources} ${test_sources} ${room_sources})
set(plain_sources ${seen_sources})
set(unseen "_audit\\.c|/platform/|/engine/oracle/|/engine/(shadow|finding|program_[a-z]*|registry|spec|plugin|isolate|instance|op[_a-z]*)\\.c")
list(FILTER plain_sources INCLUDE REGEX "${unseen}")
list(FILTER seen_sources EXCLUDE REGEX "${unseen}")

# The tables of operations, of which the mutator must know how records look; no code of the candidates or systems.
set(mutator_sources mutator.c mutator_page.c mutator_schedule.c mutator_system.c boundary.c life.c)
set(table_sources op.c op_vm.c op_area.c op_zone.c op_orb.c op_buffer.c op_operand.c program_operands.c)
list(TRANSFORM table_sources PREPEND "${PROJECT_SOURCE_DIR}/engine/")

# fuzz_objects(NAME INSTRUMENT option... SOURCES ...)
function(fuzz_objects name)
    cmake_parse_arguments(FUZZ "" "" "INSTRUMENT;SOURCES" ${ARGN})
    add_library(${name} OBJECT ${FUZZ_SOURCES})
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
    target_compile_options(${name} PRIVATE ${FUZZ_INSTRUMENT})
    target_link_libraries(${name}
        PRIVATE pagelab::interface pagelab::flags ${backend_libraries} ${test_libraries} Threads::Threads)
endfunction()

# fuzz_program(NAME OBJECTS prefix LINK option...): bin/NAME of the objects prefix-seen and prefix-plain.
function(fuzz_program name)
    cmake_parse_arguments(FUZZ "" "OBJECTS" "LINK" ${ARGN})
    add_executable(${name}
        subject.c $<TARGET_OBJECTS:${FUZZ_OBJECTS}-seen> $<TARGET_OBJECTS:${FUZZ_OBJECTS}-plain>)
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
    target_link_libraries(${name} PRIVATE pagelab::flags ${FUZZ_LINK} Threads::Threads ${PL_TIMER_LIBRARY})
endfunction()

# fuzz_driver_objects(NAME INSTRUMENT option... PLAIN option... [HOOKS source...]): NAME-seen and NAME-plain.
function(fuzz_driver_objects name)
    cmake_parse_arguments(FUZZ "" "" "INSTRUMENT;PLAIN;HOOKS" ${ARGN})
    fuzz_objects(${name}-seen INSTRUMENT ${FUZZ_INSTRUMENT} SOURCES ${seen_sources})
    fuzz_objects(${name}-plain INSTRUMENT ${FUZZ_PLAIN}
        SOURCES ${plain_sources} target.c family.c "${PROJECT_BINARY_DIR}/registry_test.c" ${FUZZ_HOOKS})
endfunction()

# fuzz_driver(ENGINE INSTRUMENT option... LINK option... [HOOKS source...]): bin/pagelab-fuzz-ENGINE.
function(fuzz_driver engine)
    cmake_parse_arguments(FUZZ "" "" "INSTRUMENT;LINK;HOOKS" ${ARGN})
    set(name pagelab-fuzz-${engine})
    fuzz_driver_objects(${name} INSTRUMENT ${FUZZ_INSTRUMENT} HOOKS ${FUZZ_HOOKS})
    fuzz_program(${name} OBJECTS ${name} LINK ${FUZZ_LINK} ${backend_libraries} ${test_libraries})
endfunction()

# fuzz_schedule_objects and fuzz_schedule_driver, of the same arguments: bin/pagelab-schedule-ENGINE, with the candidates
# whose sources are ours compiled for the simulated platform, so that each access may be followed by another
# CPU's. It needs the place of the thread sanitizer, so it has no other sanitizer beside it.
get_property(own_names GLOBAL PROPERTY PAGELAB_OWN_NAMES)
get_property(own_sources GLOBAL PROPERTY PAGELAB_OWN_SOURCES)
get_property(test_names GLOBAL PROPERTY PAGELAB_TEST_NAMES)
pagelab_write_registry("${PROJECT_BINARY_DIR}/registry_schedule.c" ${own_names} ${test_names})
set(service_sources ${backend_sources})
list(FILTER service_sources INCLUDE REGEX "/allocators/services/|/registry_services\\.c$")
set(schedule_sources admitted.c cost.c listed.c listing.c listing_columns.c observers.c operations.c schedule.c shrink.c symbol.c)
list(TRANSFORM schedule_sources PREPEND "${PROJECT_SOURCE_DIR}/engine/schedule/")
set(sim_sources accesses.c fibers.c locks.c own.c platform.c race.c race_table.c random.c run.c store_buffer.c)
list(TRANSFORM sim_sources PREPEND "${PROJECT_SOURCE_DIR}/platform/sim/")
set(admission "${PROJECT_SOURCE_DIR}/systems/admission/admission.c")
set(others ${room_sources})
list(REMOVE_ITEM others "${admission}")
function(fuzz_schedule_objects name)
    cmake_parse_arguments(FUZZ "" "" "INSTRUMENT;PLAIN;HOOKS" ${ARGN})
    pagelab_sim_objects(${name}-seen SOURCES ${own_sources} ${service_sources} ${test_sources} ${admission})
    target_compile_options(${name}-seen PRIVATE ${FUZZ_INSTRUMENT})
    fuzz_objects(${name}-plain INSTRUMENT ${FUZZ_PLAIN}
        SOURCES ${others} ${sim_sources} ${schedule_sources} schedule_target.c family.c ${FUZZ_HOOKS}
            "${PROJECT_BINARY_DIR}/registry_schedule.c")
endfunction()

function(fuzz_schedule_driver engine)
    cmake_parse_arguments(FUZZ "" "" "INSTRUMENT;LINK;HOOKS" ${ARGN})
    set(name pagelab-schedule-${engine})
    fuzz_schedule_objects(${name} INSTRUMENT ${FUZZ_INSTRUMENT} HOOKS ${FUZZ_HOOKS})
    fuzz_program(${name} OBJECTS ${name} LINK ${FUZZ_LINK} ${test_libraries} ${CMAKE_DL_LIBS})
endfunction()

if(PL_FUZZ_ENGINE)
    include(pairs.cmake)
    return()
endif()

# Counters and their addresses only: tracing comparisons as -fsanitize=fuzzer-no-link does costs three quarters of the
# executions, and a program's bytes reach no comparison unchanged.
fuzz_driver(libfuzzer
    INSTRUMENT -fsanitize-coverage=inline-8bit-counters,pc-table
    LINK -fsanitize=fuzzer
    HOOKS ${mutator_sources} mutator_libfuzzer.c)
if(PL_SANITIZE STREQUAL "")
    fuzz_schedule_driver(libfuzzer
        INSTRUMENT -fsanitize-coverage=inline-8bit-counters,pc-table
        LINK -fsanitize=fuzzer
        HOOKS ${mutator_sources} mutator_libfuzzer.c schedule_coverage_libfuzzer.c)
endif()

find_file(PAGELAB_AFL_DRIVER libAFLDriver.a PATHS /usr/lib/afl /usr/local/lib/afl)
find_file(PAGELAB_AFL_RUNTIME afl-compiler-rt.o PATHS /usr/lib/afl /usr/local/lib/afl)
if(PAGELAB_AFL_DRIVER AND PAGELAB_AFL_RUNTIME)
    fuzz_driver(afl
        INSTRUMENT -fsanitize-coverage=trace-pc-guard
        LINK "${PAGELAB_AFL_DRIVER}" "${PAGELAB_AFL_RUNTIME}")

    if(PL_SANITIZE STREQUAL "")
        fuzz_schedule_driver(afl
            INSTRUMENT -fsanitize-coverage=trace-pc-guard
            LINK "${PAGELAB_AFL_DRIVER}" "${PAGELAB_AFL_RUNTIME}"
            HOOKS schedule_coverage_afl.c)
    endif()

    # Loaded into afl-fuzz, so without the sanitizers of what is fuzzed.
    add_library(pagelab-mutator-afl MODULE ${mutator_sources} family.c subject.c mutator_afl.c ${table_sources})
    set_target_properties(pagelab-mutator-afl PROPERTIES
        PREFIX "" LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
    target_include_directories(pagelab-mutator-afl PRIVATE "${PROJECT_SOURCE_DIR}")
    target_compile_options(pagelab-mutator-afl PRIVATE ${warnings_both} ${warnings_c} -fvisibility=hidden
        $<$<BOOL:${PL_WERROR}>:-Werror>)
    target_link_libraries(pagelab-mutator-afl PRIVATE pagelab::interface)
else()
    message(WARNING "libAFLDriver.a not found: no driver for AFL++ (apt-get install afl++)")
endif()

# All that a campaign starts: what a kernel's own tree builds (cmake/kernel.cmake).
add_custom_target(pagelab-drivers)
foreach(driver pagelab-fuzz-libfuzzer pagelab-schedule-libfuzzer pagelab-fuzz-afl pagelab-schedule-afl pagelab-mutator-afl)
    if(TARGET ${driver})
        add_dependencies(pagelab-drivers ${driver})
    endif()
endforeach()

include(mutants/drivers.cmake)
