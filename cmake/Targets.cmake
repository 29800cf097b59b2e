# How targets are declared:
#   tunesmith_library(te SOURCES … LIBS …)
#   tunesmith_test(te_expr_test SOURCES … LIBS …)          a unit test; the sanitizer build runs it too
#   tunesmith_test(quickstart_test WHOLE SOURCES … LIBS …) a test of the whole program, in the ordinary build only

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
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
if(TUNESMITH_SANITIZE)
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_compile_options(tunesmith_options INTERFACE ${sanitizers} -fno-omit-frame-pointer)
  # GCC documents that its sanitizers cause false reports of uninitialised variables.
  target_compile_options(tunesmith_options INTERFACE -Wno-maybe-uninitialized)
  target_link_options(tunesmith_options INTERFACE ${sanitizers})
endif()
message(STATUS "Build: ${CMAKE_BUILD_TYPE}, linker ${TUNESMITH_LINKER}, ccache ${CCACHE}, "
               "sanitizers ${TUNESMITH_SANITIZE}")

function(tunesmith_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC tunesmith_options ${ARG_LIBS})
endfunction()

add_custom_target(unit_tests COMMENT "All unit tests are built")

function(tunesmith_test name)
  cmake_parse_arguments(ARG "WHOLE" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE TUNESMITH_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
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
