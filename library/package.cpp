// SPDX-License-Identifier: Apache-2.0
#include "library/texts.h"
#include "support/strings.h"

namespace tunesmith::library {

std::string CMakeConfigText(const std::string& name) {
  constexpr char kText[] = R"(# SPDX-License-Identifier: 0BSD
#   find_package(@ CONFIG REQUIRED)
#   target_link_libraries(app PRIVATE @::@)         the shared library
#   target_link_libraries(app PRIVATE @::static)    the static one
# Give this folder's top to cmake: -DCMAKE_PREFIX_PATH=… or -D@_ROOT=…
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
  set(@_FOUND FALSE)
  set(@_NOT_FOUND_MESSAGE "the library is for 64-bit Linux on x86-64")
  return()
endif()
include(CMakeFindDependencyMacro)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_dependency(Threads)
get_filename_component(_@_root "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET @::@)
  add_library(@::@ SHARED IMPORTED)
  set_target_properties(@::@ PROPERTIES
    IMPORTED_LOCATION "${_@_root}/lib/lib@.so"
    IMPORTED_SONAME "lib@.so"
    INTERFACE_INCLUDE_DIRECTORIES "${_@_root}/include")
  add_library(@::static STATIC IMPORTED)
  set_target_properties(@::static PROPERTIES
    IMPORTED_LOCATION "${_@_root}/lib/lib@.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_@_root}/include"
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
unset(_@_root)
)";
  std::string text;
  for (char c : std::string_view(kText)) c == '@' ? StrAppend(&text, name) : StrAppend(&text, c);
  return text;
}

}  // namespace tunesmith::library
