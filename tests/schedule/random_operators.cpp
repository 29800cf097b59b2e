// SPDX-License-Identifier: Apache-2.0
#include "tests/schedule/random_operators.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "support/strings.h"

namespace tunesmith::schedule::testing {
namespace {

using ir::testing::Choices;

/// An axis is named by its extent's number: a stage has each at most once, and a dimension is read with the
/// axis that has its extent.
constexpr std::string_view kAxes[] = {"i", "j", "k", "l"};

struct Tensor {
  std::string name;
  std::vector<int> dims;  // numbers of extents
  bool read = false;
};

struct Generator {
  Choices* choices;
  std::vector<int64_t> extents;
  std::vector<Tensor> tensors;
  std::string dtype;  // of everything

  template <class T, size_t n>
  T Of(const T (&values)[n]) {
    return values[choices->Sample(0, n - 1)];
  }
  int Of(const std::vector<int>& values) {
    return values[static_cast<size_t>(choices->Sample(0, std::ssize(values) - 1))];
  }
  bool Sometimes(int64_t one_in) { return choices->Sample(0, one_in - 1) == 0; }

  /// Some of the axes in some order.
  std::vector<int> Axes(int64_t fewest, int64_t most) {
    std::vector<int> axes;
    const int64_t count = choices->Sample(fewest, most);
    const int64_t first = choices->Sample(0, std::ssize(kAxes) - 1), step = Sometimes(3) ? 3 : 1;
    for (int64_t n = 0; n < count; ++n)
      axes.push_back(static_cast<int>((first + n * step) % std::ssize(kAxes)));
    return axes;
  }

  std::string Shape(const Tensor& t) const {
    std::vector<std::string> sizes;
    for (int d : t.dims) sizes.push_back(StrCat(extents[static_cast<size_t>(d)]));
    return StrCat("[", StrJoin(sizes, ", "), "]");
  }

  std::string Names(const std::vector<int>& axes) const {
    std::vector<std::string> names;
    for (int a : axes) names.push_back(std::string(kAxes[a]));
    return StrJoin(names, ", ");
  }

  /// An index of a dimension that is not just its axis: moved, strided, reversed, repeated, or a window's.
  std::string Index(int dim, const std::vector<int>& axes, bool* leaves) {
    const std::string_view axis = kAxes[dim];
    const int64_t extent = extents[static_cast<size_t>(dim)];
    switch (choices->Sample(0, 5)) {
      case 0:
        return StrCat(extent - 1, " - ", axis);
      case 1:
        return StrCat(axis, " / ", choices->Sample(2, 5));
      case 2:
        return StrCat("(", axis, " + 1) % ", extent);
      case 3:
        *leaves = true;
        return StrCat(choices->Sample(1, 3), "*", axis, " + ", kAxes[Of(axes)], " - 1");
      default:
        *leaves = true;
        return StrCat(choices->Sample(1, 2), "*", axis, choices->Sample(0, 1) == 0 ? " - 1" : " + 2");
    }
  }

  /// A read of some tensor, all of whose dimensions have one of the axes; "" if there is none.
  std::string Read(const std::vector<int>& axes) {
    const auto has = [&](int dim) { return std::find(axes.begin(), axes.end(), dim) != axes.end(); };
    std::vector<Tensor*> readable;
    for (Tensor& t : tensors) {
      if (std::all_of(t.dims.begin(), t.dims.end(), has)) readable.push_back(&t);
    }
    if (readable.empty()) return "";
    // What nobody has read yet comes first, to make chains of stages.
    std::stable_partition(readable.begin(), readable.end(), [](const Tensor* t) { return t->read; });
    std::reverse(readable.begin(), readable.end());
    Tensor* t = readable[static_cast<size_t>(choices->Sample(0, std::ssize(readable) - 1))];
    t->read = true;
    std::vector<std::string> indices;
    bool guarded = false;
    for (int d : t->dims) {
      bool leaves = false;
      indices.push_back(Sometimes(6) ? Index(d, axes, &leaves) : std::string(kAxes[d]));
      guarded = guarded || leaves;
    }
    return StrCat(t->name, "[", StrJoin(indices, ", "), guarded ? " | 0]" : "]");
  }

