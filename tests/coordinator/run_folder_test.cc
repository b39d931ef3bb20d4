#include "coordinator/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "common/scenario/reader.h"
#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

using ::testing::HasSubstr;

v1::NamedTensor Tensor(const std::string& name, const std::vector<float>& values) {
  v1::NamedTensor named;
  named.set_name(name);
  named.mutable_tensor()->set_dtype(v1::Tensor::FLOAT32);
  named.mutable_tensor()->add_shape(values.size());
  std::string data(values.size() * sizeof(float), '\0');
  std::memcpy(data.data(), values.data(), data.size());
  named.mutable_tensor()->set_data(data);
  return named;
}

ParametersByNode SomeParameters() {
  ParametersByNode parameters;
  float value = 0;
  for (const NodeId& node : AllNodes(SmallScenario())) {
    // Names that do not sort: their order must survive.
    *parameters[node].add_tensor() = Tensor("selector.weight", {value, value + 1});
    *parameters[node].add_tensor() = Tensor("decoder.weight", {value + 2});
    value += 10;
  }
  return parameters;
}

TEST(RunFolderTest, WritesScenarioMetricsAndEvents) {
  TempDir folder;
  const std::string dir = folder / "a/run";
  auto run = RunFolder::Create(dir, SmallScenario());
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(ReadFile(dir + "/scenario.yaml").value(), EmitScenario(SmallScenario()));
  ASSERT_TRUE((*run)->AppendMetrics({{"window", 0}}).ok());
  ASSERT_TRUE((*run)->AppendMetrics({{"window", 1}}).ok());
  ASSERT_TRUE((*run)->AppendEvent(absl::FromUnixMillis(1500), "ready", {{"nodes", 4}}).ok());
  // Read while the run goes on: lines are flushed.
  EXPECT_EQ(ReadFile(dir + "/metrics.jsonl").value(), "{\"window\":0}\n{\"window\":1}\n");
  EXPECT_EQ(ReadFile(dir + "/events.jsonl").value(),
            "{\"time\":\"1970-01-01T00:00:01.500Z\",\"event\":\"ready\",\"nodes\":4}\n");
}

TEST(RunFolderTest, DoesNotOverwriteARun) {
  TempDir folder;
  ASSERT_TRUE(RunFolder::Create(folder / "run", SmallScenario()).ok());
  const auto again = RunFolder::Create(folder / "run", SmallScenario());
  EXPECT_TRUE(absl::IsAlreadyExists(again.status()));
  EXPECT_THAT(std::string(again.status().message()), HasSubstr("holds a run"));
}

TEST(RunFolderTest, ParametersComeBackAsTheyWere) {
  TempDir folder;
  auto run = RunFolder::Create(folder / "run", SmallScenario());
  const ParametersByNode parameters = SomeParameters();
  ASSERT_TRUE((*run)->WriteParameters(parameters).ok());
  EXPECT_FALSE(std::filesystem::exists(folder / "run/parameters.writing"));
  const auto read = ReadParameters(folder / "run/parameters", SmallScenario());
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), 4u);
  EXPECT_EQ(read->at(NodeId::Receiver(1)).tensor(0).name(), "selector.weight");
  EXPECT_EQ(ParametersSha256(*read), ParametersSha256(parameters));
}

TEST(RunFolderTest, AMissingNodeIsNamed) {
  TempDir folder;
  auto run = RunFolder::Create(folder / "run", SmallScenario());
  ParametersByNode parameters = SomeParameters();
  parameters.erase(NodeId::Receiver(0));
  ASSERT_TRUE((*run)->WriteParameters(parameters).ok());
  const auto read = ReadParameters(folder / "run/parameters", SmallScenario());
  EXPECT_TRUE(absl::IsNotFound(read.status()));
  EXPECT_THAT(std::string(read.status().message()), HasSubstr("receiver1.safetensors"));
}

TEST(RunFolderTest, BadParametersLeaveNoFolder) {
  TempDir folder;
  auto run = RunFolder::Create(folder / "run", SmallScenario());
  ParametersByNode parameters = SomeParameters();
  parameters[NodeId::Receiver(1)].mutable_tensor(0)->mutable_tensor()->set_data("xyz");
  EXPECT_FALSE((*run)->WriteParameters(parameters).ok());
  EXPECT_FALSE(std::filesystem::exists(folder / "run/parameters"));
}

TEST(ParametersTest, DigestCoversBytesAndOrder) {
  ParametersByNode parameters = SomeParameters();
  const std::string digest = ParametersSha256(parameters);
  EXPECT_EQ(digest.size(), 64u);
  parameters[NodeId::Transmitter(0)].mutable_tensor()->SwapElements(0, 1);
  EXPECT_NE(ParametersSha256(parameters), digest);
}

TEST(ParametersTest, CheckFindsWhatIsWrong) {
  v1::Parameters parameters;
  EXPECT_THAT(CheckParameters(parameters), HasSubstr("no tensor"));
  *parameters.add_tensor() = Tensor("a", {1, 2});
  EXPECT_EQ(CheckParameters(parameters), "");
  *parameters.add_tensor() = Tensor("a", {1});
  EXPECT_THAT(CheckParameters(parameters), HasSubstr("used twice"));
  parameters.mutable_tensor(1)->set_name("b");
  parameters.mutable_tensor(1)->mutable_tensor()->add_shape(2);
  EXPECT_THAT(CheckParameters(parameters), HasSubstr("its shape needs 8"));
  parameters.mutable_tensor(1)->mutable_tensor()->set_dtype(v1::Tensor::DTYPE_UNSPECIFIED);
  EXPECT_THAT(CheckParameters(parameters), HasSubstr("not float32"));
}

}  // namespace
}  // namespace semlink::coordinator
