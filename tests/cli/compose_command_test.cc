#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands.h"
#include "cli/compose_file.h"
#include "common/base/file_system.h"
#include "common/node/exit_code.h"
#include "common/scenario/reader.h"
#include "yaml-cpp/yaml.h"

namespace semlink::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kRoot = SEMLINK_SOURCE_DIR;
constexpr char kTestbed[] = "configs/testbed.yaml";

Scenario Read(const std::string& name) {
  const absl::StatusOr<Scenario> scenario = ReadScenarioFile(kRoot + "/" + name);
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return *scenario;
}

ComposeOptions Options(const std::string& arguments = "") {
  ComposeOptions options;
  options.scenario_path = kTestbed;
  options.command = absl::StrCat("semlink compose ", kTestbed, arguments);
  return options;
}

std::vector<std::string> Words(const YAML::Node& list) {
  return list.as<std::vector<std::string>>();
}

std::set<std::string> Keys(const YAML::Node& map) {
  std::set<std::string> keys;
  for (const auto& item : map) keys.insert(item.first.as<std::string>());
  return keys;
}

// What `semlink compose` prints.
std::pair<int, std::string> Print(std::vector<std::string> arguments) {
  CLI::App app;
  Action action;
  AddComposeCommand(&app, &action);
  arguments.insert(arguments.begin(), "compose");
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  app.parse(arguments);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = action();
  const std::string errors = testing::internal::GetCapturedStderr();
  const std::string out = testing::internal::GetCapturedStdout();
  return {code, code == kExitSuccess ? out : errors};
}

TEST(ComposeFileTest, TheRepositorysFilesAreWhatTheCommandPrints) {
  const Scenario scenario = Read(kTestbed);
  EXPECT_EQ(ComposeFile(scenario, Options()), *ReadFile(kRoot + "/docker-compose.yml"))
      << "make it again: semlink compose " << kTestbed << " > docker-compose.yml";
  ASSERT_THAT(OverlayNames(), Not(IsEmpty()));
  for (const std::string& name : OverlayNames()) {
    const std::string arguments = " --overlay " + name;
    EXPECT_EQ(*ComposeOverlay(name, scenario, Options(arguments)),
              *ReadFile(absl::StrCat(kRoot, "/deploy/compose.", name, ".yaml")))
        << "make it again: semlink compose " << kTestbed << arguments;
  }
}

TEST(ComposeFileTest, HasAServiceAndAVolumeForEveryNodeOfAnyScenario) {
  const YAML::Node file = YAML::Load(ComposeFile(Read("configs/uneven.yaml"), Options()));
  const std::set<std::string> nodes = {
      "coordinator",  "transmitter1", "transmitter2", "transmitter3", "transmitter4",
      "transmitter5", "receiver1",    "receiver2",    "receiver3",    "receiver4"};
  std::set<std::string> services = nodes, volumes = nodes;
  services.insert("certs");
  volumes.insert("ca");
  EXPECT_EQ(Keys(file["services"]), services);
  EXPECT_EQ(Keys(file["volumes"]), volumes);
  EXPECT_EQ(Words(file["services"]["certs"]["volumes"]).size(), nodes.size() + 2);
}

TEST(ComposeFileTest, ANodeSeesItsOwnVolumeOnly) {
  const YAML::Node services = YAML::Load(ComposeFile(Read(kTestbed), Options()))["services"];
  for (const auto& service : services) {
    const std::string name = service.first.as<std::string>();
    if (name == "certs") continue;
    for (const std::string& mount : Words(service.second["volumes"])) {
      EXPECT_TRUE(mount == name + ":/var/lib/semlink" ||
                  (name == "coordinator" && mount.find(":/etc/semlink/") != std::string::npos))
          << name << ": " << mount;
    }
  }
}

TEST(ComposeFileTest, SeparatesControlAndDataPlane) {
  const YAML::Node file = YAML::Load(ComposeFile(Read(kTestbed), Options()));
  const YAML::Node services = file["services"];
  EXPECT_THAT(Words(services["coordinator"]["networks"]), ElementsAre("control"));
  EXPECT_THAT(Words(services["receiver2"]["networks"]), ElementsAre("control", "data"));
  // Receivers dial a name that only the data network resolves.
  const YAML::Node transmitter = services["transmitter2"];
  EXPECT_THAT(Words(transmitter["networks"]["data"]["aliases"]), ElementsAre("transmitter2.data"));
  EXPECT_THAT(Words(transmitter["command"]), Contains("transmitter2.data:7001"));
  EXPECT_TRUE(file["networks"]["control"]["internal"].as<bool>());
  EXPECT_TRUE(file["networks"]["data"]["internal"].as<bool>());
}

TEST(ComposeFileTest, NodesAreNumberedFromOneAndSecured) {
  const YAML::Node services = YAML::Load(ComposeFile(Read(kTestbed), Options()))["services"];
  const std::vector<std::string> command = Words(services["receiver3"]["command"]);
  EXPECT_THAT(absl::StrJoin(command, " "),
              HasSubstr("semlink-receiver --coordinator coordinator:7433 --index 3"));
  for (const auto& service : services) {
    if (service.first.as<std::string>() == "certs") continue;
    EXPECT_THAT(Words(service.second["command"]), Contains("--tls"));
    EXPECT_THAT(Words(service.second["command"]), Not(Contains("--insecure")));
  }
}

TEST(ComposeFileTest, AnImageOfOnesOwnIsNotBuilt) {
  ComposeOptions options = Options();
  EXPECT_TRUE(YAML::Load(ComposeFile(Read(kTestbed), options))["services"]["certs"]["build"]);
  options.image = "registry.lab/semlink:1";
  const YAML::Node services = YAML::Load(ComposeFile(Read(kTestbed), options))["services"];
  EXPECT_FALSE(services["certs"]["build"]);
  EXPECT_THAT(services["receiver1"]["<<"]["<<"]["image"].as<std::string>(),
              HasSubstr(options.image));
}

TEST(ComposeFileTest, OverlaysChangeServicesThatAreThere) {
  const Scenario scenario = Read(kTestbed);
  const auto services = Keys(YAML::Load(ComposeFile(scenario, Options()))["services"]);
  for (const std::string& name : OverlayNames()) {
    const YAML::Node overlay = YAML::Load(*ComposeOverlay(name, scenario, Options()));
    for (const std::string& service : Keys(overlay["services"])) {
      if (overlay["services"][service]["image"] && name == "monitoring") continue;  // its own
      EXPECT_THAT(services, Contains(service)) << name;
    }
  }
}

TEST(ComposeCommandTest, PrintsOrSaysWhatIsWrong) {
  const std::string scenario = kRoot + "/" + kTestbed;
  const auto [code, out] = Print({scenario, "--image", "mine"});
  EXPECT_EQ(code, kExitSuccess);
  EXPECT_THAT(out, HasSubstr("${SEMLINK_IMAGE:-mine}"));
  EXPECT_THAT(out, HasSubstr(absl::StrCat("${SEMLINK_SCENARIO:-", scenario, "}")));
  const auto [no_overlay, reason] = Print({scenario, "--overlay", "clouds"});
  EXPECT_EQ(no_overlay, kExitUsage);
  EXPECT_THAT(reason, HasSubstr("faults"));
  EXPECT_EQ(Print({"/no/such.yaml"}).first, kExitUsage);
}

}  // namespace
}  // namespace semlink::cli
