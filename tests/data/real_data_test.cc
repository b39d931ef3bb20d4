// The public files themselves: SEMLINK_AV_MNIST names a folder with mnist/ and fsdd/
// (scripts/fetch_data.sh makes one).
#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "common/base/resource_usage.h"
#include "common/data/dataset.h"
#include "gtest/gtest.h"

namespace semlink::data {
namespace {

class RealDataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("SEMLINK_AV_MNIST");
    if (root == nullptr || *root == '\0') GTEST_SKIP() << "SEMLINK_AV_MNIST is not set";
    scenario_.data.source = DataSource::kAvMnist;
    scenario_.data.root = root;
    scenario_.transmitters.resize(1);
    scenario_.transmitters[0].modalities = {ModalityKind::kImageFft, ModalityKind::kMel,
                                            ModalityKind::kNoise};
    scenario_.receivers.resize(1);
    scenario_.receivers[0].task = TaskKind::kDigit;
  }

  Scenario scenario_;
};

TEST_F(RealDataTest, FolderHoldsThePublishedFiles) {
  const auto rows = CheckFolder(scenario_.data.root);
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 5u);
  for (const CheckedFile& row : *rows) EXPECT_TRUE(row.ok) << row.path << ": " << row.verdict;
  EXPECT_EQ((*rows)[0].what, "60000 images of 28x28");
  EXPECT_EQ((*rows)[4].what, "3000 recordings, 8000 Hz, mono: 2700 for training, 300 for the test");
}

TEST_F(RealDataTest, SizesAndFirstLabels) {
  const auto sizes = ReadSplitSizes(scenario_.data);
  ASSERT_TRUE(sizes.ok()) << sizes.status();
  EXPECT_EQ(sizes->train, 60000);
  EXPECT_EQ(sizes->test, 10000);
  const auto labels = OpenLabels(scenario_, 0);
  ASSERT_TRUE(labels.ok()) << labels.status();
  EXPECT_TRUE(at::equal((*labels)->Batch(Split::kTrain, {{0, {0, 1, 2, 3, 4, 59999}}}),
                        at::tensor({5, 0, 4, 1, 9, 8}, at::kLong)));
  EXPECT_TRUE(at::equal((*labels)->Batch(Split::kTest, {{0, {0, 1, 2, 9999}}}),
                        at::tensor({7, 2, 1, 6}, at::kLong)));
}

TEST_F(RealDataTest, NearestMeanIsFarAboveChanceAndMemoryIsBounded) {
  const auto sources = OpenModalities(scenario_, 0);
  ASSERT_TRUE(sources.ok()) << sources.status();
  const auto labels = OpenLabels(scenario_, 0);
  ASSERT_TRUE(labels.ok()) << labels.status();
#ifdef NDEBUG
  EXPECT_LT(PeakRssBytes(), uint64_t{450} << 20);  // a daemon has 700 MiB for everything
#endif
  std::vector<int64_t> train(5000), test(10000);
  std::iota(train.begin(), train.end(), 0);
  std::iota(test.begin(), test.end(), 0);
  const at::Tensor y = (*labels)->Batch(Split::kTrain, {{0, train}});
  const at::Tensor expected = (*labels)->Batch(Split::kTest, {{0, test}});
  // Nearest class mean: what these features give without any training.
  const double floors[] = {0.4, 0.4};
  for (int m = 0; m < 2; ++m) {
    const at::Tensor x = (*sources)[m]->Batch({Split::kTrain, 1, 0}, {{0, train}});
    std::vector<at::Tensor> means;
    for (int d = 0; d < 10; ++d) {
      means.push_back(x.index_select(0, at::nonzero(y == d).squeeze(1)).mean(0));
    }
    const at::Tensor z = (*sources)[m]->Batch({Split::kTest, 1, 1}, {{0, test}});
    const at::Tensor guess = at::cdist(z, at::stack(means)).argmin(1);
    const double accuracy = (guess == expected).to(at::kFloat).mean().item<double>();
    EXPECT_GT(accuracy, floors[m]) << Name((*sources)[m]->kind());
    RecordProperty(Name((*sources)[m]->kind()), std::to_string(accuracy));
  }
}

}  // namespace
}  // namespace semlink::data
