# The headers of others that most files include, read once: for all tests, and with WEIR_PCH for the libraries.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/pch/empty.cc CONTENT "")
set(standard_headers <algorithm> <charconv> <chrono> <filesystem> <functional> <map> <memory> <memory_resource>
  <mutex> <optional> <span> <string> <string_view> <thread> <unordered_map> <variant> <vector> <fmt/format.h>)
if(WEIR_PCH)
  add_library(weir_pch STATIC ${CMAKE_BINARY_DIR}/pch/empty.cc)
  target_link_libraries(weir_pch PRIVATE fmt::fmt)
  target_precompile_headers(weir_pch PRIVATE ${standard_headers})
endif()
# Nobody waits for a test's own code, but everybody for its compilation.
set(test_options -O1)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND test_options -Wno-array-bounds -Wno-stringop-overflow)  # GCC 12 sees ends of strings there that are none
endif()
if(WEIR_TESTS)
  add_library(weir_test_pch STATIC ${CMAKE_BINARY_DIR}/pch/empty.cc)
  target_link_libraries(weir_test_pch PRIVATE fmt::fmt GTest::gtest GTest::gmock)
  target_compile_options(weir_test_pch PRIVATE ${test_options})
  target_precompile_headers(weir_test_pch PRIVATE ${standard_headers} <gmock/gmock.h> <gtest/gtest.h>)
endif()

# weir_library(name FOLDER_NAMESPACE SOURCES ... USES ...): one folder, one static library.
function(weir_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_USES})
  if(WEIR_PCH)
    target_compile_definitions(${name} PRIVATE FMT_SHARED)  # as in the precompiled headers, else they are not used
    target_precompile_headers(${name} REUSE_FROM weir_pch)
  endif()
endfunction()

# weir_test(name SOURCES ... USES ... [LABELS label] [TIMEOUT seconds]): one GoogleTest program, every test of it known
# to ctest. The label `integration` means that it talks to other processes: the `weir` binary or a ZooKeeper server.
function(weir_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;USES;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_USES} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_options(${name} PRIVATE ${test_options})
  target_compile_definitions(${name} PRIVATE FMT_SHARED)
  target_precompile_headers(${name} REUSE_FROM weir_test_pch)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()
include(GoogleTest)
