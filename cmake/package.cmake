# What is installed. Component `contract`: what a plug-in is built against, headers, find_package(pagelab), pkg-config.
# `program`: with the programs of cli/, their man page and completions (there as well), what they read, and the docs.
include(CMakePackageConfigHelpers)
set(package_folder "${CMAKE_INSTALL_DATADIR}/cmake/pagelab")

install(DIRECTORY include/pagelab DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT contract)
set_target_properties(pagelab_interface PROPERTIES EXPORT_NAME interface)
install(TARGETS pagelab_interface EXPORT pagelab-targets)
install(EXPORT pagelab-targets NAMESPACE pagelab:: DESTINATION "${package_folder}" COMPONENT contract)

write_basic_package_version_file("${PROJECT_BINARY_DIR}/pagelab-config-version.cmake" COMPATIBILITY SameMajorVersion
    ARCH_INDEPENDENT)
install(FILES cmake/package/pagelab-config.cmake "${PROJECT_BINARY_DIR}/pagelab-config-version.cmake"
    DESTINATION "${package_folder}" COMPONENT contract)

configure_file(cmake/package/pagelab.pc.in "${PROJECT_BINARY_DIR}/pagelab.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/pagelab.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig" COMPONENT contract)

install(DIRECTORY corpora DESTINATION "${CMAKE_INSTALL_DATADIR}/pagelab" COMPONENT program)
# What `choose` and the page read, and what it says for people.
install(DIRECTORY results/reference DESTINATION "${CMAKE_INSTALL_DATADIR}/pagelab/results" COMPONENT program)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT program)
install(DIRECTORY docs examples DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT program)
