# How targets are declared:
#   tunesmith_library(te SOURCES … LIBS …)
#   tunesmith_test(te_expr_test SOURCES … LIBS …)          a unit test; the sanitizer build runs it too
#   tunesmith_test(quickstart_test WHOLE SOURCES … LIBS …) a test of the whole program, in the ordinary build only

find_program(CCACHE ccache)
if(CCACHE)
  # What ccache asks for before it keeps what was compiled with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

# The linker that is there and quickest.
include(CheckLinkerFlag)
set(TUNESMITH_LINKER "default")
foreach(linker mold lld)
  check_linker_flag(CXX -fuse-ld=${linker} TUNESMITH_LINKS_WITH_${linker})
  if(TUNESMITH_LINKS_WITH_${linker})
    set(TUNESMITH_LINKER ${linker})
    add_link_options(-fuse-ld=${linker})
    break()
  endif()
endforeach()

add_library(tunesmith_options INTERFACE)
target_include_directories(tunesmith_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(tunesmith_options INTERFACE -Wall -Wextra -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 takes assignments of literals to strings for overlapping copies (GCC's bug 105651).
  target_compile_options(tunesmith_options INTERFACE -Wno-restrict)
endif()
# So that ccache knows what was precompiled.
target_compile_options(tunesmith_options INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
if(TUNESMITH_SANITIZE)
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_compile_options(tunesmith_options INTERFACE ${sanitizers} -fno-omit-frame-pointer)
  # GCC documents that its sanitizers cause false reports of uninitialised variables.
  target_compile_options(tunesmith_options INTERFACE -Wno-maybe-uninitialized)
  target_link_options(tunesmith_options INTERFACE ${sanitizers})
  # Optimising what the sanitizers add takes longer than it saves.
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1 -DNDEBUG")
endif()
message(STATUS "Build: ${CMAKE_BUILD_TYPE}, linker ${TUNESMITH_LINKER}, ccache ${CCACHE}, "
               "sanitizers ${TUNESMITH_SANITIZE}")

# Reading the same headers for every file takes most of the time of a small one, so that they are read once: for
# the tests, and in the sanitizer build for the libraries too. The ordinary build reads those of the libraries where
# a file names them, and so notices one that a file forgot to name.
#   tunesmith_precompile(NAME HEADERS … LIBS …)   besides what everything uses, with the libraries they belong to
function(tunesmith_precompile name)
  cmake_parse_arguments(ARG "" "" "HEADERS;LIBS" ${ARGN})
  file(WRITE ${CMAKE_BINARY_DIR}/${name}.cpp "")
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE tunesmith_options absl::status absl::statusor Threads::Threads ${ARG_LIBS})
  target_precompile_headers(${name} PRIVATE <algorithm> <filesystem> <functional> <map> <memory> <set> <string>
    <vector> ${CMAKE_SOURCE_DIR}/support/status.h ${CMAKE_SOURCE_DIR}/support/strings.h ${ARG_HEADERS})
endfunction()
if(TUNESMITH_SANITIZE)
  tunesmith_precompile(headers_of_libraries)
endif()
if(TUNESMITH_TESTS)
  tunesmith_precompile(headers_of_tests HEADERS <gtest/gtest.h> LIBS GTest::gtest)
endif()

# Where a target has a file in C, its headers are read as ever; so are those of a library in the ordinary build.
function(tunesmith_reuse_headers name from)
  if(TARGET ${from} AND NOT "${ARGN}" MATCHES "\\.c(;|$)")
    target_precompile_headers(${name} REUSE_FROM ${from})
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      # It takes the ends of strings for beyond them (GCC's bug 105329), and tells so where headers are precompiled.
      target_compile_options(${name} PRIVATE -Wno-array-bounds -Wno-stringop-overflow)
    endif()
  endif()
endfunction()

function(tunesmith_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC tunesmith_options ${ARG_LIBS})
  tunesmith_reuse_headers(${name} headers_of_libraries ${ARG_SOURCES})
endfunction()

add_custom_target(unit_tests COMMENT "All unit tests are built")

function(tunesmith_test name)
  cmake_parse_arguments(ARG "WHOLE" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE TUNESMITH_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  tunesmith_reuse_headers(${name} headers_of_tests ${ARG_SOURCES})
  add_test(NAME ${name} COMMAND ${name})
  if(ARG_WHOLE)
    set(label whole)
  else()
    set(label unit)
    add_dependencies(unit_tests ${name})
  endif()
  # Generous: a hang must end some time, but no test is about speed.
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 600)
endfunction()
