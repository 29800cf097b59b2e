// SPDX-License-Identifier: Apache-2.0
// The learned model. The library is loaded at run time, so that its absence is a message and not a missing
// program.
#include <dlfcn.h>

#include <algorithm>
#include <cmath>

#include "costmodel/features.h"
#include "support/strings.h"

namespace tunesmith::costmodel {
namespace {

using Handle = void*;

/// The few functions of XGBoost's C API (xgboost/c_api.h) that are used.
struct Library {
  int (*matrix_create)(const float*, uint64_t, uint64_t, float, Handle*);
  int (*matrix_set)(Handle, const char*, const float*, uint64_t);
  int (*matrix_free)(Handle);
  int (*create)(const Handle*, uint64_t, Handle*);
  int (*set)(Handle, const char*, const char*);
  int (*train)(Handle, int, Handle);
  int (*predict)(Handle, Handle, int, unsigned, int, uint64_t*, const float**);
  int (*free)(Handle);
  const char* (*error)();
};

Result<Library> Load(const std::string& name) {
  // Never closed: what is loaded once stays, and loading it again only finds it.
  void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    return Unavailable(StrCat("XGBoost is not installed (", name,
                              " cannot be loaded), so the search learns nothing and goes by the analytic "
                              "model; install the package libxgboost0"));
  }
  Library library;
  bool all = true;
  auto bind = [&](auto& function, const char* symbol) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, symbol));
    all = all && function != nullptr;
  };
  bind(library.matrix_create, "XGDMatrixCreateFromMat");
  bind(library.matrix_set, "XGDMatrixSetFloatInfo");
  bind(library.matrix_free, "XGDMatrixFree");
  bind(library.create, "XGBoosterCreate");
  bind(library.set, "XGBoosterSetParam");
  bind(library.train, "XGBoosterUpdateOneIter");
  bind(library.predict, "XGBoosterPredict");
  bind(library.free, "XGBoosterFree");
  bind(library.error, "XGBGetLastError");
  if (!all) {
    return Unavailable(StrCat(name,
                              " lacks functions of XGBoost's version 1, so the search learns nothing and "
                              "goes by the analytic model; install Debian's libxgboost0"));
  }
  return library;
}

/// A DMatrix; freed with it.
class Matrix {
 public:
  Matrix(const Library& library, const std::vector<const Features*>& rows) : library_(library) {
    std::vector<float> flat;
    for (const Features* row : rows) flat.insert(flat.end(), row->begin(), row->end());
    ok_ = library_.matrix_create(flat.data(), rows.size(), rows.empty() ? 0 : rows[0]->size(), std::nanf(""),
                                 &handle_) == 0;
  }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;
  ~Matrix() {
    if (handle_) library_.matrix_free(handle_);
  }
  bool ok() const { return ok_; }
  bool Set(const char* field, const std::vector<float>& values) {
    return library_.matrix_set(handle_, field, values.data(), values.size()) == 0;
  }
  Handle get() const { return handle_; }

 private:
  const Library& library_;
  Handle handle_ = nullptr;
  bool ok_ = false;
};

class Xgboost : public CostModel {
 public:
  explicit Xgboost(const Library& library) : library_(library) {}
  ~Xgboost() override {
    if (booster_) library_.free(booster_);
  }

  std::vector<double> Score(const std::vector<Features>& rows) const override {
    std::vector<double> scores;
    if (booster_ && !rows.empty()) {
      std::vector<const Features*> pointers;
      for (const Features& row : rows) pointers.push_back(&row);
      Matrix matrix(library_, pointers);
      uint64_t count = 0;
      const float* values = nullptr;
      if (matrix.ok() && library_.predict(booster_, matrix.get(), 0, 0, 0, &count, &values) == 0 &&
          count == rows.size()) {
        // The trees correct the analytic guess: log latency = log cycles + trees.
        for (size_t i = 0; i < rows.size(); ++i)
          scores.push_back(std::log(std::max(1.0f, rows[i][kAnalyticCycles])) + values[i]);
        return scores;
      }
    }
    for (const Features& row : rows) scores.push_back(std::log(std::max(1.0f, row[kAnalyticCycles])));
    return scores;
  }

  Status Update(const std::vector<Example>& examples) override {
    constexpr size_t kEnough = 8;  // fewer teach nothing that the analytic model does not know
    if (examples.size() < kEnough) return absl::OkStatus();
    std::vector<const Features*> rows;
    std::vector<float> labels, weights;
    double best = examples[0].latency_ns;
    for (const Example& e : examples) best = std::min(best, e.latency_ns);
    for (const Example& e : examples) {
      rows.push_back(&e.features);
      labels.push_back(
          static_cast<float>(std::log(e.latency_ns) - std::log(std::max(1.0f, e.features[kAnalyticCycles]))));
      // What is near the best must be ranked well; far away, any order will do.
      weights.push_back(static_cast<float>(std::max(0.05, best / e.latency_ns)));
    }
    Matrix matrix(library_, rows);
    if (!matrix.ok() || !matrix.Set("label", labels) || !matrix.Set("weight", weights)) return Fail();
    if (booster_) library_.free(booster_);
    booster_ = nullptr;
    Handle handles[] = {matrix.get()};
    if (library_.create(handles, 1, &booster_) != 0) return Fail();
    constexpr std::pair<const char*, const char*> kParameters[] = {
        {"objective", "reg:squarederror"},
        {"max_depth", "5"},
        {"eta", "0.2"},
        {"min_child_weight", "0.5"},
        {"subsample", "1"},
        {"seed", "0"},
        {"nthread", "1"},
        {"base_score", "0"},
        {"verbosity", "0"},
        {"tree_method", "exact"},
    };
    for (const auto& [name, value] : kParameters) {
      if (library_.set(booster_, name, value) != 0) return Fail();
    }
    constexpr int kRounds = 40;
    for (int round = 0; round < kRounds; ++round) {
      if (library_.train(booster_, round, matrix.get()) != 0) return Fail();
    }
    return absl::OkStatus();
  }

  std::string name() const override { return "xgboost"; }

 private:
  Status Fail() const { return Internal(StrCat("XGBoost refused: ", std::string_view(library_.error()))); }

  Library library_;
  Handle booster_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<CostModel>> XgboostModel(std::string_view name) {
  TS_ASSIGN_OR_RETURN(Library library, Load(std::string(name)));
  return std::unique_ptr<CostModel>(std::make_unique<Xgboost>(library));
}

}  // namespace tunesmith::costmodel
