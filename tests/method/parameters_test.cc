#include "common/method/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/method/tiny_scenario.h"

namespace semlink::method {
namespace {

using ::testing::HasSubstr;

nn::BaseNetwork Network(uint64_t id) {
  return nn::BaseNetwork({5, 3, 8, 4}, RandomStream(1, Purpose::kParameters, 0, 0, id), at::kCPU);
}

v1::Parameters Saved(const nn::BaseNetwork& network) {
  v1::Parameters saved;
  AppendParameters("encoder1", network, &saved);
  return saved;
}

TEST(ParametersTest, LoadedNetworkIsTheSavedOne) {
  nn::BaseNetwork from = Network(1), to = Network(2);
  ASSERT_FALSE(Same(from.parameters(), to.parameters()));
  v1::Parameters saved;
  AppendParameters("encoder0", Network(3), &saved);
  AppendParameters("encoder1", from, &saved);
  ASSERT_TRUE(LoadParameters("encoder1", saved.tensor(), &to).ok());
  EXPECT_TRUE(Same(from.parameters(), to.parameters()));
  EXPECT_TRUE(to.parameters().requires_grad());
}

TEST(ParametersTest, NamesHaveThePrefix) {
  const v1::Parameters saved = Saved(Network(1));
  ASSERT_GT(saved.tensor_size(), 10);
  EXPECT_EQ(saved.tensor(0).name(), "encoder1.block1.linear1.weight");
}

// A load that fails leaves the network as it was, whichever tensor is wrong.
TEST(ParametersTest, MissingTensorIsNamedAndNothingIsLoaded) {
  const nn::BaseNetwork from = Network(1);
  const int count = Saved(from).tensor_size();
  for (int i = 0; i < count; ++i) {
    v1::Parameters saved = Saved(from);
    const std::string name = saved.tensor(i).name();
    saved.mutable_tensor(i)->set_name("other");
    nn::BaseNetwork to = Network(2);
    const absl::Status status = LoadParameters("encoder1", saved.tensor(), &to);
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_THAT(std::string(status.message()), HasSubstr(name));
    EXPECT_TRUE(Same(to.parameters(), Network(2).parameters()));
  }
}

TEST(ParametersTest, WrongShapeIsNamedAndNothingIsLoaded) {
  v1::Parameters saved = Saved(Network(1));
  v1::NamedTensor* last = saved.mutable_tensor(saved.tensor_size() - 1);
  last->mutable_tensor()->set_shape(0, last->tensor().shape(0) + 1);
  nn::BaseNetwork to = Network(2);
  const absl::Status status = LoadParameters("encoder1", saved.tensor(), &to);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(last->name()));
  EXPECT_TRUE(Same(to.parameters(), Network(2).parameters()));
}

}  // namespace
}  // namespace semlink::method
