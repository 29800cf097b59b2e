// SPDX-License-Identifier: Apache-2.0
// Errors are values: every function that can fail returns a Status or a Result. A message says what is wrong,
// where, and one way out, in a form that can be shown to the user as it is.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tunesmith {

using Status = absl::Status;
template <class T>
using Result = absl::StatusOr<T>;

/// The caller gave something that cannot be right (a flag, a file's content, a step's argument).
inline Status Invalid(std::string_view message) {
  return absl::InvalidArgumentError({message.data(), message.size()});
}
/// What was asked for is not there (a file, an operator, a record).
inline Status NotFound(std::string_view message) {
  return absl::NotFoundError({message.data(), message.size()});
}
/// The system refused (disk full, process did not start, permission).
inline Status Unavailable(std::string_view message) {
  return absl::UnavailableError({message.data(), message.size()});
}
/// A law of the program itself was broken; always a bug here, never the user's fault.
inline Status Internal(std::string_view message) {
  return absl::InternalError({message.data(), message.size()});
}

/// The message alone, without the code's name. (Debian's Abseil has a string_view of its own.)
inline std::string_view MessageOf(const Status& status) {
  return {status.message().data(), status.message().size()};
}

/// The same error with "where: " before its message.
inline Status Annotate(const Status& status, std::string_view where) {
  return Status(status.code(), std::string(where).append(": ").append(MessageOf(status)));
}

inline const Status& ToStatus(const Status& status) { return status; }
template <class T>
const Status& ToStatus(const Result<T>& result) {
  return result.status();
}

}  // namespace tunesmith

#define TS_CONCAT_INNER(a, b) a##b
#define TS_CONCAT(a, b) TS_CONCAT_INNER(a, b)

/// Returns from the calling function if the expression is an error.
#define TS_RETURN_IF_ERROR(expression)                      \
  do {                                                      \
    if (auto&& ts_result = (expression); !ts_result.ok()) { \
      return ::tunesmith::ToStatus(ts_result);              \
    }                                                       \
  } while (false)

/// TS_ASSIGN_OR_RETURN(auto x, F()): x becomes the value of F(), or the calling function returns F's error.
#define TS_ASSIGN_OR_RETURN(declaration, expression) \
  TS_ASSIGN_OR_RETURN_INNER(TS_CONCAT(ts_result_, __LINE__), declaration, expression)
#define TS_ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                      \
  if (!result.ok()) return std::move(result).status();             \
  declaration = std::move(result).value()
