// The grids of configs/experiments, and docs/experiments.md, which lists them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "absl/strings/str_split.h"
#include "cli/sweep_grid.h"
#include "common/base/file_system.h"
#include "common/scenario/reader.h"

namespace semlink::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

struct Experiment {
  SweepGrid grid;
  std::vector<SweepRun> runs;
  std::vector<Scenario> scenarios;  // of the runs
};

void Load(const std::string& path, Experiment* experiment) {
  const auto grid = ReadGridFile(path);
  ASSERT_TRUE(grid.ok()) << grid.status();
  experiment->grid = *grid;
  const auto runs = ExpandGrid(*grid);
  ASSERT_TRUE(runs.ok()) << runs.status();
  experiment->runs = *runs;
  for (const SweepRun& run : *runs) {
    Overrides overrides = run.overrides;
    overrides.push_back("data.root=/somewhere");
    const auto scenario = ReadScenarioFile(grid->scenario, overrides);
    ASSERT_TRUE(scenario.ok()) << path << ": " << scenario.status();
    experiment->scenarios.push_back(*scenario);
  }
}

std::map<std::string, Experiment> LoadAll() {
  std::map<std::string, Experiment> all;
  for (const auto& entry :
       std::filesystem::directory_iterator(SEMLINK_SOURCE_DIR "/configs/experiments")) {
    Load(entry.path().string(), &all[entry.path().stem().string()]);
  }
  return all;
}

class ExperimentsTest : public ::testing::Test {
 protected:
  const Experiment& Get(const std::string& name) { return all_.at(name); }
  // The values of one number over all runs.
  template <class Function>
  std::set<double> Values(const std::string& name, Function function) {
    std::set<double> values;
    for (const Scenario& scenario : Get(name).scenarios) values.insert(function(scenario));
    return values;
  }
  const std::map<std::string, Experiment> all_ = LoadAll();
};

TEST_F(ExperimentsTest, AllRunThePapersNodesOnRealData) {
  EXPECT_GE(all_.size(), 9u);
  for (const auto& [name, experiment] : all_) {
    EXPECT_TRUE(experiment.grid.out == "runs/experiments/" + name || name == "log_likelihood");
    for (const Scenario& s : experiment.scenarios) {
      EXPECT_EQ(s.data.source, DataSource::kAvMnist) << name;
      EXPECT_EQ(s.K(), 3);
      EXPECT_EQ(s.J(), 9);
      EXPECT_EQ(s.T(), 3);
      EXPECT_EQ(s.training.batch_size, 20);
      EXPECT_EQ(s.training.windows, name == "table2" ? 200 : 2000) << name;
    }
  }
}

TEST_F(ExperimentsTest, SweepWhatTheFiguresSweep) {
  const auto beta = [](const Scenario& s) { return s.training.beta; };
  EXPECT_THAT(Values("rate_relevance", beta), ElementsAre(0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1));
  EXPECT_THAT(Values("information_plane", beta), ElementsAre(0, 1e-4, 1e-3, 1e-2, 1e-1));
  EXPECT_THAT(Values("no_limits", beta), ElementsAre(0, 1e-3));
  const auto inverse_ratio = [](const Scenario& s) {
    return s.training.learning_rate_codec / s.training.learning_rate_selector;
  };
  EXPECT_THAT(Values("learning_rate_ratio", inverse_ratio), ElementsAre(0.25, 0.5, 1, 2, 4, 8, 16));
  EXPECT_THAT(Values("soft_limits", [](const Scenario& s) { return s.training.gamma; }),
              ::testing::Contains(0.1));
}

TEST_F(ExperimentsTest, NoLimitsMeansThatNoSelectionCanExceedThem) {
  for (const char* name : {"no_limits", "soft_limits"}) {
    for (const Scenario& s : Get(name).scenarios) {
      EXPECT_EQ(s.limits.e_t, s.K()) << name;
      for (int k = 0; k < s.K(); ++k) EXPECT_EQ(s.limits.e_k, s.M(k) * s.T()) << name;
    }
  }
  EXPECT_THAT(Values("no_limits", [](const Scenario& s) { return s.training.gamma; }),
              ElementsAre(0));
}

TEST_F(ExperimentsTest, LogLikelihoodSharesRunsWithTheRatios) {
  std::map<std::string, std::string> ratio_runs;
  const Experiment& ratios = Get("learning_rate_ratio");
  for (size_t i = 0; i < ratios.runs.size(); ++i) {
    ratio_runs[ratios.runs[i].name] = ScenarioHash(ratios.scenarios[i]);
  }
  const Experiment& likelihood = Get("log_likelihood");
  EXPECT_EQ(likelihood.grid.out, ratios.grid.out);
  for (size_t i = 0; i < likelihood.runs.size(); ++i) {
    EXPECT_EQ(ratio_runs[likelihood.runs[i].name], ScenarioHash(likelihood.scenarios[i]));
  }
}

TEST_F(ExperimentsTest, TheTimesOfTableTwoAreTakenOneRunAtATime) {
  EXPECT_EQ(Get("table2").grid.jobs, 1);
  std::vector<std::string> methods;
  for (const Scenario& s : Get("table2").scenarios) methods.push_back(s.method.name);
  EXPECT_THAT(methods, UnorderedElementsAre("pom2dib", "pom2dib_nocr", "midib_published", "vddib"));
}

// | [name](...) | figure | runs | ...
TEST_F(ExperimentsTest, ThePageListsThemWithTheirRuns) {
  const auto page = ReadFile(SEMLINK_SOURCE_DIR "/docs/experiments.md");
  ASSERT_TRUE(page.ok()) << page.status();
  std::map<std::string, size_t> listed;
  const std::regex row(R"(^\| `(\w+)\.yaml` \|[^|]*\| (\d+) \|.*)");
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(*page, '\n'))) {
    std::smatch match;
    if (std::regex_match(line, match, row)) listed[match[1]] = std::stoul(match[2]);
  }
  std::map<std::string, size_t> counted;
  for (const auto& [name, experiment] : all_) counted[name] = experiment.runs.size();
  EXPECT_EQ(listed, counted);
}

}  // namespace
}  // namespace semlink::cli
