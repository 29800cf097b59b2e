# Finds what the build needs, all of it in the distribution's packages; nothing is downloaded. What is missing is
# named in one message, with the package that holds it; what is optional is listed at the end of the configuration.

# The package of cmake/packages.txt that holds this dependency.
function(tunesmith_package_of dependency result)
  file(STRINGS ${CMAKE_SOURCE_DIR}/cmake/packages.txt lines REGEX "^[^#].* ${dependency}$")
  list(GET lines 0 line)
  string(REGEX REPLACE " .*" "" package "${line}")
  set(${result} ${package} PARENT_SCOPE)
endfunction()

set(TUNESMITH_MISSING "")
macro(tunesmith_require dependency found)
  if(NOT ${found})
    list(APPEND TUNESMITH_MISSING ${dependency})
  endif()
endmacro()

find_package(Threads REQUIRED)
find_package(absl QUIET CONFIG)
tunesmith_require(absl absl_FOUND)
find_package(CLI11 QUIET CONFIG)
tunesmith_require(CLI11 CLI11_FOUND)
find_package(fmt QUIET CONFIG)
tunesmith_require(fmt fmt_FOUND)
find_package(nlohmann_json QUIET CONFIG)
tunesmith_require(nlohmann_json nlohmann_json_FOUND)
find_package(SQLite3 QUIET)
tunesmith_require(SQLite3 SQLite3_FOUND)
find_path(XXHASH_INCLUDE_DIR xxhash.h)
tunesmith_require(xxhash XXHASH_INCLUDE_DIR)

# This version of LLVM only: it is a part of every record's key. The shared library, because linking the static
# ones takes minutes and most of a gigabyte.
find_package(LLVM 19.1 QUIET CONFIG HINTS /usr/lib/llvm-19/lib/cmake/llvm)
tunesmith_require(LLVM LLVM_FOUND)
# Its linker as a library, which makes generated libraries; it needs zlib and Zstandard, which its package brings.
find_path(LLD_INCLUDE_DIR lld/Common/Driver.h HINTS ${LLVM_INCLUDE_DIRS})
find_library(LLD_ELF_LIBRARY lldELF HINTS ${LLVM_LIBRARY_DIRS})
find_library(LLD_COMMON_LIBRARY lldCommon HINTS ${LLVM_LIBRARY_DIRS})
find_package(ZLIB QUIET)
find_library(ZSTD_LIBRARY zstd)
if(LLD_INCLUDE_DIR AND LLD_ELF_LIBRARY AND LLD_COMMON_LIBRARY AND ZLIB_FOUND AND ZSTD_LIBRARY)
  set(LLD_FOUND ON)
endif()
tunesmith_require(lld LLD_FOUND)

if(TUNESMITH_TESTS)
  find_package(GTest QUIET)
  tunesmith_require(GTest GTest_FOUND)
  find_path(RAPIDCHECK_INCLUDE_DIR rapidcheck.h)
  find_library(RAPIDCHECK_LIBRARY rapidcheck)
  tunesmith_require(rapidcheck RAPIDCHECK_LIBRARY)
endif()
if(TUNESMITH_BENCH)
  find_package(benchmark QUIET CONFIG)
  tunesmith_require(benchmark benchmark_FOUND)
endif()

if(TUNESMITH_MISSING)
  set(text "Tunesmith needs what was not found here:\n")
  set(packages "")
  foreach(dependency ${TUNESMITH_MISSING})
    tunesmith_package_of(${dependency} package)
    string(APPEND text "  ${dependency} (Debian: ${package})\n")
    string(APPEND packages " ${package}")
  endforeach()
  message(FATAL_ERROR
    "${text}Install it with scripts/install-packages, or by hand:\n  apt-get install --no-install-recommends${packages}\n"
    "Elsewhere, install these libraries and name their folders with -DCMAKE_PREFIX_PATH=…")
endif()

add_library(tunesmith_llvm INTERFACE)
target_include_directories(tunesmith_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
target_link_libraries(tunesmith_llvm INTERFACE LLVM)
add_library(tunesmith_lld INTERFACE)
target_include_directories(tunesmith_lld SYSTEM INTERFACE ${LLD_INCLUDE_DIR})
target_link_libraries(tunesmith_lld INTERFACE ${LLD_ELF_LIBRARY} ${LLD_COMMON_LIBRARY} ZLIB::ZLIB ${ZSTD_LIBRARY} LLVM)

# Optional. XGBoost is opened at run time (costmodel/), so only its presence is reported.
find_library(XGBOOST_LIBRARY NAMES xgboost libxgboost.so.0)
find_package(gRPC QUIET CONFIG)
find_package(CUDAToolkit QUIET)

function(tunesmith_yes_no name found no)
  if(${found})
    message(STATUS "  ${name}: found")
  else()
    message(STATUS "  ${name}: not found; ${no}")
  endif()
endfunction()

message(STATUS "LLVM ${LLVM_PACKAGE_VERSION} (${LLVM_DIR})")
message(STATUS "Optional parts:")
tunesmith_yes_no(XGBoost XGBOOST_LIBRARY "the analytic cost model is used alone (Debian: libxgboost-dev)")
tunesmith_yes_no(gRPC gRPC_FOUND "only the farm of devices will need it")
tunesmith_yes_no(CUDA CUDAToolkit_FOUND "only kernels for GPUs will need it")
