# The programs for engines of others (OSS-Fuzz, ClusterFuzzLite: .clusterfuzzlite/build.sh): bin/TARGET_CANDIDATE for
# each pair. The environment's CC and CFLAGS bring sanitizers and instrumentation, PL_FUZZ_LINK brings the engine.
set(PL_FUZZ_LINK "" CACHE STRING "What links the engine: LIB_FUZZING_ENGINE of OSS-Fuzz")
set(PL_FUZZ_PAIRS "" CACHE STRING "TARGET:CANDIDATE;...; empty: page and all on each of ours, the systems on one, and schedules")
option(PL_FUZZ_SCHEDULES "The schedule targets, too: not beside address or coverage" ON)

# Those that are candidates, not wrappers, rods or wrong on purpose.
set(candidates ${own_names})
list(REMOVE_ITEM candidates percpu fault sleepy slower null magazine)
list(APPEND candidates percpu+buddy)
set(pairs ${PL_FUZZ_PAIRS})
if(NOT pairs)
    foreach(candidate ${candidates})
        list(APPEND pairs page:${candidate} all:${candidate} schedule-page:${candidate})
    endforeach()
    list(APPEND pairs vm:buddy area:buddy orb:buddy buffer:buddy schedule-all:buddy)
endif()
# Some clangs (16 for libFuzzer, 14 for AFL++ 4.04c) take the counters of coverage for accesses of the candidate: every two
# CPUs would race. A function that touches no memory shows it.
if(PL_FUZZ_SCHEDULES AND pairs MATCHES "(^|;)schedule-")
    set(probe "${CMAKE_CURRENT_BINARY_DIR}/probe.c")
    file(WRITE "${probe}" "int pl_probe(int a);\nint pl_probe(int a) { return a > 3 ? 1 : 2; }\n")
    separate_arguments(environment_flags UNIX_COMMAND "${CMAKE_C_FLAGS}")
    execute_process(COMMAND "${CMAKE_C_COMPILER}" ${environment_flags} -O1 -fsanitize=thread -S -o - "${probe}"
        OUTPUT_VARIABLE assembly RESULT_VARIABLE failed ERROR_QUIET)
    if(NOT failed EQUAL 0)
        message(WARNING "no schedule targets: ${CMAKE_C_COMPILER} ${CMAKE_C_COMPILER_VERSION} with the environment's flags and "
            "-fsanitize=thread compiles nothing")
        set(PL_FUZZ_SCHEDULES OFF)
    elseif(assembly MATCHES "__tsan_(read|write)")
        message(WARNING "no schedule targets: ${CMAKE_C_COMPILER} ${CMAKE_C_COMPILER_VERSION} takes its own counters of "
            "coverage for accesses, which would race; clang 19 or later expected")
        set(PL_FUZZ_SCHEDULES OFF)
    endif()
endif()
if(NOT PL_FUZZ_SCHEDULES)
    list(FILTER pairs EXCLUDE REGEX "^schedule-")
    if(NOT pairs)
        message(FATAL_ERROR "PL_FUZZ_PAIRS '${PL_FUZZ_PAIRS}': schedule targets only, and none can be built")
    endif()
endif()

# Our own mutator where the engine asks for one; what walks or translates is not instrumented (drivers.cmake).
if(PL_FUZZ_ENGINE STREQUAL "libfuzzer")
    set(hooks ${mutator_sources} mutator_libfuzzer.c)
    set(schedule_hooks ${hooks} schedule_coverage_libfuzzer.c)
    set(uninstrumented -fno-sanitize=fuzzer-no-link)
elseif(PL_FUZZ_ENGINE STREQUAL "afl")
    set(schedule_hooks schedule_coverage_afl.c)
else()
    message(FATAL_ERROR "PL_FUZZ_ENGINE '${PL_FUZZ_ENGINE}': libfuzzer or afl expected")
endif()
fuzz_driver_objects(pairs PLAIN ${uninstrumented} HOOKS ${hooks})
set(scheduled ${pairs})
list(FILTER scheduled INCLUDE REGEX "^schedule-")
if(scheduled)
    fuzz_schedule_objects(pairs-schedule PLAIN ${uninstrumented} HOOKS ${schedule_hooks})
endif()

foreach(pair ${pairs})
    string(REGEX MATCH "^([a-z-]+):(.+)$" whole "${pair}")
    set(target ${CMAKE_MATCH_1})
    set(candidate ${CMAKE_MATCH_2})
    if(NOT target)
        message(FATAL_ERROR "PL_FUZZ_PAIRS '${pair}': TARGET:CANDIDATE expected")
    endif()
    string(REGEX REPLACE "[^a-zA-Z0-9_-]+" "_" name "${target}_${candidate}")
    set(objects pairs)
    if(target MATCHES "^schedule-")
        set(objects pairs-schedule)
    endif()
    # Nothing from outside but the C library.
    fuzz_program(${name} OBJECTS ${objects} LINK -static-libstdc++ -static-libgcc ${PL_FUZZ_LINK} ${CMAKE_DL_LIBS} m)
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
    target_compile_definitions(${name}
        PRIVATE "PL_SUBJECT_TARGET=\"${target}\"" "PL_SUBJECT_BACKEND=\"${candidate}\"")
endforeach()

# What lies beside them: seeds, dictionaries, options.
set(kit_sources engine/program_binary.c engine/program_tables.c systems/freebsd/reserve.c)
list(TRANSFORM kit_sources PREPEND "${PROJECT_SOURCE_DIR}/")
add_executable(pagelab-fuzz-kit
    kit.c boundary.c campaign_files.c family.c life.c seeds.c subject.c ${table_sources} ${kit_sources})
set_target_properties(pagelab-fuzz-kit PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/kit")
target_include_directories(pagelab-fuzz-kit PRIVATE "${PROJECT_SOURCE_DIR}")
target_link_libraries(pagelab-fuzz-kit PRIVATE pagelab::interface pagelab::flags)
