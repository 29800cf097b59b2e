# How targets are declared: tunesmith_library(te SOURCES … LIBS …) and tunesmith_test(te_test SOURCES … LIBS …).
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(tunesmith_options INTERFACE)
target_include_directories(tunesmith_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(tunesmith_options INTERFACE -Wall -Wextra -Werror)
if(TUNESMITH_SANITIZE)
  # GCC documents that its sanitizers cause false reports of uninitialised variables.
  target_compile_options(tunesmith_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
                                                     -Wno-maybe-uninitialized)
  target_link_options(tunesmith_options INTERFACE -fsanitize=address,undefined)
endif()

function(tunesmith_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC tunesmith_options ${ARG_LIBS})
endfunction()

function(tunesmith_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE TUNESMITH_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name})
endfunction()
