// SPDX-License-Identifier: Apache-2.0
// Which values each axis takes, and whether every read stays inside its tensor.
#include <algorithm>

#include "support/strings.h"
#include "te/bounds.h"
#include "te/language/draft.h"

namespace tunesmith::te::language {
namespace {

class RangeInference {
 public:
  RangeInference(Draft* draft, Diagnostics* diagnostics) : draft_(*draft), diagnostics_(diagnostics) {}

  void Run() {
    size_t before = diagnostics_->reported();
    // Each rule is used only where those before it say nothing.
    while (FromDimensions(false) || FromReaders() || FromDimensions(true)) {
    }
    for (size_t a = 0; a < draft_.axes.size(); ++a) {
      if (!draft_.axes[a].extent) ReportUnknown(static_cast<int>(a));
    }
    if (diagnostics_->reported() > before) return;
    for (const DivisionByZero& division : draft_.divisions_by_zero) CheckDivision(division);
    CheckAgreement();
    if (diagnostics_->reported() > before) return;
    for (const DraftRead& read : draft_.reads) CheckRead(read);
  }

 private:
  DraftAxis& AxisOf(int axis) { return draft_.axes[static_cast<size_t>(axis)]; }

  /// Gives each unknown axis the extent of a dimension that it indexes alone.
  bool FromDimensions(bool guarded) {
    bool found = false;
    for (const DraftRead& read : draft_.reads) {
      if (read.guarded != guarded) continue;
      for (size_t d = 0; d < read.alone.size(); ++d) {
        auto extent = draft_.ExtentOf(read.tensor, d);
        if (read.alone[d] < 0 || !extent || AxisOf(read.alone[d]).extent) continue;
        DraftAxis& axis = AxisOf(read.alone[d]);
        axis.extent = extent;
        axis.extent_syntax = draft_.ExtentSyntaxOf(read.tensor, d);
        axis.from_dimension = !guarded;
        found = true;
        // With a guard the dimension is the last resort, so what follows from it is looked at first.
        if (guarded) return true;
      }
    }
    return found;
  }

  /// Gives an unknown axis of a temporary the largest extent of the axes that index its dimension alone. The
  /// last temporaries come first, so that the ranges of what reads a temporary are known before its own.
  bool FromReaders() {
    for (size_t t = draft_.tensors.size(); t-- > 0;) {
      const DraftTensor& tensor = draft_.tensors[t];
      for (size_t d = 0; d < tensor.axes.size(); ++d) {
        DraftAxis& axis = AxisOf(tensor.axes[d]);
        if (axis.extent) continue;
        for (const DraftRead& read : draft_.reads) {
          if (read.tensor != static_cast<int>(t) || read.guarded || read.alone[d] < 0) continue;
          const DraftAxis& reader = AxisOf(read.alone[d]);
          if (!reader.extent || (axis.extent && *axis.extent >= *reader.extent)) continue;
          axis.extent = reader.extent;
          axis.extent_syntax = reader.extent_syntax;
        }
        if (axis.extent) return true;
      }
    }
    return false;
  }

  void ReportUnknown(int id) {
    const DraftAxis& axis = AxisOf(id);
    diagnostics_->Report(axis.span, StrCat("the range of the axis ", axis.name, " cannot be inferred"),
                         StrCat(axis.name, " indexes no dimension of known extent alone"),
                         StrCat("write its extent: ", axis.name, " < ..."));
  }

