// The scenario files that come with the project.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/scenario/reader.h"

namespace semlink {
namespace {

absl::StatusOr<Scenario> ReadConfig(const std::string& name, const Overrides& overrides = {}) {
  return ReadScenarioFile(absl::StrCat(SEMLINK_SOURCE_DIR, "/configs/", name), overrides);
}

TEST(ConfigsTest, AllAreValid) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SEMLINK_SOURCE_DIR "/configs")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    const auto scenario = ReadScenarioFile(entry.path().string(), {"data.root=/somewhere"});
    ASSERT_TRUE(scenario.ok()) << scenario.status();
    EXPECT_EQ(scenario->name, entry.path().stem());
  }
  EXPECT_GE(files, 4);
}

TEST(ConfigsTest, RealDataIsAskedFor) {
  const auto scenario = ReadConfig("av_mnist_pom2dib.yaml");
  ASSERT_FALSE(scenario.ok());
  EXPECT_NE(scenario.status().message().find("--set data.root=DIR"), std::string::npos);
}

TEST(ConfigsTest, AvMnistIsThePapersExperiment) {
  for (const char* name : {"av_mnist_pom2dib.yaml", "av_mnist_pom2dib_paper.yaml"}) {
    const auto s = ReadConfig(name, {"data.root=/d"});
    ASSERT_TRUE(s.ok()) << s.status();
    EXPECT_EQ(s->K(), 3);
    EXPECT_EQ(s->T(), 3);
    EXPECT_EQ(s->limits.e_t, 2);
    EXPECT_EQ(s->limits.e_k, 4);
    EXPECT_EQ(s->training.windows, 2000);
    EXPECT_EQ(s->training.rounds_per_window, 20);
    EXPECT_EQ(s->training.batch_size, 20);
    EXPECT_EQ(s->model.embedding, 24);
  }
  EXPECT_EQ(ReadConfig("av_mnist_pom2dib_paper.yaml", {"data.root=/d"})->method.preset, "paper");
}

TEST(ConfigsTest, UnevenIsUneven) {
  const auto s = ReadConfig("uneven.yaml");
  ASSERT_TRUE(s.ok()) << s.status();
  EXPECT_EQ(s->K(), 5);
  EXPECT_EQ(s->T(), 4);
  std::set<int> sizes;
  for (int k = 0; k < s->K(); ++k) sizes.insert(s->M(k));
  EXPECT_EQ(sizes, (std::set<int>{1, 2, 3, 4}));
}

}  // namespace
}  // namespace semlink
