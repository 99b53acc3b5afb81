# Scenario: a user installs libbench, copies the example, and builds it with cc and pkg-config.
# Expect that nothing of the source or build tree is needed, and that the program runs. The same for the first
# example of the README, which is cut out of it.
file(REMOVE_RECURSE "${PREFIX}")

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
    if(NOT status EQUAL 0)
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "${command}\nstatus ${status}, expected 0\n${output}${errors}")
    endif()
    set(output "${output}" PARENT_SCOPE)
endfunction()

set(config_option)
if(CONFIG)
    set(config_option --config ${CONFIG})
endif()
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${PREFIX} --component libbench ${config_option})

foreach(file IN ITEMS include/libbench/libbench.h ${LIBDIR}/libbench.a ${LIBDIR}/pkgconfig/libbench.pc
                      ${DOCDIR}/README.md)
    if(NOT EXISTS "${PREFIX}/${file}")
        message(FATAL_ERROR "${file} is not installed")
    endif()
endforeach()

set(ENV{PKG_CONFIG_PATH} "${PREFIX}/${LIBDIR}/pkgconfig:$ENV{PKG_CONFIG_PATH}")
run(${PKG_CONFIG} --cflags --libs libbench)
separate_arguments(package UNIX_COMMAND "${output}")
separate_arguments(flags UNIX_COMMAND "${FLAGS}")

# Builds a file and runs it; its table must have that row.
function(build_and_run source row)
    set(program "${PREFIX}/program")
    run(${CC} -std=c17 -O2 ${flags} "${source}" -o ${program} ${package})
    run(${program} --benchmark_min_time=0.01)
    if(NOT output MATCHES "${row}")
        message(FATAL_ERROR "${source} printed\n${output}\nexpected a row ${row}")
    endif()
endfunction()

build_and_run("${PREFIX}/${DOCDIR}/example.c" zero/memset/65536)

file(READ "${PREFIX}/${DOCDIR}/README.md" readme)
string(FIND "${readme}" "```c\n" start)
math(EXPR start "${start} + 5")
string(SUBSTRING "${readme}" ${start} -1 readme)
string(FIND "${readme}" "```" end)
string(SUBSTRING "${readme}" 0 ${end} quick)
file(WRITE "${PREFIX}/quick.c" "${quick}")
build_and_run("${PREFIX}/quick.c" zero/4096)
