#include "coordinator/run_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/base/file_system.h"
#include "common/scenario/reader.h"
#include "coordinator/ledger.h"
#include "tests/base/temp_dir.h"

namespace semlink::coordinator {
namespace {

namespace fs = std::filesystem;

const absl::Time kNow =
    absl::FromCivil(absl::CivilSecond(2030, 6, 1, 12, 0, 0), absl::UTCTimeZone());

class RunChoiceTest : public testing::Test {
 protected:
  RunChoiceTest() : runs_(parent_ / "runs") { scenario_.name = "s"; }

  RunChoice Choose() {
    const absl::StatusOr<RunChoice> choice = ChooseRun(runs_, scenario_, job_, kNow);
    EXPECT_TRUE(choice.ok()) << choice.status();
    return *choice;
  }
  // A run whose ledger was written so many seconds ago.
  void MakeRun(const std::string& name, int seconds_ago, const Scenario& scenario) {
    const std::string run = runs_ + "/" + name;
    ASSERT_TRUE(MakeDirs(run).ok());
    Write(run + "/scenario.yaml", EmitScenario(scenario));
    fs::remove(run + "/ledger.sqlite");
    RunInfo info;
    info.job = job_;
    ASSERT_TRUE(Ledger::Create(run + "/ledger.sqlite", info).ok());
    fs::last_write_time(run + "/ledger.sqlite",
                        fs::file_time_type::clock::now() - std::chrono::seconds(seconds_ago));
  }
  void Write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(path, text).ok());
  }

  TempDir parent_;
  std::string runs_;
  Scenario scenario_;
  JobOptions job_;
};

TEST_F(RunChoiceTest, BeginsWhereThereIsNoRun) {
  const RunChoice choice = Choose();
  EXPECT_FALSE(choice.resume);
  EXPECT_EQ(choice.dir, runs_ + "/s-20300601-120000");
}

TEST_F(RunChoiceTest, GoesOnWithTheNewestUnfinishedRun) {
  MakeRun("a", 20, scenario_);
  MakeRun("b", 10, scenario_);
  MakeRun("c", 30, scenario_);
  ASSERT_TRUE(MakeDirs(runs_ + "/not-a-run").ok());
  ASSERT_TRUE(LinkRun(runs_ + "/a", "").ok());  // a link is no run
  const RunChoice choice = Choose();
  EXPECT_TRUE(choice.resume);
  EXPECT_EQ(choice.dir, runs_ + "/b");
}

TEST_F(RunChoiceTest, BeginsAgainAfterAFinishedRun) {
  for (const char* result : {"summary.json", "infer.json"}) {
    fs::remove_all(runs_);
    MakeRun("a", 20, scenario_);
    MakeRun("b", 10, scenario_);
    Write(runs_ + "/b/" + result, "{}");
    const RunChoice choice = Choose();
    EXPECT_FALSE(choice.resume) << result;
    EXPECT_EQ(choice.dir, runs_ + "/s-20300601-120000");
    EXPECT_EQ(choice.finished, runs_ + "/b");
  }
}

TEST_F(RunChoiceTest, DoesNotGoOnWithAnotherScenario) {
  MakeRun("a", 10, scenario_);
  scenario_.seed = 2;
  EXPECT_FALSE(Choose().resume);
}

TEST_F(RunChoiceTest, DoesNotGoOnWithAnotherJob) {
  job_.kind = JobKind::kEvaluate;
  job_.draws = 16;
  MakeRun("a", 10, scenario_);
  EXPECT_TRUE(Choose().resume);
  job_.draws = 32;
  EXPECT_FALSE(Choose().resume);
  job_.draws = 16;
  job_.kind = JobKind::kTrain;
  EXPECT_FALSE(Choose().resume);
  Write(runs_ + "/a/summary.json", "{}");
  EXPECT_EQ(Choose().finished, "") << "another job's result is none of this one";
}

TEST_F(RunChoiceTest, ADamagedLedgerIsNotPassedOver) {
  MakeRun("a", 10, scenario_);
  Write(runs_ + "/a/ledger.sqlite", "no database");
  EXPECT_TRUE(Choose().resume);
}

TEST_F(RunChoiceTest, LinksLeadToTheRunAndToItsCertificates) {
  MakeRun("a", 10, scenario_);
  MakeRun("b", 10, scenario_);
  const std::string certificates = parent_ / "certs";
  ASSERT_TRUE(LinkRun(runs_ + "/a", "").ok());
  EXPECT_FALSE(fs::exists(runs_ + "/a/certs"));
  ASSERT_TRUE(LinkRun(runs_ + "/b", certificates).ok());
  ASSERT_TRUE(LinkRun(runs_ + "/b", certificates).ok());  // as after a restart
  EXPECT_EQ(fs::read_symlink(runs_ + "/latest"), "b");
  EXPECT_EQ(fs::read_symlink(runs_ + "/b/certs"), certificates);
}

}  // namespace
}  // namespace semlink::coordinator