  void CheckAgreement() {
    std::vector<const DraftRead*> first(draft_.axes.size());
    std::vector<size_t> first_dimension(draft_.axes.size());
    for (const DraftRead& read : draft_.reads) {
      for (size_t d = 0; d < read.alone.size() && !read.guarded; ++d) {
        if (read.alone[d] < 0 || !AxisOf(read.alone[d]).from_dimension) continue;
        auto a = static_cast<size_t>(read.alone[d]);
        if (!first[a]) {
          first[a] = &read;
          first_dimension[a] = d;
          continue;
        }
        int64_t before = *draft_.ExtentOf(first[a]->tensor, first_dimension[a]);
        int64_t here = *draft_.ExtentOf(read.tensor, d);
        if (before == here) continue;
        diagnostics_->Report(
            read.index_spans[d],
            StrCat("the axis ", draft_.axes[a].name, " indexes dimensions of different extents"),
            StrCat(Dimension(*first[a], first_dimension[a]), ", ", Dimension(read, d)),
            StrCat("give both the same extent, or write the range: ", draft_.axes[a].name, " < ..."));
      }
    }
  }

  /// "A[1] has the extent 7 (K)".
  std::string Dimension(const DraftRead& read, size_t d) {
    std::string extent = StrCat(*draft_.ExtentOf(read.tensor, d));
    const Node* syntax = draft_.ExtentSyntaxOf(read.tensor, d);
    std::string text = syntax ? Print(*syntax) : extent;
    std::string out = StrCat("dimension ", d, " of ", draft_.tensors[static_cast<size_t>(read.tensor)].name,
                             " has the extent ", extent);
    if (text != extent) StrAppend(&out, " (", text, ")");
    return out;
  }

  /// Nothing is computed where one of the axes around it has no positions.
  bool Empty(const std::vector<int>& axes_in_scope) {
    return std::any_of(axes_in_scope.begin(), axes_in_scope.end(),
                       [&](int axis) { return *AxisOf(axis).extent == 0; });
  }

  void CheckDivision(const DivisionByZero& division) {
    if (Empty(division.axes_in_scope)) return;
    diagnostics_->Report(division.span, kByZero, division.inferred, division.fix);
  }

  void CheckRead(const DraftRead& read) {
    if (read.guarded || Empty(read.axes_in_scope)) return;
    if (axes_.empty()) {
      for (const DraftAxis& axis : draft_.axes) axes_.push_back({axis.name, *axis.extent});
    }
    const std::string& name = draft_.tensors[static_cast<size_t>(read.tensor)].name;
    for (size_t d = 0; d < read.indices.size(); ++d) {
      auto range = Bounds(read.indices[d], axes_);
      std::string index = diagnostics_->source().Quote(read.index_spans[d]);
      std::string guard = StrCat("guard it: ", name, "[", d > 0 ? "..., " : "", index,
                                 d + 1 < read.indices.size() ? ", ..." : "", " | 0]");
      if (!range) {
        diagnostics_->Report(read.index_spans[d],
                             StrCat("the range of the index ", index, " cannot be inferred"),
                             Dimension(read, d), guard);
      } else if (range->low < 0 || range->high >= *draft_.ExtentOf(read.tensor, d)) {
        diagnostics_->Report(
            read.index_spans[d], StrCat("the index ", index, " can leave ", name),
            StrCat(index, " runs from ", range->low, " to ", range->high, ", ", Dimension(read, d)), guard);
      }
    }
  }

  Draft& draft_;
  Diagnostics* diagnostics_;
  std::vector<Axis> axes_;
};

}  // namespace

std::optional<int64_t> Draft::ExtentOf(int tensor, size_t dimension) const {
  const DraftTensor& t = tensors[static_cast<size_t>(tensor)];
  if (t.role != Role::kTemp) return t.shape[dimension];
  return axes[static_cast<size_t>(t.axes[dimension])].extent;
}

const Node* Draft::ExtentSyntaxOf(int tensor, size_t dimension) const {
  const DraftTensor& t = tensors[static_cast<size_t>(tensor)];
  if (t.role != Role::kTemp) return t.shape_syntax[dimension];
  return axes[static_cast<size_t>(t.axes[dimension])].extent_syntax;
}

void InferRanges(Draft* draft, Diagnostics* diagnostics) { RangeInference(draft, diagnostics).Run(); }

}  // namespace tunesmith::te::language
