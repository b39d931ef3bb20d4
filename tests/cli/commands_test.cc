#include "cli/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "common/node/exit_code.h"
#include "nlohmann/json.hpp"
#include "tests/cli/files.h"

namespace semlink::cli {
namespace {

using testing::HasSubstr;

struct Outcome {
  int code;
  std::string out, err;
};

// Parses and runs a command line as main does; -1 if it can't be parsed.
Outcome RunCommand(std::vector<std::string> arguments) {
  CLI::App app;
  Action action;
  AddRunCommand(&app, &action);
  AddEvaluateCommand(&app, &action);
  AddInferCommand(&app, &action);
  AddValidateCommand(&app, &action);
  AddStatusCommand(&app, &action);
  AddDataCommand(&app, &action);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return {-1, "", error.what()};
  }
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = action();
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

const char kQuickstart[] = SEMLINK_SOURCE_DIR "/configs/quickstart.yaml";

TEST(ValidateCommandTest, AcceptsAndRefuses) {
  EXPECT_EQ(RunCommand({"validate", kQuickstart}).code, kExitSuccess);
  const Outcome bad =
      RunCommand({"validate", "--set", "training.windows=0", kQuickstart, "--set=limits.e_t=17"});
  EXPECT_EQ(bad.code, kExitUsage);
  EXPECT_THAT(bad.err, HasSubstr("--set training.windows=0"));
  EXPECT_THAT(bad.err, HasSubstr("--set limits.e_t=17"));
  EXPECT_EQ(RunCommand({"validate", "/no/such/file.yaml"}).code, kExitUsage);
}

TEST(ValidateCommandTest, SpeaksJson) {
  const Outcome good = RunCommand({"validate", kQuickstart, "--format=json"});
  EXPECT_EQ(good.code, kExitSuccess);
  const auto json = nlohmann::json::parse(good.out);
  EXPECT_EQ(json["valid"], true);
  EXPECT_EQ(json["links"], 27);
  const Outcome bad =
      RunCommand({"validate", kQuickstart, "--format", "json", "--set", "a=1", "--set", "b=2"});
  EXPECT_EQ(bad.code, kExitUsage);
  EXPECT_EQ(nlohmann::json::parse(bad.out)["mistakes"].size(), 2u);
}

TEST(ValidateCommandTest, PrintsTheResolvedScenario) {
  const Outcome resolved = RunCommand({"validate", kQuickstart, "--resolved"});
  TempDir folder;
  WriteText(folder / "resolved.yaml", resolved.out);
  EXPECT_EQ(RunCommand({"validate", folder / "resolved.yaml", "--resolved"}).out, resolved.out);
}

TEST(CommandsTest, WrongUsageDoesNotParse) {
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"run", "a.yaml", "b.yaml"},
                                             {"run", "a.yaml", "--transport=carrier-pigeon"},
                                             {"run", "a.yaml", "--port=70000"},
                                             {"run", "--resume", "a", "--set", "seed=2"},
                                             {"run", "--resume", "a", "--transport=inproc"},
                                             {"run", "--resume", "a", "--tls"},
                                             {"validate", "a.yaml", "--format=xml"},
                                             {"evaluate", "run", "--draws=0"},
                                             {"infer", "run", "--batch", "none"},
                                             {"status", "run", "--coordinator", "host:1"},
                                             {"data", "check"},
                                             {"fly"}}) {
    EXPECT_EQ(RunCommand(wrong).code, -1) << wrong.back();
  }
  const Outcome nothing = RunCommand({"run"});
  EXPECT_EQ(nothing.code, kExitUsage);
  EXPECT_THAT(nothing.err, HasSubstr("--resume"));
}

TEST(JobCommandsTest, RefuseBeforeTheyStartAnything) {
  TempDir folder;
  EXPECT_EQ(RunCommand({"run", kQuickstart, "--set", "seed=x", "--out", folder / "a"}).code,
            kExitUsage);
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));
  const Outcome no_data =
      RunCommand({"run", SEMLINK_SOURCE_DIR "/configs/av_mnist_pom2dib.yaml", "--set",
                  "data.root=" + (folder / "no"), "--out", folder / "a"});
  EXPECT_EQ(no_data.code, kExitUsage);
  EXPECT_THAT(no_data.err, HasSubstr("/no/mnist/"));
  EXPECT_FALSE(std::filesystem::exists(folder / "a"));
  WriteText(folder / "precious", "");
  const Outcome occupied = RunCommand({"run", kQuickstart, "--out", folder.path()});
  EXPECT_EQ(occupied.code, kExitUsage);
  EXPECT_THAT(occupied.err, HasSubstr("is not empty"));
  EXPECT_EQ(RunCommand({"run", kQuickstart, "--out", folder / "precious"}).code, kExitUsage);
  EXPECT_EQ(RunCommand({"evaluate", folder / "none"}).code, kExitUsage);
  WriteText(folder / "scenario.yaml", "");
  const Outcome untrained = RunCommand({"infer", folder.path()});
  EXPECT_EQ(untrained.code, kExitUsage);
  EXPECT_THAT(untrained.err, HasSubstr("has no parameters/"));
}

TEST(StatusCommandTest, ExitsWithThreeIfNobodyAnswers) {
  TempDir folder;
  EXPECT_EQ(RunCommand({"status", folder.path()}).code, kExitConnection);
  EXPECT_EQ(RunCommand({"status", "--coordinator", "127.0.0.1:1", "--insecure"}).code,
            kExitConnection);
  const Outcome unprotected = RunCommand({"status", "--coordinator", "127.0.0.1:1"});
  EXPECT_EQ(unprotected.code, kExitUsage);
  EXPECT_THAT(unprotected.err, HasSubstr("--insecure"));
}

TEST(DataCommandTest, SaysWhatIsMissing) {
  TempDir folder;
  const Outcome empty = RunCommand({"data", "check", folder.path()});
  EXPECT_EQ(empty.code, kExitFailed);
  EXPECT_THAT(empty.out, HasSubstr("missing"));
  const Outcome json = RunCommand({"data", "check", folder.path(), "--format=json"});
  EXPECT_EQ(nlohmann::json::parse(json.out)["ok"], false);
  EXPECT_EQ(RunCommand({"data", "check", folder / "none"}).code, kExitUsage);
}

}  // namespace
}  // namespace semlink::cli
