#include "common/scenario/scenario.h"

#include <gtest/gtest.h>

namespace semlink {
namespace {

TEST(ScenarioTest, KnowsSizesAndNames) {
  EXPECT_EQ(ModalitySize(ModalityKind::kImageFft), 196);
  EXPECT_EQ(ModalitySize(ModalityKind::kMel), 512);
  EXPECT_EQ(ModalitySize(ModalityKind::kNoise), 196);
  EXPECT_EQ(TaskClasses(TaskKind::kParity), 2);
  EXPECT_EQ(TaskClasses(TaskKind::kRing), 6);
  EXPECT_EQ(TaskClasses(TaskKind::kDigit), 10);
  EXPECT_STREQ(Name(ModalityKind::kImageFft), "image_fft");
  EXPECT_STREQ(Name(TaskKind::kRing), "ring");
}

TEST(ScenarioTest, NumbersSlotsByTransmitterThenModality) {
  Scenario scenario;
  scenario.transmitters = {{{ModalityKind::kNoise}, "cpu"},
                           {{ModalityKind::kMel, ModalityKind::kNoise}, "cpu"},
                           {{ModalityKind::kMel}, "cpu"}};
  EXPECT_EQ(scenario.J(), 4);
  EXPECT_EQ(scenario.Slot(0, 0), 0);
  EXPECT_EQ(scenario.Slot(1, 0), 1);
  EXPECT_EQ(scenario.Slot(1, 1), 2);
  EXPECT_EQ(scenario.Slot(2, 0), 3);
}

}  // namespace
}  // namespace semlink
