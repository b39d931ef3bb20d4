// docs/extend/data_set.md
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/data/dataset.h"
#include "common/data/layout.h"
#include "tests/base/temp_dir.h"
#include "tests/extend/example.h"

namespace semlink::extend {
namespace {

using ::testing::HasSubstr;

// Sample i: fault i % 4, then i + 0.01, i + 0.02, ...
std::string Line(int i) {
  std::string line = absl::StrCat(i % 4);
  for (int column = 1; column <= 20; ++column) absl::StrAppend(&line, ",", i + 0.01 * column);
  return line + "\n";
}

class MachinesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Write("train.csv", 40);
    Write("test.csv", 10);
  }
  void Write(const std::string& name, int samples, const std::string& more = "") {
    std::ofstream file(absl::StrCat(dir_.path(), "/", name));
    for (int i = 0; i < samples; ++i) file << Line(i);
    file << more;
  }
  Scenario Read(Overrides overrides = {}) {
    overrides.push_back(absl::StrCat("data.root=", dir_.path()));
    const auto scenario = ReadExample("machines.yaml", overrides);
    EXPECT_TRUE(scenario.ok()) << scenario.status();
    return *scenario;
  }
  TempDir dir_;
};

TEST_F(MachinesTest, SourcesAreTheColumns) {
  const Scenario scenario = Read();
  const auto sizes = data::ReadSplitSizes(scenario.data);
  ASSERT_TRUE(sizes.ok()) << sizes.status();
  EXPECT_EQ(sizes->train, 40);
  EXPECT_EQ(sizes->test, 10);
  const auto first = data::OpenModalities(scenario, 0), second = data::OpenModalities(scenario, 1);
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  const data::BatchKey key{data::Split::kTrain, 1, 0};
  const at::Tensor vibration = (*first)[0]->Batch(key, {{0, {3, 39}}});
  EXPECT_EQ(vibration.sizes(), (at::IntArrayRef{2, 16}));
  EXPECT_FLOAT_EQ(vibration[0][0].item<float>(), 3.01f);
  EXPECT_FLOAT_EQ(vibration[1][15].item<float>(), 39.16f);
  EXPECT_EQ((*first)[1]->Batch(key, {{0, {3}}}).size(1), 196);  // noise comes by itself
  const at::Tensor temperature = (*second)[0]->Batch(key, {{0, {3}}});
  EXPECT_FLOAT_EQ(temperature[0][0].item<float>(), 3.17f);
  const auto labels = data::OpenLabels(scenario, 0);
  ASSERT_TRUE(labels.ok()) << labels.status();
  const at::Tensor told = (*labels)->Batch(data::Split::kTrain, {{0, {3, 5, 8}}});
  EXPECT_TRUE(at::equal(told, at::tensor({3, 1, 0}, at::kLong)));
}

TEST_F(MachinesTest, FewerSamplesAreSpreadOverTheFile) {
  const Scenario scenario = Read({"data.train_samples=20"});
  const auto sources = data::OpenModalities(scenario, 1);
  ASSERT_TRUE(sources.ok()) << sources.status();
  EXPECT_EQ((*sources)[0]->size(data::Split::kTrain), 20);
  EXPECT_EQ((*sources)[0]->size(data::Split::kTest), 10);
  const at::Tensor batch = (*sources)[0]->Batch({data::Split::kTrain, 1, 0}, {{0, {19}}});
  EXPECT_FLOAT_EQ(batch[0][0].item<float>(), 38.17f);
  EXPECT_THAT(
      std::string(data::ReadSplitSizes(Read({"data.train_samples=41"}).data).status().message()),
      HasSubstr("expected 0 (all) to 40"));
}

TEST_F(MachinesTest, MistakesInTheFilesHaveAPlace) {
  Write("test.csv", 10, "1,2,3\n");
  EXPECT_THAT(std::string(data::ReadSplitSizes(Read().data).status().message()),
              HasSubstr("test.csv:11: expected a fault, 0 to 3, and 20 numbers"));
  std::string nan = Line(0);
  nan.replace(nan.rfind(','), std::string::npos, ",nan\n");
  Write("test.csv", 10, nan);
  const auto sources = data::OpenModalities(Read(), 1);
  EXPECT_THAT(std::string(sources.status().message()), HasSubstr("test split: not all values"));
  Write("test.csv", 0);
  EXPECT_THAT(std::string(data::ReadSplitSizes(Read().data).status().message()),
              HasSubstr("0 test samples; expected at least one"));
}

TEST_F(MachinesTest, WhatTheDataSetLacksIsSaid) {
  Scenario scenario = Read({"receivers=[{task: digit}]", "transmitters.1.modalities=[mel]"});
  EXPECT_THAT(std::string(data::OpenLabels(scenario, 0).status().message()),
              HasSubstr("no task digit"));
  EXPECT_THAT(std::string(data::OpenModalities(scenario, 0).status().message()),
              HasSubstr("no modality mel"));
  // And the other way round: digits have no faults.
  const auto digits = ReadExample("machines.yaml", {"data.source=synthetic"});
  ASSERT_TRUE(digits.ok());
  EXPECT_THAT(std::string(data::OpenLabels(*digits, 0).status().message()),
              HasSubstr("task fault"));
  EXPECT_THAT(std::string(data::OpenModalities(*digits, 0).status().message()),
              HasSubstr("modality vibration"));
}

}  // namespace
}  // namespace semlink::extend
