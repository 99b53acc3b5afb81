# cmake -D PROGRAM=... [-D ARGUMENTS=LIST] -D "MESSAGE=regular expression" -P check.cmake: the program must die by SIGABRT, and its stderr
# be the one line that MESSAGE matches from end to end. A sanitizer may add its own words behind that.
execute_process(COMMAND "${PROGRAM}" ${ARGUMENTS} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE error)
if(NOT result MATCHES "[Aa]bort" AND NOT result EQUAL 134)
    message(FATAL_ERROR "SIGABRT expected, got '${result}'; stderr: ${error}")
endif()
string(REGEX REPLACE "\n.*" "" first_line "${error}")
if(NOT first_line MATCHES "^${MESSAGE}$")
    message(FATAL_ERROR "stderr '${MESSAGE}' expected, got '${first_line}'")
endif()
if(NOT output STREQUAL "")
    message(FATAL_ERROR "nothing expected on stdout, got '${output}'")
endif()
