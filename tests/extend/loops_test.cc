// docs/extend/task.md
#include <gtest/gtest.h>

#include "common/data/corpus.h"
#include "common/data/dataset.h"
#include "tests/extend/example.h"

namespace semlink::extend {
namespace {

TEST(LoopsTest, LabelsAreTheLoopsOfTheDigits) {
  const auto scenario = ReadExample("loops.yaml", {"data.test_samples=300"});
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  EXPECT_EQ(TaskClasses(scenario->receivers[1].task), 3);
  EXPECT_DOUBLE_EQ(scenario->receivers[1].baseline, 0.9);
  const auto labels = data::OpenLabels(*scenario, 1);
  ASSERT_TRUE(labels.ok()) << labels.status();

  const auto corpus = data::OpenSynthetic(scenario->data, scenario->seed);
  const std::vector<uint8_t> digits = *(*corpus)->Labels(data::Split::kTest);
  const int64_t loops[10] = {1, 0, 0, 0, 0, 0, 1, 0, 2, 1};
  data::RoundSamples all;
  for (int64_t i = 0; i < 300; ++i) all.samples.push_back(i);
  const at::Tensor told = (*labels)->Batch(data::Split::kTest, {all});
  int64_t seen[3] = {0, 0, 0};
  for (int64_t i = 0; i < 300; ++i) {
    EXPECT_EQ(told[i].item<int64_t>(), loops[digits[i]]) << "sample " << i;
    ++seen[loops[digits[i]]];
  }
  for (const int64_t count : seen) EXPECT_GT(count, 0);
}

}  // namespace
}  // namespace semlink::extend
