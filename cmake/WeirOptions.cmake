# What a build may choose, and the flags that follow from it.
option(WEIR_TESTS "Build the tests" ON)
option(WEIR_LIBRARY_TESTS "Build the tests that link the libraries: unit tests, fuzz targets, discovery against real servers" ON)
option(WEIR_INTEGRATION_TESTS "Build the tests that run the weir binary" ON)
option(WEIR_PCH "Precompile standard headers for the libraries, too: builds in less time, but does not notice a missing include" OFF)
option(WEIR_BENCH "Build the micro benchmarks (Google Benchmark)" OFF)
option(WEIR_FUZZ "Build the fuzz targets with libFuzzer (needs clang)" OFF)
set(WEIR_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -fno-strict-aliasing)
# GCC 12 reports these inside coroutine frames and std::string where nothing is wrong.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-dangling-pointer -Wno-stringop-overread)
endif()
if(WEIR_SANITIZE)
  add_compile_options(-fsanitize=${WEIR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WEIR_SANITIZE})
  if(WEIR_SANITIZE MATCHES undefined)
    # The check of virtual pointers opens a pipe to probe memory, so it fails where a test has used up all descriptors.
    # The other three are a quarter of the build's time and find what AddressSanitizer finds, too.
    add_compile_options(-fno-sanitize=vptr,null,alignment,object-size)
  endif()
endif()
