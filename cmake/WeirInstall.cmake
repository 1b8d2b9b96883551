# What `cmake --install` puts where. Two components: weir-development is the libraries for other programs (headers,
# static and shared libraries, the CMake package, pkg-config files), weir-runtime the proxy.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# weir_install_library(folder USES "pkg-config modules" LIBRARIES "-lflags" DESCRIPTION text): the library of one folder
# with an include/, static as it is built and shared from the same objects.
function(weir_install_library folder)
  cmake_parse_arguments(ARG "" "USES;LIBRARIES;DESCRIPTION" "LINKS" ${ARGN})
  set(target weir_${folder})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${folder})
  # A build for tests alone has no use for the shared form, and position independent objects none for its precompiled headers.
  if(NOT WEIR_PCH)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fno-semantic-interposition)  # else calls inside the library cost more
  endif()
  target_include_directories(${target} PUBLIC $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

  set(empty ${PROJECT_BINARY_DIR}/cmake/${target}_shared.cc)
  file(CONFIGURE OUTPUT ${empty} CONTENT "")
  add_library(${target}_shared SHARED EXCLUDE_FROM_ALL ${empty})
  set_target_properties(${target}_shared PROPERTIES OUTPUT_NAME ${target} EXPORT_NAME ${folder}_shared
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  add_dependencies(${target}_shared ${target})
  target_link_options(${target}_shared PRIVATE
    "LINKER:--whole-archive" "$<TARGET_FILE:${target}>" "LINKER:--no-whole-archive")
  set_target_properties(${target}_shared PROPERTIES LINK_DEPENDS $<TARGET_FILE:${target}>)
  target_link_libraries(${target}_shared PUBLIC ${ARG_LINKS})
  target_include_directories(${target}_shared INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(${target}_shared INTERFACE cxx_std_20)
  target_compile_features(${target} PUBLIC cxx_std_20)

  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder}/include/ TYPE INCLUDE COMPONENT weir-development
    FILES_MATCHING PATTERN "*.h")
  install(TARGETS ${target} ${target}_shared EXPORT ${target} COMPONENT weir-development)
  install(EXPORT ${target} NAMESPACE weir:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weir
    FILE weir-${folder}.cmake COMPONENT weir-development)

  string(CONCAT text
    "prefix=\${pcfiledir}/../..\nincludedir=\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}\n"
    "libdir=\${prefix}/${CMAKE_INSTALL_LIBDIR}\n\n"
    "Name: weir-${folder}\nDescription: ${ARG_DESCRIPTION}\nVersion: ${PROJECT_VERSION}\n"
    "Requires: ${ARG_USES}\nCflags: -I\${includedir}\nLibs: -L\${libdir} -l${target}\nLibs.private: ${ARG_LIBRARIES}\n")
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/cmake/weir-${folder}.pc CONTENT "${text}" @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/cmake/weir-${folder}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT weir-development)
endfunction()

weir_install_library(balancer LINKS Threads::Threads LIBRARIES "-pthread"
  DESCRIPTION "Choose a backend: exact least connections and a dozen other methods")
weir_install_library(discovery USES "weir-balancer = ${PROJECT_VERSION}" LIBRARIES "-lzookeeper_mt -lfmt -pthread"
  LINKS weir_balancer_shared ZooKeeper::mt fmt::fmt Threads::Threads
  DESCRIPTION "Keep the members of an upstream current, from ZooKeeper")

write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/weirConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/weirConfig.cmake cmake/FindZooKeeper.cmake ${PROJECT_BINARY_DIR}/cmake/weirConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weir COMPONENT weir-development)
add_custom_target(weir_development DEPENDS weir_balancer_shared weir_discovery_shared)

install(TARGETS weir COMPONENT weir-runtime)
install(FILES conf/weir.conf conf/mime.types DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/weir COMPONENT weir-runtime)
