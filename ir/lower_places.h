// SPDX-License-Identifier: Apache-2.0
// Lowering's view of where things are: which buffer holds what of which tensor while one function is built.
#pragma once

#include <algorithm>
#include <vector>

#include "ir/lower_storage.h"
#include "support/status.h"
#include "support/strings.h"

namespace tunesmith::ir {

class Places {
 protected:
  using NodeId = schedule::NodeId;
  using StageId = schedule::StageId;
  using Span = schedule::Span;
  using Place = schedule::Place;
  using Plan = schedule::Plan;
  using ExprKind = te::ExprKind;
  static constexpr NodeId kRoot = schedule::kRoot;

  Places(const Plan& plan, bool packing)
      : plan_(plan), packing_(packing), storage_(plan.graph->tensors.size()), kept_(plan.stages.size()) {}

  const te::Tensor& TensorOf(StageId id) const {
    return plan_.graph->tensors[static_cast<size_t>(plan_.stage(id).tensor)];
  }
  const schedule::StagePlan& PlanOf(StageId id) const { return plan_.stages[static_cast<size_t>(id)]; }
  bool Packed(StageId id) const { return PlanOf(id).place == Place::kPack; }

  /// A stage is emitted in this function if it is packed here, or belongs to the kernel.
  bool Emits(StageId id) const { return PlanOf(id).leaf >= 0 && Packed(id) == packing_; }

  int AddBuffer(Buffer buffer) {
    buffer.alignment = kLine;
    function_.buffers.push_back(std::move(buffer));
    return static_cast<int>(function_.buffers.size()) - 1;
  }

  void AddParameter(int tensor, std::vector<Span> region, schedule::Layout layout, bool written,
                    int64_t alignment) {
    Buffer b;
    b.name = plan_.graph->tensors[static_cast<size_t>(tensor)].name;
    b.dtype = plan_.graph->tensors[static_cast<size_t>(tensor)].dtype;
    b.elements = ElementsOf(layout);
    b.parameter = parameters_++;
    b.written = written;
    int id = AddBuffer(b);
    function_.buffers[static_cast<size_t>(id)].alignment = alignment;
    storage_[static_cast<size_t>(tensor)] = {id, std::move(region), std::move(layout)};
  }

  /// Whether a stage of the kernel reads the tensor.
  bool ReadByMain(int tensor) const {
    for (StageId consumer : plan_.graph->ConsumersOf(tensor)) {
      if (PlanOf(consumer).leaf >= 0 && !Packed(consumer)) return true;
    }
    return false;
  }

  /// Whether packed stage `id` reads the tensor, itself or through other packed stages.
  bool IsMadeFrom(StageId id, int tensor) const {
    bool reads = false;
    te::Visit(plan_.stage(id).body, [&](const Expr& e) {
      if (reads || e->kind != ExprKind::kRead) return;
      StageId source = plan_.graph->StageOf(e->id);
      reads = e->id == tensor || (source >= 0 && IsMadeFrom(source, tensor));
    });
    return reads;
  }

  /// For each parameter, the packed stage that takes its place in main, or -1. main and pack place the packed
  /// weights in the order of these parameters. Errors: a packed stage finds no place.
  Result<std::vector<StageId>> PackedPlaces() const {
    std::vector<StageId> packs;  // packed stages that the kernel reads
    for (StageId id = 0; id < static_cast<StageId>(plan_.stages.size()); ++id) {
      if (Packed(id) && ReadByMain(plan_.stage(id).tensor)) packs.push_back(id);
    }
    std::vector<StageId> places;
    for (int t : plan_.graph->Parameters()) {
      const bool free =
          plan_.graph->tensors[static_cast<size_t>(t)].role == te::Role::kWeight && !ReadByMain(t);
      auto made_from =
          std::find_if(packs.begin(), packs.end(), [&](StageId id) { return free && IsMadeFrom(id, t); });
      places.push_back(made_from == packs.end() ? -1 : *made_from);
      if (made_from != packs.end()) packs.erase(made_from);
    }
    if (packs.empty()) return places;
    return Invalid(
        StrCat("lower: '", plan_.NameOf(packs[0]),
               "' is packed, but the weights that it is made from are still read as they are, so that none "
               "gives up its place to it; do not pack it"));
  }

