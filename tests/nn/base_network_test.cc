#include "common/nn/base_network.h"

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/variable.h>

#include <cmath>
#include <map>
#include <thread>

#include "common/nn/adamw.h"
#include "common/nn/gemm.h"

namespace semlink::nn {
namespace {

constexpr double kTolerance = 1e-5;

RandomStream Stream(uint64_t id) { return RandomStream(11, Purpose::kParameters, 0, 0, id); }

at::Tensor Random(at::IntArrayRef shape, uint64_t id) {
  at::Tensor x = at::empty(shape);
  Stream(1000 + id).FillNormal(x.data_ptr<float>(), static_cast<std::size_t>(x.numel()));
  return x;
}

double Relative(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.to(at::kDouble), y = b.to(at::kDouble);
  return ((x - y).norm() / (y.norm() + 1e-30)).item<double>();
}

BaseNetwork Network(const BaseNetworkOptions& options) {
  BaseNetwork network(options, Stream(1), at::kCPU);
  // Biases, gains and shifts away from 0 and 1, so that an exchange of two would show.
  uint64_t id = 500;
  for (auto& [name, view] : network.NamedParameters()) {
    if (view.dim() == 1) at::Tensor(view).add_(Random({view.size(0)}, id++) * 0.1);
  }
  return network;
}

// The same network in double precision from plain ATen operations and autograd.
class Reference {
 public:
  explicit Reference(const BaseNetwork& network) {
    for (const auto& [name, view] : network.NamedParameters()) {
      parameters_[name] = view.to(at::kDouble).clone().set_requires_grad(true);
    }
  }

  at::Tensor Forward(const at::Tensor& x) {
    const at::Tensor hidden = Norm(Residual(x, "block1."), "norm1.");
    return Linear(Norm(Residual(hidden, "block2."), "norm2."), "output.");
  }

  at::Tensor Gradient(const std::string& name) {
    const at::Tensor& p = parameters_.at(name);
    return p.grad().defined() ? p.grad() : at::zeros_like(p);
  }

 private:
  at::Tensor Linear(const at::Tensor& x, const std::string& name) {
    return at::linear(x, parameters_.at(name + "weight"), parameters_.at(name + "bias"));
  }
  at::Tensor Norm(const at::Tensor& x, const std::string& name) {
    return at::layer_norm(x, {x.size(1)}, parameters_.at(name + "weight"),
                          parameters_.at(name + "bias"), 1e-5);
  }
  at::Tensor Residual(const at::Tensor& x, const std::string& name) {
    const at::Tensor inner = Linear(at::relu(Linear(x, name + "linear1.")), name + "linear2.");
    const bool identity = parameters_.count(name + "shortcut.weight") == 0;
    return at::relu(inner + (identity ? x : Linear(x, name + "shortcut.")));
  }

