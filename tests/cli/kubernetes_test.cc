// deploy/kubernetes: what no schema says. The manifests fit one another and the scenario.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/base/file_system.h"
#include "common/scenario/reader.h"
#include "yaml-cpp/yaml.h"

namespace semlink::cli {
namespace {

using testing::Contains;

const std::string kFolder = SEMLINK_SOURCE_DIR "/deploy/kubernetes/";

// All documents of all files that the kustomization names, by "Kind/name".
std::map<std::string, YAML::Node> Resources() {
  std::map<std::string, YAML::Node> resources;
  for (const YAML::Node& file : YAML::LoadFile(kFolder + "kustomization.yaml")["resources"]) {
    for (const YAML::Node& each : YAML::LoadAllFromFile(kFolder + file.as<std::string>())) {
      const auto kind = each["kind"].as<std::string>();
      resources[kind + "/" + each["metadata"]["name"].as<std::string>()] = each;
    }
  }
  return resources;
}

std::string Text(const YAML::Node& node) { return YAML::Dump(node); }

std::set<std::string> Names(const YAML::Node& list) {
  std::set<std::string> names;
  for (const YAML::Node& item : list) names.insert(item["name"].as<std::string>());
  return names;
}

TEST(KubernetesTest, RunsTheScenarioOfTheComposeFile) {
  EXPECT_EQ(*ReadFile(kFolder + "scenario.yaml"),
            *ReadFile(SEMLINK_SOURCE_DIR "/configs/testbed.yaml"));
}

TEST(KubernetesTest, HasAStatefulSetForEachRoleWithAsManyPodsAsTheScenarioHasNodes) {
  const auto resources = Resources();
  const Scenario scenario = *ReadScenarioFile(kFolder + "scenario.yaml");
  const std::map<std::string, int> pods = {
      {"coordinator", 1}, {"transmitter", scenario.K()}, {"receiver", scenario.T()}};
  // What the kustomization says replaces what the StatefulSets say.
  for (const YAML::Node& each : YAML::LoadFile(kFolder + "kustomization.yaml")["replicas"]) {
    EXPECT_EQ(each["count"].as<int>(), pods.at(each["name"].as<std::string>()));
  }
  for (const auto& [role, count] : pods) {
    ASSERT_THAT(resources, Contains(testing::Key("StatefulSet/" + role)));
    const YAML::Node spec = resources.at("StatefulSet/" + role)["spec"];
    EXPECT_EQ(spec["replicas"].as<int>(), count);
    EXPECT_THAT(resources,
                Contains(testing::Key("Service/" + spec["serviceName"].as<std::string>())));
    EXPECT_EQ(Text(spec["selector"]["matchLabels"]), Text(spec["template"]["metadata"]["labels"]));
  }
}

TEST(KubernetesTest, PodsMountWhatTheyDeclareAndAreNotRoot) {
  for (const auto& [name, resource] : Resources()) {
    if (resource["kind"].as<std::string>() != "StatefulSet") continue;
    const YAML::Node pod = resource["spec"]["template"]["spec"];
    std::set<std::string> volumes = Names(pod["volumes"]);
    for (const YAML::Node& claim : resource["spec"]["volumeClaimTemplates"]) {
      volumes.insert(claim["metadata"]["name"].as<std::string>());
    }
    EXPECT_EQ(Names(pod["containers"][0]["volumeMounts"]), volumes) << name;
    EXPECT_TRUE(pod["securityContext"]["runAsNonRoot"].as<bool>()) << name;
    // A process that is number 1 could neither kill nor stop itself.
    EXPECT_TRUE(pod["shareProcessNamespace"].as<bool>()) << name;
  }
}

TEST(KubernetesTest, ServicesLeadToPortsThatPodsOpen) {
  const auto resources = Resources();
  for (const auto& [name, service] : resources) {
    if (service["kind"].as<std::string>() != "Service") continue;
    const std::string role = service["metadata"]["name"].as<std::string>();
    const YAML::Node pod = resources.at("StatefulSet/" + role)["spec"]["template"]["spec"];
    EXPECT_EQ(Names(service["spec"]["ports"]), Names(pod["containers"][0]["ports"])) << name;
  }
}

}  // namespace
}  // namespace semlink::cli
