#include "cli/set_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace semlink::cli {
namespace {

using testing::HasSubstr;

TEST(SetTrainerTest, FoldersAreNamedAfterSetAndSeed) {
  EXPECT_EQ(SetRunName({{0, 2, 0}, {1, 1, 0}}, 4), "links=1.3-1_2.2-1,seed=4");
  LinkSet many;
  std::set<std::string> names;
  for (int t = 0; t < 60; ++t) {
    many.push_back({0, 0, t});
    const std::string name = SetRunName(many, 1);
    EXPECT_LT(name.size(), 150u);  // a file's name may have 255 bytes
    EXPECT_TRUE(names.insert(name).second);
  }
}

TEST(SetTrainerTest, AScenarioThatDoesNotAllowItIsSaidBeforeAnythingStarts) {
  SetTrainerOptions options;
  options.runs.scenario = SEMLINK_SOURCE_DIR "/configs/quickstart.yaml";
  options.runs.out = "/proc/nowhere";  // can't be made
  options.seeds = {1};
  RealClock clock;
  options.overrides = {"rate.estimator=knn_entropy"};
  const absl::Status entropy = SetTrainer(options, &clock).Score({{{0, 0, 0}}}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(entropy));
  EXPECT_THAT(std::string(entropy.message()), HasSubstr("rate.estimator"));
  options.overrides = {"faults=[{at_window: 2, kind: kill, target: receiver1}]"};
  const absl::Status faults = SetTrainer(options, &clock).Score({{{0, 0, 0}}}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(faults));
  EXPECT_THAT(std::string(faults.message()), HasSubstr("--set faults=[]"));
}

}  // namespace
}  // namespace semlink::cli
