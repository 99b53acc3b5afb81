# pagelab::flags: warnings, sanitizers and tier, for every target of ours.
add_library(pagelab_flags INTERFACE)
add_library(pagelab::flags ALIAS pagelab_flags)

set(warnings_both -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
set(warnings_c -Wstrict-prototypes -Wmissing-prototypes -Wvla)
target_compile_options(pagelab_flags INTERFACE
    ${warnings_both} "$<$<COMPILE_LANGUAGE:C>:${warnings_c}>" -fno-common -fvisibility=hidden)
if(PL_WERROR)
    target_compile_options(pagelab_flags INTERFACE -Werror)
endif()
if(PL_RELEASE)
    target_compile_definitions(pagelab_flags INTERFACE PL_RELEASE)
endif()
if(PL_SANITIZE)
    target_compile_options(pagelab_flags INTERFACE
        -fsanitize=${PL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(pagelab_flags INTERFACE -fsanitize=${PL_SANITIZE})
endif()
if(PL_COVERAGE)
    target_compile_definitions(pagelab_flags INTERFACE PL_COVERAGE)
    target_compile_options(pagelab_flags INTERFACE -fprofile-instr-generate -fcoverage-mapping)
    target_link_options(pagelab_flags INTERFACE -fprofile-instr-generate)
endif()
