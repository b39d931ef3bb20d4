// docs/extend/modality.md
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/data/corpus.h"
#include "common/data/dataset.h"
#include "common/scenario/extensions.h"
#include "tests/extend/example.h"

namespace semlink::extend {
namespace {

TEST(InkProfileTest, IsTheMeanInkOfRowsAndColumns) {
  const auto scenario = ReadExample("ink_profile.yaml", {"data.train_samples=40"});
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  const auto sources = data::OpenModalities(*scenario, 0);
  ASSERT_TRUE(sources.ok()) << sources.status();
  ASSERT_EQ(sources->size(), 1u);
  EXPECT_STREQ(Name((*sources)[0]->kind()), "ink_profile");

  const auto corpus = data::OpenSynthetic(scenario->data, scenario->seed);
  const std::vector<uint8_t> images = *(*corpus)->Images(data::Split::kTrain);
  const at::Tensor ink = at::tensor(at::ArrayRef<uint8_t>(images)).to(at::kDouble) / 255;
  const at::Tensor picture = ink.view({40, 28, 28})[33];
  const at::Tensor expected = at::cat({picture.mean(1), picture.mean(0)});
  const at::Tensor batch = (*sources)[0]->Batch({data::Split::kTrain, 1, 5}, {{0, {7, 33}}});
  ASSERT_EQ(batch.sizes(), (at::IntArrayRef{2, 56}));
  EXPECT_TRUE(at::allclose(batch[1].to(at::kDouble), expected, 0, 1e-6));
  EXPECT_GT(expected.max().item<double>(), 0.05);
}

TEST(InkProfileTest, IsOneOfTheNames) {
  EXPECT_THAT(ModalityNames(), ::testing::IsSupersetOf({"mel", "noise", "ink_profile"}));
  const auto scenario = ReadExample("ink_profile.yaml", {"transmitters.1.modalities=[ink]"});
  EXPECT_THAT(std::string(scenario.status().message()), ::testing::HasSubstr("ink_profile"));
}

}  // namespace
}  // namespace semlink::extend