  std::string Operand(const std::vector<int>& axes) {
    const std::string read = Read(axes);
    if (read.empty()) return dtype + "(3)";
    static constexpr std::string_view kForms[] = {"", "", "", "", "abs", "tanh"};
    const std::string_view function = dtype == "i32" ? "" : Of(kForms);
    return function.empty() ? read : StrCat(function, "(", read, ")");
  }

  std::string Body(std::vector<int> axes, bool* reduces) {
    std::vector<int> reduced;
    for (int a = 0; a < std::ssize(kAxes); ++a) {
      if (std::find(axes.begin(), axes.end(), a) == axes.end() && Sometimes(2)) reduced.push_back(a);
    }
    *reduces = !reduced.empty() && !Sometimes(3);
    static constexpr std::string_view kSums[] = {"sum", "sum", "max", "min"};
    // Accumulated in another type than it is stored in.
    const bool wide = *reduces && dtype == "f32" && Sometimes(6);
    std::string text = wide ? "f32(" : "";
    if (*reduces) {
      axes.insert(axes.end(), reduced.begin(), reduced.end());
      std::vector<std::string> bound;
      for (int a : reduced) bound.push_back(StrCat(kAxes[a], " < ", extents[static_cast<size_t>(a)]));
      const std::string_view reducer = Of(kSums);
      const bool typed = reducer == "sum" && (wide || dtype == "i32");
      StrAppend(&text, reducer, typed ? StrCat(":", wide ? "f64" : dtype) : "", "(", StrJoin(bound, ", "),
                ") ");
    }
    static constexpr std::string_view kOperators[] = {" * ", " * ", " + ", " - "};
    StrAppend(&text, wide ? "f64(" : *reduces ? "(" : "", Operand(axes));
    for (int64_t more = choices->Sample(0, 2); more > 0; --more)
      StrAppend(&text, Of(kOperators), Operand(axes));
    return text + (wide ? "))" : *reduces ? ")" : "");
  }
};

}  // namespace

std::string RandomOperator(Choices* choices) {
  static constexpr int64_t kExtents[] = {4, 8, 1, 3, 7, 16, 19, 33, 2, 12, 24};
  static constexpr std::string_view kTypes[] = {"f32", "f32", "f32", "f64", "i32"};
  Generator g{choices, {}, {}, ""};
  g.dtype = g.Of(kTypes);
  for (size_t n = 0; n < std::size(kAxes); ++n) g.extents.push_back(g.Of(kExtents));
  const int64_t inputs = choices->Between(2, 4);
  for (int64_t n = 0; n < inputs; ++n) {
    const bool weight = n > 0 && g.Sometimes(2);
    g.tensors.push_back({StrCat(weight ? "W" : "X", n), g.Axes(1, 3)});
  }
  std::string stages;
  const int64_t count = choices->Between(1, 5);
  for (int64_t n = 0; n < count; ++n) {
    Tensor t{StrCat("t", n), g.Axes(1, 3)};
    std::vector<std::string> bound;
    for (int a : t.dims) bound.push_back(StrCat(kAxes[a], " < ", g.extents[static_cast<size_t>(a)]));
    bool reduces = false;
    const std::string body = g.Body(t.dims, &reduces);
    StrAppend(&stages, "  ", t.name, "[", StrJoin(bound, ", "), "] = ", body, "\n");
    g.tensors.push_back(t);
  }
  std::vector<std::string> parameters, outputs;
  for (const Tensor& t : g.tensors) {
    const std::string declared = StrCat(t.name[0] == 'W' ? "weight " : "", t.name, ": ", g.dtype, g.Shape(t));
    if (t.name[0] == 't') {
      if (!t.read) outputs.push_back(declared);
    } else if (t.read) {
      parameters.push_back(declared);
    }
  }
  return StrCat("op f(", StrJoin(parameters, ", "), ") -> (", StrJoin(outputs, ", "), ") {\n", stages, "}\n");
}

}  // namespace tunesmith::schedule::testing