  Status PlaceParameters(std::vector<int>* packed) {
    TS_ASSIGN_OR_RETURN(const std::vector<StageId> places, PackedPlaces());
    const auto add_packed = [&](StageId id) {
      const schedule::Layout layout =
          PlanOf(id).layout.empty() ? RowMajor(WholeOf(TensorOf(id))) : PlanOf(id).layout;
      AddParameter(plan_.stage(id).tensor, WholeOf(TensorOf(id)), layout, packing_, kLine);
    };
    // The interface promises no more than an element's alignment; the caller's pointers decide.
    const auto add_plain = [&](int t, bool written) {
      const te::Tensor& tensor = plan_.graph->tensors[static_cast<size_t>(t)];
      const std::vector<Span> whole = WholeOf(tensor);
      AddParameter(t, whole, RowMajor(whole), written, te::SizeOf(tensor.dtype));
    };
    const std::vector<int> parameters = plan_.graph->Parameters();
    if (packing_) {
      for (int t : parameters) {
        if (plan_.graph->tensors[static_cast<size_t>(t)].role == te::Role::kWeight) add_plain(t, false);
      }
      for (StageId id : places) {
        if (id >= 0) add_packed(id);
      }
      return absl::OkStatus();
    }
    for (size_t n = 0; n < parameters.size(); ++n) {
      if (places[n] < 0) {
        add_plain(parameters[n], false);
      } else {
        packed->push_back(parameters_);
        add_packed(places[n]);
      }
    }
    for (int t : plan_.graph->Outputs()) add_plain(t, true);
    return absl::OkStatus();
  }

  // ---- storage of what is computed

  /// A tensor that is computed whole and needed later lies in the workspace, or, while its sums are still
  /// partial, in the output that is computed from it element by element.
  Storage& StorageOf(int tensor) {
    Storage& storage = storage_[static_cast<size_t>(tensor)];
    if (storage.buffer >= 0) return storage;
    StageId id = plan_.graph->StageOf(tensor);
    if (int output = SharedOutput(id); output >= 0) {
      storage = StorageOf(output);
      return storage;
    }
    const te::Tensor& t = plan_.graph->tensors[static_cast<size_t>(tensor)];
    Buffer b;
    b.name = t.name;
    b.dtype = t.dtype;
    b.scope = schedule::Scope::kWorkspace;
    storage.region = WholeOf(t);
    storage.layout = PlanOf(id).layout.empty() ? RowMajor(storage.region) : PlanOf(id).layout;
    b.elements = ElementsOf(storage.layout);
    storage.buffer = AddBuffer(b);
    return storage;
  }

  /// The output that may hold the partial sums of stage `id`: its only consumer's, computed from kept
  /// accumulators at the same index, of the same type and shape. -1 if there is none.
  int SharedOutput(StageId id) const {
    if (PlanOf(id).keep == kRoot || !PlanOf(id).layout.empty()) return -1;
    std::vector<int> consumers = plan_.graph->ConsumersOf(plan_.stage(id).tensor);
    if (consumers.size() != 1) return -1;
    StageId c = consumers[0];
    if (PlanOf(c).leaf < 0 || !plan_.Encloses(PlanOf(id).keep, PlanOf(c).leaf)) return -1;
    const te::Stage& stage = plan_.stage(c);
    if (stage.reducer != te::Reducer::kNone || TensorOf(c).role != te::Role::kOutput) return -1;
    if (TensorOf(c).dtype != TensorOf(id).dtype || TensorOf(c).shape != TensorOf(id).shape) return -1;
    bool same_index = true;
    te::Visit(stage.body, [&](const Expr& e) {
      if (e->kind != ExprKind::kRead || e->id != plan_.stage(id).tensor) return;
      for (size_t d = 0; d < e->args.size(); ++d) {
        same_index =
            same_index && e->args[d]->kind == ExprKind::kVar && e->args[d]->id == static_cast<int>(d);
      }
    });
    return same_index ? stage.tensor : -1;
  }

  /// Where stage `reader` (or the stage itself) finds the tensor of stage `id`.
  const Storage& Find(int tensor, NodeId reader_leaf) {
    StageId id = plan_.graph->StageOf(tensor);
    if (id >= 0 && PlanOf(id).keep != kRoot && kept_[static_cast<size_t>(id)].buffer >= 0 &&
        plan_.Encloses(PlanOf(id).keep, reader_leaf)) {
      return kept_[static_cast<size_t>(id)];
    }
    return StorageOf(tensor);
  }

  const Buffer& BufferOf(const Storage& storage) const {
    return function_.buffers[static_cast<size_t>(storage.buffer)];
  }

  const Plan& plan_;
  const bool packing_;
  Function function_;
  int parameters_ = 0;
  std::vector<Storage> storage_;  // by tensor
  std::vector<Storage> kept_;     // by stage: its accumulators in registers
};

}  // namespace tunesmith::ir
