# Rooms and backends as targets. Sources are remembered, so that a fuzz driver can compile them once more with its
# own instrumentation.

# pagelab_room(NAME SOURCES ... [LINKS ...]): the static library pagelab_NAME, alias pagelab::NAME.
function(pagelab_room name)
    cmake_parse_arguments(ROOM "" "" "SOURCES;LINKS" ${ARGN})
    list(TRANSFORM ROOM_SOURCES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
    add_library(pagelab_${name} STATIC ${ROOM_SOURCES})
    add_library(pagelab::${name} ALIAS pagelab_${name})
    target_include_directories(pagelab_${name} PUBLIC "${PROJECT_SOURCE_DIR}")
    target_link_libraries(pagelab_${name} PUBLIC pagelab::interface ${ROOM_LINKS} PRIVATE pagelab::flags)
    set_property(GLOBAL APPEND PROPERTY PAGELAB_ROOM_SOURCES ${ROOM_SOURCES})
endfunction()

# pagelab_add_backend(NAME... SOURCES ... [LIBRARIES ...] [TEST_ONLY]): one folder, one or more candidates. Each NAME
# has a `const struct pl_candidate pl_candidate_NAME` (dashes become underscores) in the sources. A TEST_ONLY one is
# in no product list. The sources of a plug-in, in a folder of PAGELAB_EXTRA_BACKENDS, have pl_candidate_export instead.
function(pagelab_add_backend)
    cmake_parse_arguments(BACKEND "TEST_ONLY" "" "SOURCES;LIBRARIES" ${ARGN})
    set(names ${BACKEND_UNPARSED_ARGUMENTS})
    list(GET names 0 first)
    list(TRANSFORM BACKEND_SOURCES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
    if(PAGELAB_EXTRA)
        list(LENGTH names name_count)
        if(name_count GREATER 1) # there is one pl_candidate_export, so one name to give it
            list(JOIN names " " words)
            message(FATAL_ERROR "PAGELAB_EXTRA_BACKENDS: ${CMAKE_CURRENT_SOURCE_DIR}: pagelab_add_backend(${words} ...): "
                "one name expected, a folder a plug-in")
        endif()
        pagelab_rename_export(${first} BACKEND_SOURCES)
    endif()
    add_library(pl_backend_${first} OBJECT ${BACKEND_SOURCES})
    target_link_libraries(pl_backend_${first} PRIVATE pagelab::interface pagelab::flags)
    if(BACKEND_TEST_ONLY)
        set(list TEST)
    else()
        set(list PRODUCT)
    endif()
    set_property(GLOBAL APPEND PROPERTY PAGELAB_${list}_NAMES ${names})
    foreach(name ${names})
        set_property(GLOBAL PROPERTY PAGELAB_FOLDER_${name} "${CMAKE_CURRENT_SOURCE_DIR}")
    endforeach()
    set_property(GLOBAL APPEND PROPERTY PAGELAB_${list}_OBJECTS pl_backend_${first})
    set_property(GLOBAL APPEND PROPERTY PAGELAB_${list}_SOURCES ${BACKEND_SOURCES})
    set_property(GLOBAL APPEND PROPERTY PAGELAB_${list}_LIBRARIES ${BACKEND_LIBRARIES})
    if(NOT BACKEND_TEST_ONLY AND NOT BACKEND_LIBRARIES) # a library's code cannot be compiled once more
        set_property(GLOBAL APPEND PROPERTY PAGELAB_OWN_NAMES ${names})
        set_property(GLOBAL APPEND PROPERTY PAGELAB_OWN_SOURCES ${BACKEND_SOURCES})
    endif()
endfunction()

# Puts a file in the place of each source, which includes it under the name that a built-in candidate has: the same
# source is a plug-in elsewhere, and here it is compiled as often as ours are.
function(pagelab_rename_export name sources)
    string(REPLACE "-" "_" symbol "pl_candidate_${name}")
    set(renamed "")
    foreach(source ${${sources}})
        file(RELATIVE_PATH file "${CMAKE_CURRENT_SOURCE_DIR}" "${source}")
        string(REGEX REPLACE "[/ ]" "_" file "${file}")
        set(target "${CMAKE_CURRENT_BINARY_DIR}/${file}")
        file(CONFIGURE OUTPUT "${target}" CONTENT
"/* Generated: a plug-in's source as one of the built-in candidates. */
#define pl_candidate_export ${symbol}
#include \"${source}\"
")
        list(APPEND renamed "${target}")
    endforeach()
    set(${sources} ${renamed} PARENT_SCOPE)
endfunction()

# pagelab_sim_objects(NAME SOURCES ...): the object library NAME for a program that links pagelab::sim: each access to
# memory calls the simulated platform, under the names of a sanitizer whose own library is not linked.
function(pagelab_sim_objects name)
    cmake_parse_arguments(SIM "" "" "SOURCES" ${ARGN})
    add_library(${name} OBJECT ${SIM_SOURCES})
    # Nobody comes in between an audit: it runs when no call is unfinished.
    set(audits ${SIM_SOURCES})
    list(FILTER audits INCLUDE REGEX "_audit[a-z_]*\\.c$")
    set_source_files_properties(${audits} PROPERTIES COMPILE_OPTIONS -fno-sanitize=thread)
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
    target_compile_options(${name} PRIVATE -fsanitize=thread $<$<C_COMPILER_ID:GNU>:-Wno-tsan>)
    target_compile_definitions(${name} PRIVATE PL_SIMULATED)
    target_link_libraries(${name} PRIVATE pagelab::interface pagelab::flags)
endfunction()

# pagelab_write_registry(FILE NAME...): writes the registry of the named candidates, in that order.
function(pagelab_write_registry file)
    pagelab_write_list("${file}" registry_candidates ${ARGN})
endfunction()

# Writes FILE: an array of that name with the named candidates or services.
function(pagelab_write_list file array)
    set(declarations "")
    set(entries "")
    foreach(name ${ARGN})
        string(REPLACE "-" "_" symbol "pl_candidate_${name}")
        string(APPEND declarations "extern const struct pl_candidate ${symbol};\n")
        string(APPEND entries "    &${symbol},\n")
    endforeach()
    file(CONFIGURE OUTPUT "${file}" CONTENT
"/* Generated from the CMake lists of backends and services. */
#include \"engine/registry.h\"

${declarations}
const struct pl_candidate *const ${array}[] = {
${entries}    NULL,
};
")
endfunction()

# pagelab_add_service(NAME... SOURCES ...): one folder, one or more services, as pagelab_add_backend has candidates.
function(pagelab_add_service)
    cmake_parse_arguments(SERVICE "" "" "SOURCES" ${ARGN})
    set(names ${SERVICE_UNPARSED_ARGUMENTS})
    list(GET names 0 first)
    list(TRANSFORM SERVICE_SOURCES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
    add_library(pl_service_${first} OBJECT ${SERVICE_SOURCES})
    target_include_directories(pl_service_${first} PRIVATE "${PROJECT_SOURCE_DIR}")
    target_link_libraries(pl_service_${first} PRIVATE pagelab::interface pagelab::flags)
    set_property(GLOBAL APPEND PROPERTY PAGELAB_SERVICE_NAMES ${names})
    set_property(GLOBAL APPEND PROPERTY PAGELAB_SERVICE_OBJECTS pl_service_${first})
    set_property(GLOBAL APPEND PROPERTY PAGELAB_PRODUCT_SOURCES ${SERVICE_SOURCES})
endfunction()
