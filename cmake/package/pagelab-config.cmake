# pagelab::interface: the headers that a plug-in includes. There is nothing to link against.
include("${CMAKE_CURRENT_LIST_DIR}/pagelab-targets.cmake")
