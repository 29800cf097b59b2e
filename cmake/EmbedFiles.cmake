# Writes OUTPUT, a C++ source with the bytes of each of FILES (a list with | between) under its own name, for
# library/shipped.h:
#   cmake "-DFILES=a/b.h|c/d.o" -DOUTPUT=shipped_files.cpp -P EmbedFiles.cmake
string(REPLACE "|" ";" FILES "${FILES}")
set(entries "")
set(arrays "")
set(number 0)
foreach(path ${FILES})
  get_filename_component(name ${path} NAME)
  string(REGEX REPLACE "\\.c\\.o$" ".o" name ${name})
  # As bytes, so that no character of the text means anything to CMake or C++.
  file(READ ${path} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "constexpr unsigned char k_${number}[] = {${bytes}0};\n")
  string(APPEND entries
    "  if (name == \"${name}\") return {reinterpret_cast<const char*>(k_${number}), ${size}};\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT}
"// Written by cmake/EmbedFiles.cmake.
#include \"library/shipped.h\"

namespace tunesmith::library {
namespace {

${arrays}
}  // namespace

std::string_view ShippedFile(std::string_view name) {
${entries}  return {};
}

}  // namespace tunesmith::library
")
