# Writes OUTPUT, a C++ source with the text of every .te file in FOLDER:
#   cmake -DFOLDER=te/ops -DOUTPUT=standard_files.cpp -P EmbedOperators.cmake
file(GLOB files ${FOLDER}/*.te)
list(SORT files)
set(entries "")
foreach(path ${files})
  get_filename_component(name ${path} NAME)
  # As bytes, so that no character of the text means anything to CMake or C++.
  file(READ ${path} hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  string(MAKE_C_IDENTIFIER ${name} identifier)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "constexpr unsigned char k_${identifier}[] = {${bytes}0};\n")
  string(APPEND entries
    "    {\"te/ops/${name}\", {reinterpret_cast<const char*>(k_${identifier}), ${size}}},\n")
endforeach()
file(WRITE ${OUTPUT}
"// Written by cmake/EmbedOperators.cmake from te/ops/*.te.
#include \"te/language/standard.h\"

namespace tunesmith::te::language {
namespace {

${arrays}
}  // namespace

const std::vector<StandardFile>& StandardFiles() {
  static const auto* files = new std::vector<StandardFile>{
${entries}  };
  return *files;
}

}  // namespace tunesmith::te::language
")
