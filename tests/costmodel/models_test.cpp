// SPDX-License-Identifier: Apache-2.0
// The models behind their seam. What is learned is artificial: latencies that features explain and the
// analytic estimate does not.
#include <gtest/gtest.h>

#include <cmath>

#include "costmodel/features.h"
#include "support/random.h"

namespace tunesmith::costmodel {
namespace {

/// A row whose analytic estimate is within a factor of two of any other's, and whose latency depends four
/// times as much on other features.
Example Artificial(uint64_t index) {
  Random random(7, 0, index);
  Example e;
  e.features.resize(FeatureNames().size());
  for (float& value : e.features) value = static_cast<float>(8 * random.Uniform());
  e.features[kAnalyticCycles] = static_cast<float>(1e5 * (1 + random.Uniform()));
  const double strided = e.features[5] > 4 ? 2 : 1, few = e.features[14] < 2 ? 3 : 1;
  e.latency_ns = e.features[kAnalyticCycles] * strided * few * (1 + 0.1 * e.features[20]);
  return e;
}

std::vector<Example> ArtificialSet(uint64_t first, size_t count) {
  std::vector<Example> set;
  for (uint64_t i = 0; i < count; ++i) set.push_back(Artificial(first + i));
  return set;
}

std::vector<Features> RowsOf(const std::vector<Example>& examples) {
  std::vector<Features> rows;
  for (const Example& e : examples) rows.push_back(e.features);
  return rows;
}

/// The share of pairs that the model puts in the right order.
double RightPairs(const CostModel& model, const std::vector<Example>& examples) {
  const std::vector<double> scores = model.Score(RowsOf(examples));
  EXPECT_EQ(scores.size(), examples.size());
  double right = 0, pairs = 0;
  for (size_t a = 0; a < examples.size(); ++a) {
    for (size_t b = a + 1; b < examples.size(); ++b) {
      ++pairs;
      right += (scores[a] < scores[b]) == (examples[a].latency_ns < examples[b].latency_ns);
    }
  }
  return right / pairs;
}

TEST(AnalyticModel, GoesByItsOwnFeatureAndLearnsNothing) {
  const std::unique_ptr<CostModel> model = AnalyticModel();
  EXPECT_EQ(model->name(), "analytic");
  const std::vector<Example> examples = ArtificialSet(0, 20);
  const std::vector<double> before = model->Score(RowsOf(examples));
  for (size_t i = 0; i < examples.size(); ++i)
    EXPECT_EQ(before[i], static_cast<double>(examples[i].features[kAnalyticCycles]));
  EXPECT_TRUE(model->Update(examples).ok());
  EXPECT_EQ(model->Score(RowsOf(examples)), before);
  EXPECT_TRUE(model->Score({}).empty());
}

TEST(XgboostModel, NamesTheLibraryThatIsMissingAndThePackage) {
  EXPECT_EQ(MessageOf(XgboostModel("libnot-there.so.0").status()),
            "XGBoost is not installed (libnot-there.so.0 cannot be loaded), so the search learns nothing and "
            "goes by the analytic model; install the package libxgboost0");
  EXPECT_EQ(MessageOf(XgboostModel("libc.so.6").status()),
            "libc.so.6 lacks functions of XGBoost's version 1, so the search learns nothing and goes by the "
            "analytic model; install Debian's libxgboost0");
}

/// The learned model, where the optional library is there.
class Learned : public testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<CostModel>> model = XgboostModel();
    if (!model.ok()) GTEST_SKIP() << MessageOf(model.status());
    model_ = *std::move(model);
  }
  std::unique_ptr<CostModel> model_;
};

TEST_F(Learned, RanksBetterThanTheAnalyticModelWhatItHasNotSeen) {
  ASSERT_TRUE(model_->Update(ArtificialSet(0, 200)).ok());
  const std::vector<Example> unseen = ArtificialSet(1000, 200);
  const double analytic = RightPairs(*AnalyticModel(), unseen);
  EXPECT_LT(analytic, 0.75);
  EXPECT_GT(RightPairs(*model_, unseen), 0.85);
}

TEST_F(Learned, IsTheAnalyticOrderBeforeItHasEnough) {
  const std::vector<Example> unseen = ArtificialSet(1000, 50);
  const double analytic = RightPairs(*AnalyticModel(), unseen);
  EXPECT_EQ(RightPairs(*model_, unseen), analytic);
  ASSERT_TRUE(model_->Update(ArtificialSet(0, 3)).ok());
  EXPECT_EQ(RightPairs(*model_, unseen), analytic);
}

TEST_F(Learned, IsTheSameForTheSameExamples) {
  const std::vector<Example> examples = ArtificialSet(0, 100);
  const std::vector<Features> rows = RowsOf(ArtificialSet(1000, 100));
  const std::unique_ptr<CostModel> other = XgboostModel().value();
  ASSERT_TRUE(model_->Update(ArtificialSet(500, 40)).ok());  // what was learned before is forgotten
  ASSERT_TRUE(model_->Update(examples).ok());
  ASSERT_TRUE(other->Update(examples).ok());
  EXPECT_EQ(model_->Score(rows), other->Score(rows));
}

TEST_F(Learned, GivesFiniteScoresWhateverItLearnsFrom) {
  std::vector<Example> equal(12, Artificial(0));
  std::vector<Example> apart = ArtificialSet(0, 12);
  for (size_t i = 0; i < apart.size(); ++i) apart[i].latency_ns = i % 2 == 0 ? 1e-3 : 1e13;
  std::vector<Example> none = ArtificialSet(0, 12);
  for (Example& e : none) e.features.assign(e.features.size(), 0);
  for (const std::vector<Example>& examples : {equal, apart, none}) {
    ASSERT_TRUE(model_->Update(examples).ok());
    for (double score : model_->Score(RowsOf(ArtificialSet(1000, 20)))) EXPECT_TRUE(std::isfinite(score));
    for (double score : model_->Score(RowsOf(examples))) EXPECT_TRUE(std::isfinite(score));
  }
  EXPECT_TRUE(model_->Score({}).empty());
}

}  // namespace
}  // namespace tunesmith::costmodel
