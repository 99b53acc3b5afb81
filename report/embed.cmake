# Assembles the report page and writes it as two C arrays: what comes before the run's data, and what comes after.
#
# cmake -D ASSETS=DIR -D SCRIPTS=A;B -D CHART_LIBRARY=FILE -D OUTPUT=FILE -P embed.cmake
#
# The page asks nothing of a network, and a reader can check that: no address with a scheme stands in it. The chart
# library keeps the text of its licence, its addresses lose their scheme.

cmake_minimum_required(VERSION 3.25)

file(READ ${ASSETS}/page.html page)
file(READ ${ASSETS}/page.css style)
file(READ ${ASSETS}/chart-licence.txt licence)
file(READ ${CHART_LIBRARY} chart)

set(script "")
foreach(file IN LISTS SCRIPTS)
    file(READ ${file} text)
    string(APPEND script "${text}\n")
endforeach()

string(REGEX REPLACE "https?://" "" chart "${chart}")
string(REGEX REPLACE "//# sourceMappingURL=[^\n]*" "" chart "${chart}")

foreach(part IN ITEMS style licence chart script)
    if("${${part}}" MATCHES "</(script|style)|<!--")
        message(FATAL_ERROR "report page: ${CMAKE_MATCH_0} in the ${part} would end its element; expected none")
    endif()
    string(FIND "${page}" "@${part}@" at)
    if(at EQUAL -1)
        message(FATAL_ERROR "report page: no @${part}@ in page.html; expected its place there")
    endif()
    string(REPLACE "@${part}@" "${${part}}" page "${page}")
endforeach()

string(REPLACE "http://www.w3.org/" "" checked "${page}")
if(checked MATCHES "https?:[^\n]?[^\n]?[^\n]?[^\n]?[^\n]?[^\n]?[^\n]?[^\n]?")
    message(FATAL_ERROR "report page: address ${CMAKE_MATCH_0}; expected none but name spaces of the W3C")
endif()

string(FIND "${page}" "@data@" at)
if(at EQUAL -1)
    message(FATAL_ERROR "report page: no @data@ in page.html; expected the place of the run's data")
endif()
string(SUBSTRING "${page}" 0 ${at} head)
math(EXPR after "${at} + 6")
string(SUBSTRING "${page}" ${after} -1 tail)

set(source "/* Made by embed.cmake; do not edit. */\n#include \"report/page_parts.h\"\n")
foreach(part IN ITEMS head tail)
    string(HEX "${${part}}" bytes)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND source
        "\nconst unsigned char report_page_${part}[] = {${bytes}};\n"
        "const size_t report_page_${part}_bytes = sizeof report_page_${part};\n")
endforeach()
file(WRITE ${OUTPUT} "${source}")
