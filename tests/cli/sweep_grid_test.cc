#include "cli/sweep_grid.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semlink::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::vector<std::string> Names(const std::vector<SweepRun>& runs) {
  std::vector<std::string> names;
  for (const SweepRun& run : runs) names.push_back(run.name);
  return names;
}

absl::StatusOr<std::vector<SweepRun>> Expand(const std::string& text) {
  const absl::StatusOr<SweepGrid> grid = ParseGrid(text, "dir/grid.yaml");
  if (!grid.ok()) return grid.status();
  return ExpandGrid(*grid);
}

TEST(SweepGridTest, CombinesTheValues) {
  const auto runs = Expand(
      "scenario: a.yaml\nset: {training.windows: 3}\ngrid:\n  beta: [0, 1e-3]\n  seed: 1..2\n");
  ASSERT_TRUE(runs.ok()) << runs.status();
  EXPECT_THAT(Names(*runs), ElementsAre("beta=0,seed=1", "beta=0,seed=2", "beta=1e-3,seed=1",
                                        "beta=1e-3,seed=2"));
  EXPECT_THAT((*runs)[3].overrides,
              ElementsAre("training.windows=3", "training.beta=1e-3", "seed=2"));
}

TEST(SweepGridTest, BlocksStandSideBySideAndRunsCountOnce) {
  const auto runs = Expand(
      "scenario: a.yaml\ngrid:\n  - {method: [pom2dib, rsdib], seed: 1..2}\n"
      "  - {method: vddib, seed: 1}\n  - {method: pom2dib, seed: [2, 3]}\n");
  ASSERT_TRUE(runs.ok()) << runs.status();
  EXPECT_THAT(Names(*runs),
              ElementsAre("method=pom2dib,seed=1", "method=pom2dib,seed=2", "method=rsdib,seed=1",
                          "method=rsdib,seed=2", "method=vddib,seed=1", "method=pom2dib,seed=3"));
}

TEST(SweepGridTest, ScenarioIsRelativeToTheGrid) {
  const auto grid = ParseGrid("scenario: ../a.yaml\njobs: 3\ntransport: grpc\nout: o\ngrid: {}\n",
                              "runs/dir/grid.yaml");
  ASSERT_TRUE(grid.ok()) << grid.status();
  EXPECT_EQ(grid->scenario, "runs/a.yaml");
  EXPECT_EQ(grid->jobs, 3);
  EXPECT_EQ(grid->transport, "grpc");
  EXPECT_THAT(Names(*ExpandGrid(*grid)), ElementsAre("run"));
}

TEST(SweepGridTest, SaysAllMistakesWithTheirLines) {
  const absl::Status status = Expand(
                                  "scenaro: a.yaml\njobs: 0\ntransport: udp\nset: {a: [1]}\n"
                                  "grid:\n  seed: []\n  seeds: 1\n  beta: {x: 1}\n")
                                  .status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  for (const char* part :
       {"dir/grid.yaml:1: scenaro: found an unknown key; expected perhaps scenario",
        "dir/grid.yaml:2: jobs", "dir/grid.yaml:3: transport: found 'udp'; expected grpc or inproc",
        "dir/grid.yaml:4: set.a", "dir/grid.yaml:6: grid.seed", "dir/grid.yaml:8: grid.beta",
        "scenario: found nothing"}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(part));
  }
  EXPECT_FALSE(Expand("- 1\n").ok());
  EXPECT_FALSE(Expand("scenario: [").ok());
  EXPECT_THAT(std::string(Expand("scenario: a\ngrid: {seed: 1, seeds: 2}\n").status().message()),
              HasSubstr("a second axis"));
}

TEST(SweepGridTest, QuotedTextsStayTexts) {
  const auto runs = Expand("scenario: a.yaml\ngrid: {name: ['1..2', \"it's\"]}\n");
  ASSERT_TRUE(runs.ok()) << runs.status();
  EXPECT_EQ((*runs)[0].overrides[0], "name='1..2'");
  EXPECT_EQ((*runs)[1].overrides[0], "name='it''s'");
}

TEST(SweepGridTest, FlagsAreAxes) {
  const auto range = ParseGridFlag("seed=3..5"), list = ParseGridFlag("e_t=1,2");
  ASSERT_TRUE(range.ok() && list.ok());
  EXPECT_THAT(range->values, ElementsAre("3", "4", "5"));
  EXPECT_EQ(list->key, "limits.e_t");
  EXPECT_THAT(list->values, ElementsAre("1", "2"));
  const auto wide = ParseGridFlag("seed=-9000000000000000000..9000000000000000000");
  ASSERT_TRUE(wide.ok());
  EXPECT_THAT(wide->values, SizeIs(1));  // no range: the scenario's reader refuses it
  const auto last = ParseGridFlag("seed=9223372036854775806..9223372036854775807");
  ASSERT_TRUE(last.ok());
  EXPECT_THAT(last->values, SizeIs(2));
  for (const char* wrong : {"", "seed", "seed=", "=1", "seed=1,,2"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseGridFlag(wrong).status())) << wrong;
  }
}

TEST(SweepGridTest, FolderNamesAreSafeAndDifferent) {
  SweepGrid grid;
  grid.blocks = {{{"data.root", {"/a/b", "/a:b", std::string(300, 'x')}, "--grid"}}};
  const auto runs = ExpandGrid(grid);
  ASSERT_TRUE(runs.ok());
  for (const SweepRun& run : *runs) {
    EXPECT_EQ(run.name.find_first_of("/:"), std::string::npos) << run.name;
    EXPECT_LT(run.name.size(), 150u);
  }
  EXPECT_NE((*runs)[0].name, (*runs)[1].name);
}

TEST(SweepGridTest, KeysThatEndAlikeAreWrittenOut) {
  SweepGrid grid;
  grid.blocks = {{{"transmitters.1.device", {"cpu"}, ""}, {"receivers.1.device", {"cpu"}, ""}}};
  EXPECT_THAT(Names(*ExpandGrid(grid)),
              ElementsAre("transmitters.1.device=cpu,receivers.1.device=cpu"));
}

TEST(SweepGridTest, ALargeGridIsRefused) {
  SweepGrid grid;
  SweepAxis axis{"seed", std::vector<std::string>(), ""};
  for (int i = 0; i < 400; ++i) axis.values.push_back(std::to_string(i));
  grid.blocks = {{axis, axis}};
  EXPECT_TRUE(absl::IsInvalidArgument(ExpandGrid(grid).status()));
}

TEST(SweepGridTest, MessagesNameTheGridsLines) {
  const auto grid =
      ParseGrid("scenario: a.yaml\nset: {training.windows: x}\ngrid:\n  seed: [q]\n", "grid.yaml");
  ASSERT_TRUE(grid.ok());
  EXPECT_EQ(WithGridPlaces(*grid, "--set seed=q: a\n--set training.windows=x: b"),
            "grid.yaml:4: a\ngrid.yaml:2: b");
}

}  // namespace
}  // namespace semlink::cli
