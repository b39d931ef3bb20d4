#include "common/method/node_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <functional>

#include "common/method/optimizer.h"
#include "tests/method/tiny_scenario.h"

namespace semlink::method {
namespace {

using ::testing::HasSubstr;

// Two learners and a baseline that have seen some training.
struct Holder {
  explicit Holder(uint64_t id)
      : encoder({5, 3, 8, 4}, RandomStream(1, Purpose::kParameters, 0, 0, id), at::kCPU),
        selector({4, 2, 6, 6}, RandomStream(1, Purpose::kParameters, 0, 0, id + 100), at::kCPU),
        encoder_optimizer(encoder.parameters(), CodecOptimizer(TinyScenario().training)),
        selector_optimizer(selector.parameters(), SelectorOptimizer(TinyScenario().training)) {}

  void Train(uint64_t id) {
    torch::autograd::backward({encoder.Forward(Numbers({7, 5}, id)).square().sum()}, {});
    encoder_optimizer.Step();
    baseline = baseline.value_or(0) + 1.0 / 3 + 1e-9 * static_cast<double>(id);
    relevance.add_(Numbers({3}, id));
  }
  NodeState State() {
    return {
        {{"encoder1", &encoder, &encoder_optimizer}, {"selector", &selector, &selector_optimizer}},
        &baseline,
        {{"relevance", relevance}}};
  }
  std::string Saved() { return store::EncodeSafetensors(SaveState(State())).value(); }

  nn::BaseNetwork encoder, selector;
  nn::AdamW encoder_optimizer, selector_optimizer;
  std::optional<double> baseline;
  at::Tensor relevance = at::zeros({3}, at::kFloat);
};

v1::Parameters Parameters(Holder* holder) {
  v1::Parameters parameters;
  AppendParameters(holder->State(), &parameters);
  return parameters;
}

TEST(NodeStateTest, RestoredStateGoesOnToTheLastBit) {
  Holder from(1), to(2);
  for (uint64_t i = 0; i < 3; ++i) from.Train(i);
  const store::TensorFile saved = SaveState(from.State());
  to.Train(9);
  NodeState state = to.State();
  ASSERT_TRUE(RestoreState(saved, &state).ok());
  EXPECT_EQ(to.Saved(), from.Saved());
  from.Train(3);
  to.Train(3);
  EXPECT_EQ(to.Saved(), from.Saved());
  EXPECT_EQ(to.baseline, from.baseline);
  EXPECT_TRUE(to.encoder.parameters().requires_grad());
}

TEST(NodeStateTest, AGradientOnTheWayIsForgotten) {
  Holder from(1), to(1);
  const store::TensorFile saved = SaveState(from.State());
  torch::autograd::backward({to.encoder.Forward(Numbers({7, 5}, 4)).sum()}, {});
  NodeState state = to.State();
  ASSERT_TRUE(RestoreState(saved, &state).ok());
  to.encoder_optimizer.Step();
  EXPECT_EQ(to.Saved(), from.Saved());
}

TEST(NodeStateTest, ABaselineThatWasNeverSetStaysSo) {
  Holder from(1), to(2);
  to.Train(1);
  NodeState state = to.State();
  ASSERT_TRUE(RestoreState(SaveState(from.State()), &state).ok());
  EXPECT_FALSE(to.baseline.has_value());
}

// Whole, or not at all, whichever part is wrong.
TEST(NodeStateTest, WhatIsWrongIsNamedAndNothingIsRestored) {
  Holder from(1);
  from.Train(1);
  const store::TensorFile good = SaveState(from.State());
  using Spoil = std::function<void(store::TensorFile*)>;
  std::vector<std::pair<std::string, Spoil>> spoils;
  for (int i = 0; i < good.tensors.size(); ++i) {
    const std::string name = good.tensors.Get(i).name();
    spoils.emplace_back(name, [i](store::TensorFile* f) { f->tensors.DeleteSubrange(i, 1); });
    spoils.emplace_back(
        name, [i](store::TensorFile* f) { f->tensors.Mutable(i)->mutable_tensor()->add_shape(1); });
    spoils.emplace_back(name, [i](store::TensorFile* f) {
      f->tensors.Mutable(i)->mutable_tensor()->mutable_data()->replace(0, 4, "\xff\xff\xff\xff");
    });
  }
  spoils.emplace_back("stranger", [](store::TensorFile* f) {
    *f->tensors.Add() = f->tensors.Get(0);
    f->tensors.Mutable(f->tensors.size() - 1)->set_name("stranger");
  });
  for (const char* learner : {"encoder1", "selector"}) {
    const std::string key = std::string(learner) + ".adamw.steps";
    spoils.emplace_back(key, [key](store::TensorFile* f) { f->metadata.erase(key); });
    for (const char* steps : {"-1", "1.5", "", "many", "99999999999999999999"})
      spoils.emplace_back(key, [key, steps](store::TensorFile* f) { f->metadata[key] = steps; });
  }
  for (const char* baseline : {"nan", "inf", "", "one"})
    spoils.emplace_back("baseline",
                        [=](store::TensorFile* f) { f->metadata["baseline"] = baseline; });

  Holder to(2);
  to.Train(5);
  const std::string before = to.Saved();
  for (const auto& [name, spoil] : spoils) {
    store::TensorFile file = good;
    spoil(&file);
    NodeState state = to.State();
    const absl::Status status = RestoreState(file, &state);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(name));
    ASSERT_EQ(to.Saved(), before) << name;
  }
}

TEST(NodeStateTest, LoadedParametersAreTheSavedOnesAndOptimisersStay) {
  Holder from(1), to(2);
  to.Train(1);
  const int64_t steps = to.encoder_optimizer.steps();
  const v1::Parameters saved = Parameters(&from);
  EXPECT_EQ(saved.tensor(0).name(), "encoder1.block1.linear1.weight");
  NodeState state = to.State();
  ASSERT_TRUE(LoadParameters(saved.tensor(), &state).ok());
  EXPECT_EQ(Parameters(&to).SerializeAsString(), saved.SerializeAsString());
  EXPECT_EQ(to.encoder_optimizer.steps(), steps);
}

// A load that fails leaves all networks as they were, whichever tensor is wrong.
TEST(NodeStateTest, MissingOrMisshapenParameterIsNamedAndNothingIsLoaded) {
  Holder from(1), to(2);
  const v1::Parameters good = Parameters(&from);
  const std::string before = to.Saved();
  for (int i = 0; i < good.tensor_size(); ++i) {
    v1::Parameters missing = good, misshapen = good;
    missing.mutable_tensor(i)->set_name("other");
    v1::Tensor* tensor = misshapen.mutable_tensor(i)->mutable_tensor();
    tensor->set_shape(0, tensor->shape(0) + 1);
    for (const v1::Parameters& parameters : {missing, misshapen}) {
      NodeState state = to.State();
      const absl::Status status = LoadParameters(parameters.tensor(), &state);
      EXPECT_TRUE(absl::IsInvalidArgument(status));
      EXPECT_THAT(std::string(status.message()), HasSubstr(good.tensor(i).name()));
      ASSERT_EQ(to.Saved(), before);
    }
  }
}

}  // namespace
}  // namespace semlink::method
