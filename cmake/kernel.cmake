# For a kernel's own tree, which includes this file from a checkout of pagelab (examples/kernel-tree):
#
#   pagelab_add_backend(NAME SOURCES file... [LIBRARIES ...])
#
# in a folder's CMakeLists.txt that has nothing else. pagelab reads the same file when it builds the folder in. Targets:
#
#   pagelab-programs, pagelab-drivers         the command and its simulator; the fuzz drivers for libFuzzer and AFL++
#   NAME-check, NAME-replay, NAME-explore     promises by number; stored programs; every schedule of small programs
#   NAME-fuzz-page, -all, -schedule-page       a campaign each, of PAGELAB_SECONDS; NAME-fuzz: all three
#   NAME-count, NAME-gate                     instructions an operation; has that grown since PAGELAB_BASE?
#   NAME-bench                                against the rods
#   NAME-change                               what a change has to pass: all of these but the bench; the gate if there is
#                                             a PAGELAB_BASE
get_filename_component(PAGELAB_SOURCE "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(PAGELAB_SECONDS 60 CACHE STRING "How long a campaign of pagelab lasts")
set(PAGELAB_CLANG clang-19 CACHE STRING "The compiler of the fuzz drivers")
set(PAGELAB_BASE "" CACHE PATH "The kernel's tree before the change, which the gate counts, too")
set(PAGELAB_PERCENT 1 CACHE STRING "The growth of a count that the gate lets pass")
set(PAGELAB_OPTIONS "" CACHE STRING "More options for the builds of pagelab, as -DNAME=VALUE")
set_property(GLOBAL PROPERTY PAGELAB_FOLDERS "")
set_property(GLOBAL PROPERTY PAGELAB_BASE_FOLDERS "")
set(PAGELAB_BUILD "${CMAKE_BINARY_DIR}/pagelab")

function(pagelab_add_backend)
    cmake_parse_arguments(BACKEND "TEST_ONLY" "" "SOURCES;LIBRARIES" ${ARGN})
    if(NOT BACKEND_UNPARSED_ARGUMENTS OR NOT BACKEND_SOURCES)
        message(FATAL_ERROR "pagelab_add_backend: NAME SOURCES file... expected")
    endif()
    list(LENGTH BACKEND_UNPARSED_ARGUMENTS name_count)
    if(name_count GREATER 1) # as pagelab says it, before any target is made
        list(JOIN BACKEND_UNPARSED_ARGUMENTS " " words)
        message(FATAL_ERROR "${CMAKE_CURRENT_SOURCE_DIR}: pagelab_add_backend(${words} ...): one name expected, a folder a "
            "plug-in")
    endif()
    set_property(GLOBAL APPEND PROPERTY PAGELAB_FOLDERS "${CMAKE_CURRENT_SOURCE_DIR}")
    pagelab_backend_targets(${BACKEND_UNPARSED_ARGUMENTS})
endfunction()

# pagelab_run(TARGET NEEDS target COMMAND argument...): a target that runs something of pagelab's.
function(pagelab_run target)
    cmake_parse_arguments(RUN "" "" "NEEDS;COMMAND" ${ARGN})
    add_custom_target(${target}
        COMMAND ${CMAKE_COMMAND} -E env "PAGELAB_ROOT=${PAGELAB_SOURCE}" ${RUN_COMMAND}
        WORKING_DIRECTORY "${PAGELAB_BUILD}" USES_TERMINAL VERBATIM)
    if(RUN_NEEDS)
        add_dependencies(${target} ${RUN_NEEDS})
    endif()
endfunction()

function(pagelab_backend_targets name)
    set(pagelab "${PAGELAB_BUILD}/programs/bin/pagelab")
    file(GLOB programs "${PAGELAB_SOURCE}/corpora/explore/*.txt")
    pagelab_run(${name}-check NEEDS pagelab-programs COMMAND "${pagelab}" check ${name})
    pagelab_run(${name}-replay NEEDS pagelab-programs
        COMMAND sh "${PAGELAB_SOURCE}/cmake/replay_corpora.sh" "${pagelab}" ${name} "${PAGELAB_SOURCE}/corpora")
    pagelab_run(${name}-explore NEEDS pagelab-programs COMMAND "${pagelab}" explore ${programs} --backend ${name})
    pagelab_run(${name}-bench NEEDS pagelab-programs
        COMMAND "${pagelab}" bench --backend ${name} --workload repeat)
    pagelab_gate_targets(${name})
    add_custom_target(${name}-fuzz)
    foreach(target page all schedule-page)
        pagelab_run(${name}-fuzz-${target} NEEDS pagelab-programs pagelab-drivers
            COMMAND "${pagelab}" fuzz --backend ${name} --target ${target} --time ${PAGELAB_SECONDS}
                --bin "${PAGELAB_BUILD}/drivers/bin" --out "${PAGELAB_BUILD}/campaigns/${name}-${target}")
        add_dependencies(${name}-fuzz ${name}-fuzz-${target})
    endforeach()
    add_custom_target(${name}-change)
    add_dependencies(${name}-change ${name}-check ${name}-replay ${name}-explore ${name}-fuzz)
    if(PAGELAB_BASE)
        add_dependencies(${name}-change ${name}-gate)
    endif()
endfunction()

# pagelab_count(TARGET NAME PROGRAMS): what an operation costs in PROGRAMS' build, into TARGET.json.
function(pagelab_count target name programs)
    pagelab_run(${target} NEEDS pagelab-${programs}
        COMMAND "${PAGELAB_BUILD}/${programs}/bin/pagelab" cost --backend ${name} --workload repeat --no-lines
            --out "${PAGELAB_BUILD}/${target}.json")
endfunction()

# The folder of PAGELAB_BASE that is this one, in `result`; empty if it has none.
function(pagelab_base_folder folder result)
    file(RELATIVE_PATH inside "${CMAKE_SOURCE_DIR}" "${folder}")
    set(${result} "" PARENT_SCOPE)
    if(PAGELAB_BASE AND NOT IS_DIRECTORY "${PAGELAB_BASE}")
        message(FATAL_ERROR "PAGELAB_BASE '${PAGELAB_BASE}': the tree before the change expected")
    endif()
    if(PAGELAB_BASE AND NOT inside MATCHES "^\\.\\./" AND EXISTS "${PAGELAB_BASE}/${inside}/CMakeLists.txt")
        set(${result} "${PAGELAB_BASE}/${inside}" PARENT_SCOPE)
    endif()
endfunction()

function(pagelab_gate_targets name)
    pagelab_count(${name}-count ${name} programs)
    pagelab_base_folder("${CMAKE_CURRENT_SOURCE_DIR}" before)
    if(before)
        set_property(GLOBAL APPEND PROPERTY PAGELAB_BASE_FOLDERS "${before}")
        pagelab_count(${name}-count-base ${name} base)
        pagelab_run(${name}-gate NEEDS ${name}-count ${name}-count-base
            COMMAND "${PAGELAB_BUILD}/programs/bin/pagelab" gate --percent ${PAGELAB_PERCENT}
                "${PAGELAB_BUILD}/${name}-count-base.json" "${PAGELAB_BUILD}/${name}-count.json")
    elseif(PAGELAB_BASE)
        pagelab_run(${name}-gate
            COMMAND ${CMAKE_COMMAND} -E echo "${name}: nothing to hold it against: it is not in ${PAGELAB_BASE}")
    else()
        pagelab_run(${name}-gate COMMAND sh -c "echo 'PAGELAB_BASE: the tree before the change expected' >&2 && exit 2")
    endif()
endfunction()

# pagelab_build(FOLDER PROPERTY option...): configures pagelab in PAGELAB_BUILD/FOLDER, once and when the property's
# folders of backends change.
function(pagelab_build folder property)
    get_property(folders GLOBAL PROPERTY ${property})
    list(REMOVE_DUPLICATES folders)
    set(first "${PAGELAB_BUILD}/${folder}.cmake")
    # A file, not options: the list of folders has semicolons.
    file(CONFIGURE OUTPUT "${first}" CONTENT
"set(PAGELAB_EXTRA_BACKENDS \"${folders}\" CACHE STRING \"\" FORCE)
set(BUILD_TESTING OFF CACHE BOOL \"\" FORCE)
")
    add_custom_command(OUTPUT "${PAGELAB_BUILD}/${folder}/build.ninja"
        COMMAND ${CMAKE_COMMAND} -C "${first}" -S "${PAGELAB_SOURCE}" -B "${PAGELAB_BUILD}/${folder}" -G Ninja ${ARGN}
            ${PAGELAB_OPTIONS}
        DEPENDS "${first}" COMMENT "pagelab: configuring its ${folder}" VERBATIM)
    add_custom_target(pagelab-${folder}-configured DEPENDS "${PAGELAB_BUILD}/${folder}/build.ninja")
endfunction()

# pagelab_build_target(TARGET FOLDER target...): builds these targets of pagelab.
function(pagelab_build_target target folder)
    add_custom_target(${target}
        COMMAND ${CMAKE_COMMAND} --build "${PAGELAB_BUILD}/${folder}" --target ${ARGN} USES_TERMINAL VERBATIM)
    add_dependencies(${target} pagelab-${folder}-configured)
endfunction()

# When all folders are known.
function(pagelab_finish)
    pagelab_build(programs PAGELAB_FOLDERS -DPL_RELEASE=ON -DCMAKE_BUILD_TYPE=Release)
    pagelab_build_target(pagelab-programs programs pagelab pagelab-sim)
    pagelab_build_target(pagelab-simulator programs pagelab-sim)
    string(REPLACE "clang" "clang++" clangxx "${PAGELAB_CLANG}")
    pagelab_build(drivers PAGELAB_FOLDERS -DPL_FUZZ=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo
        "-DCMAKE_C_COMPILER=${PAGELAB_CLANG}" "-DCMAKE_CXX_COMPILER=${clangxx}")
    pagelab_build_target(pagelab-drivers drivers pagelab-drivers)
    get_property(base_folders GLOBAL PROPERTY PAGELAB_BASE_FOLDERS)
    if(base_folders)
        pagelab_build(base PAGELAB_BASE_FOLDERS -DPL_RELEASE=ON -DCMAKE_BUILD_TYPE=Release)
        pagelab_build_target(pagelab-base base pagelab)
    endif()
endfunction()
cmake_language(DEFER DIRECTORY "${CMAKE_SOURCE_DIR}" CALL pagelab_finish)