  std::map<std::string, at::Tensor> parameters_;
};

// Views of the gradient by name: a network over the gradient's storage would name them alike.
at::Tensor NamedGradient(const BaseNetwork& network, const at::Tensor& view) {
  const at::Tensor& flat = network.parameters();
  return flat.grad().as_strided(view.sizes(), view.strides(),
                                view.storage_offset() - flat.storage_offset());
}

void ExpectSameGradients(const BaseNetwork& network, Reference* reference) {
  for (const auto& [name, view] : network.NamedParameters()) {
    EXPECT_LT(Relative(NamedGradient(network, view), reference->Gradient(name)), kTolerance)
        << name;
  }
}

class BaseNetworkShapes : public testing::TestWithParam<BaseNetworkOptions> {};

TEST_P(BaseNetworkShapes, ForwardAndBackwardAgreeWithPlainAutograd) {
  const BaseNetwork network = Network(GetParam());
  Reference reference(network);
  const at::Tensor x = Random({37, GetParam().in}, 1).set_requires_grad(true);
  const at::Tensor x2 = x.detach().to(at::kDouble).set_requires_grad(true);
  const at::Tensor weight = Random({37, GetParam().out}, 2);

  const at::Tensor y = network.Forward(x), y2 = reference.Forward(x2);
  EXPECT_LT(Relative(y, y2), kTolerance);
  (y * weight).sum().backward();
  (y2 * weight).sum().backward();
  EXPECT_LT(Relative(x.grad(), x2.grad()), kTolerance);
  ExpectSameGradients(network, &reference);
}

INSTANTIATE_TEST_SUITE_P(Sizes, BaseNetworkShapes,
                         testing::Values(BaseNetworkOptions{20, 6}, BaseNetworkOptions{7, 3, 24, 9},
                                         BaseNetworkOptions{24, 1, 24, 16},
                                         BaseNetworkOptions{10, 2, 16, 16},
                                         BaseNetworkOptions{1, 1, 1, 1},
                                         BaseNetworkOptions{16, 2, 16, 16}),
                         [](const auto& param) {
                           const BaseNetworkOptions& o = param.param;
                           return std::to_string(o.in) + "_" + std::to_string(o.hidden1) + "_" +
                                  std::to_string(o.hidden2) + "_" + std::to_string(o.out);
                         });

TEST(BaseNetworkTest, BackwardPassesAddUp) {
  const BaseNetwork network = Network({12, 4, 32, 16});
  Reference reference(network);
  const at::Tensor a = Random({9, 12}, 1), b = Random({5, 12}, 2);
  // Two passes in one graph and one after it.
  (network.Forward(a).sum() + network.Forward(b).pow(2).sum()).backward();
  network.Forward(a).pow(3).sum().backward();
  (reference.Forward(a.to(at::kDouble)).sum() + reference.Forward(b.to(at::kDouble)).pow(2).sum() +
   reference.Forward(a.to(at::kDouble)).pow(3).sum())
      .backward();
  ExpectSameGradients(network, &reference);
}

TEST(BaseNetworkTest, AfterAStepTheNextBackwardStartsAfresh) {
  BaseNetwork network = Network({12, 4, 32, 16});
  AdamW optimizer(network.parameters(), {});
  const at::Tensor a = Random({9, 12}, 1);
  network.Forward(a).pow(2).sum().backward();
  optimizer.Step();
  Reference reference(network);
  network.Forward(a).pow(2).sum().backward();
  reference.Forward(a.to(at::kDouble)).pow(2).sum().backward();
  ExpectSameGradients(network, &reference);
}

TEST(BaseNetworkTest, WithoutGradModeNothingIsRecorded) {
  const BaseNetwork network = Network({12, 4, 32, 16});
  const at::Tensor x = Random({9, 12}, 1);
  at::NoGradGuard guard;
  const at::Tensor y = network.Forward(x);
  EXPECT_FALSE(y.requires_grad());
  at::AutoGradMode enable(true);
  EXPECT_TRUE(y.equal(network.Forward(x).detach()));
}

TEST(BaseNetworkTest, PassesFeatureGradientsToAnotherNetwork) {
  // Encoder and decoder in one graph: the decoder's input gradient reaches the encoder.
  const BaseNetwork encoder = Network({6, 5, 16, 8}), decoder = Network({5, 2, 16, 8});
  Reference encoder2(encoder), decoder2(decoder);
  const at::Tensor x = Random({11, 6}, 1);
  decoder.Forward(encoder.Forward(x).tanh()).pow(2).sum().backward();
  decoder2.Forward(encoder2.Forward(x.to(at::kDouble)).tanh()).pow(2).sum().backward();
  ExpectSameGradients(encoder, &encoder2);
  ExpectSameGradients(decoder, &decoder2);
}

at::Tensor Concatenated(const std::vector<SlotInput>& slots, int64_t rows, int64_t in) {
  at::Tensor x = at::zeros({rows, in}, at::kDouble);
  for (const SlotInput& slot : slots) {
    const int64_t width = slot.value.size(1);
    for (int64_t i = 0; i < slot.rows.size(0); ++i) {
      x[slot.rows[i].item<int64_t>()].narrow(0, slot.slot * width, width).copy_(slot.value[i]);
    }
  }
  return x;
}

class BaseNetworkSlots : public testing::TestWithParam<int64_t> {};  // hidden1

TEST_P(BaseNetworkSlots, AgreeWithTheDenseConcatenation) {
  const int64_t rows = 20, width = 6, in = 5 * width;
  const BaseNetwork network = Network({in, 4, GetParam(), 16});
  Reference reference(network);
  std::vector<SlotInput> slots = {
      {0, at::arange(3, 9, at::kLong), Random({6, width}, 1)},           // one block
      {2, at::tensor({0, 2, 3, 19}, at::kLong), Random({4, width}, 2)},  // scattered
      {3, at::empty({0}, at::kLong), at::empty({0, width})},             // no row
      {4, at::arange(0, 20, at::kLong), Random({20, 2 * width}, 3).narrow(1, 2, width)}};
  for (SlotInput& slot : slots) slot.value = slot.value.detach().set_requires_grad(slot.slot != 4);

  at::Tensor x;
  {
    at::NoGradGuard guard;
    x = Concatenated(slots, rows, in);
  }
  x.set_requires_grad(true);
  // Twice, so that both the overwriting and the adding backward pass are seen.
  for (int pass = 1; pass <= 2; ++pass) {
    const at::Tensor y = network.ForwardSlots(slots, rows), y2 = reference.Forward(x);
    EXPECT_LT(Relative(y, y2), kTolerance);
    y.pow(2).sum().backward();
    y2.pow(2).sum().backward();
    ExpectSameGradients(network, &reference);
    for (const SlotInput& slot : slots) {
      const at::Tensor expected =
          x.grad().index_select(0, slot.rows).narrow(1, slot.slot * width, width);
      if (slot.slot == 4) {
        EXPECT_FALSE(slot.value.grad().defined());
      } else {
        EXPECT_LT(Relative(slot.value.grad(), expected), kTolerance) << "slot " << slot.slot;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shortcuts, BaseNetworkSlots, testing::Values(32, 30 /* identity */));

TEST(BaseNetworkTest, NoSlotsAtAllAreZeros) {
  const BaseNetwork network = Network({12, 4, 32, 16});
  Reference reference(network);
  const at::Tensor y = network.ForwardSlots({}, 7);
  const at::Tensor y2 = reference.Forward(at::zeros({7, 12}, at::kDouble));
  EXPECT_LT(Relative(y, y2), kTolerance);
  y.pow(2).sum().backward();
  y2.pow(2).sum().backward();
  ExpectSameGradients(network, &reference);
}

TEST(BaseNetworkTest, MalformedSlotsAreRefused) {
  const BaseNetwork network = Network({12, 4, 32, 16});
  const auto slot = [](int64_t s, const std::vector<int64_t>& rows) {
    return SlotInput{s, at::tensor(rows, at::kLong),
                     at::ones({static_cast<int64_t>(rows.size()), 4})};
  };
  EXPECT_NO_THROW(network.ForwardSlots({slot(0, {1, 2}), slot(2, {0})}, 5));
  EXPECT_THROW(network.ForwardSlots({slot(3, {1})}, 5), c10::Error);
  EXPECT_THROW(network.ForwardSlots({slot(-1, {1})}, 5), c10::Error);
  EXPECT_THROW(network.ForwardSlots({slot(0, {5})}, 5), c10::Error);
  EXPECT_THROW(network.ForwardSlots({slot(0, {2, 1})}, 5), c10::Error);
  EXPECT_THROW(network.ForwardSlots({slot(1, {2}), slot(1, {3})}, 5), c10::Error);
  EXPECT_THROW(network.Forward(at::ones({3, 11})), c10::Error);
  EXPECT_THROW(network.Forward(at::ones({3, 12}, at::kDouble)), c10::Error);
}

class BaseNetworkShared : public testing::TestWithParam<int64_t> {};  // hidden1

TEST_P(BaseNetworkShared, AgreesWithTheGatheredInput) {
  const BaseNetwork network = Network({20, 4, GetParam(), 16});
  Reference reference(network);
  const at::Tensor shared = Random({5, 17}, 1), extra = Random({9, 3}, 2);
  const at::Tensor index = at::tensor({4, 0, 0, 3, 4, 1, 0, 3, 3}, at::kLong);
  const at::Tensor x = at::cat({shared.index_select(0, index), extra}, 1).to(at::kDouble);
  for (int pass = 1; pass <= 2; ++pass) {
    const at::Tensor y = network.ForwardShared(shared, index, extra), y2 = reference.Forward(x);
    EXPECT_LT(Relative(y, y2), kTolerance);
    y.pow(2).sum().backward();
    y2.pow(2).sum().backward();
    ExpectSameGradients(network, &reference);
  }
}

INSTANTIATE_TEST_SUITE_P(Shortcuts, BaseNetworkShared, testing::Values(32, 20 /* identity */));

TEST(BaseNetworkTest, InitialValuesAreXavierAndDependOnTheStreamAlone) {
  const BaseNetwork network({100, 10}, Stream(5), at::kCPU);
  for (const auto& [name, view] : network.NamedParameters()) {
    if (view.dim() == 2) {
      const double bound = std::sqrt(6.0 / static_cast<double>(view.size(0) + view.size(1)));
      EXPECT_LE(view.abs().max().item<double>(), bound * (1 + 1e-6)) << name;
      EXPECT_NEAR(view.std().item<double>(), bound / std::sqrt(3.0), 0.03 * bound) << name;
    } else {
      const float expected = name.rfind("norm", 0) == 0 && name.find("weight") != name.npos;
      EXPECT_TRUE(view.eq(expected).all().item<bool>()) << name;
    }
  }
  EXPECT_TRUE(network.parameters().equal(BaseNetwork({100, 10}, Stream(5), at::kCPU).parameters()));
  EXPECT_FALSE(
      network.parameters().equal(BaseNetwork({100, 10}, Stream(6), at::kCPU).parameters()));
}

TEST(BaseNetworkTest, NamedParametersCoverTheFlatTensorOnce) {
  const BaseNetwork network({100, 10, 64, 32}, Stream(5), at::kCPU);
  at::Tensor flat = network.parameters().detach();
  flat.zero_();
  for (const auto& [name, view] : network.NamedParameters()) at::Tensor(view).add_(1);
  EXPECT_TRUE(flat.eq(1).all().item<bool>());
}

TEST(BaseNetworkTest, CountsFlops) {
  const BaseNetwork network({100, 10, 64, 32}, Stream(5), at::kCPU);
  EXPECT_DOUBLE_EQ(network.ForwardFlops(3),
                   3 * 2.0 * (100 * 128 + 64 * 64 + 64 * 64 + 32 * 32 + 32 * 10));
}

// As on a CUDA device, where autograd runs the backward pass on a thread of its own.
TEST(BaseNetworkFlopsTest, ABackwardPassCountsForTheThreadOfItsForwardPass) {
  const BaseNetwork network = Network({6, 3, 8, 4});
  const at::Tensor x = Random({5, 6}, 1).set_requires_grad(true);
  const auto backward_flops = [&](bool elsewhere) {
    const at::Tensor loss = network.Forward(x).sum();
    const uint64_t before = ThreadFlops();
    uint64_t there = 0;
    if (elsewhere) {
      std::thread([&] {
        loss.backward();
        there = ThreadFlops();
      }).join();
    } else {
      loss.backward();
    }
    EXPECT_EQ(there, 0u);
    return ThreadFlops() - before;
  };
  EXPECT_GT(backward_flops(false), 0u);
  EXPECT_EQ(backward_flops(true), backward_flops(false));
}

}  // namespace
}  // namespace semlink::nn
