// The distributed gradients against one plain autograd graph of the whole objective.
//
// The oracle goes round by round and link by link in double precision, with no folding, no slots
// and no messages: for each round it encodes, fuses, decodes and estimates the rate as the formulas
// of design.md section 3 say, adds everything up, and calls backward once.
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <map>
#include <memory>

#include "common/base/clock.h"
#include "common/method/embedding.h"
#include "common/method/window_plan.h"
#include "common/transport/inproc_network.h"
#include "receiver/receiver_node.h"
#include "tests/parity/scripted_coordinator.h"
#include "transmitter/transmitter_node.h"

namespace semlink {
namespace {

using Leaves = std::map<std::string, at::Tensor>;  // parameter name -> double leaf

Leaves CopyParameters(const nn::BaseNetwork& network) {
  Leaves leaves;
  for (const auto& [name, value] : network.NamedParameters()) {
    leaves[name] = value.detach().to(at::kDouble).clone().requires_grad_(true);
  }
  return leaves;
}

at::Tensor Residual(const Leaves& p, const std::string& block, const at::Tensor& x) {
  const auto at = [&](const char* name) { return p.at(block + "." + name); };
  const at::Tensor inner = at::relu(at::linear(x, at("linear1.weight"), at("linear1.bias")));
  return at::relu(at::linear(inner, at("linear2.weight"), at("linear2.bias")) +
                  at::linear(x, at("shortcut.weight"), at("shortcut.bias")));
}

at::Tensor Base(const Leaves& p, const at::Tensor& x) {
  const auto norm = [&](const std::string& name, const at::Tensor& h) {
    return at::layer_norm(h, {h.size(1)}, p.at(name + ".weight"), p.at(name + ".bias"));
  };
  const at::Tensor h =
      norm("norm2", Residual(p, "block2", norm("norm1", Residual(p, "block1", x))));
  return at::linear(h, p.at("output.weight"), p.at("output.bias"));
}

// Sum over dimensions of mean_i [ l_ii - log (1/B) sum_j exp l_ij ] (pom2dib eq. 17, one dimension
// at a time), or the joint one.
at::Tensor NaiveRate(RateEstimator estimator, const at::Tensor& z, const at::Tensor& mu,
                     const at::Tensor& sigma) {
  at::Tensor l = -(z.unsqueeze(1) - mu).square() / (2 * sigma.square()) - sigma.log();  // [i, j, d]
  if (estimator == RateEstimator::kJoint) l = l.sum(2, true);
  const at::Tensor own = l.diagonal(0, 0, 1).t();
  return (own - (at::logsumexp(l, {1}) - std::log(static_cast<double>(z.size(0))))).mean(0).sum();
}

at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels) {
  return at::nll_loss(at::log_softmax(logits, 1), labels);
}

at::Tensor NaiveLogProbability(const at::Tensor& logits, int numbers,
                               const std::vector<int>& order) {
  at::Tensor log_p =
      at::log_softmax(logits.narrow(0, 0, numbers), 0)[static_cast<int64_t>(order.size()) - 1];
  const at::Tensor positions = logits.narrow(0, numbers, logits.size(0) - numbers);
  std::vector<int64_t> left;
  for (int64_t p = 0; p < positions.size(0); ++p) left.push_back(p);
  for (int p : order) {
    std::vector<at::Tensor> candidates;
    for (int64_t q : left) candidates.push_back(positions[q]);
    log_p = log_p + positions[p] - at::logsumexp(at::stack(candidates), {0});
    left.erase(std::find(left.begin(), left.end(), p));
  }
  return log_p;
}

double RelativeError(const nn::BaseNetwork& network, const Leaves& leaves) {
  double difference = 0;
  double norm = 0;
  const at::Tensor flat = network.parameters().grad();
  const at::Tensor all = network.parameters();
  for (const auto& [name, view] : network.NamedParameters()) {
    const at::Tensor& leaf = leaves.at(name);
    const at::Tensor expected = leaf.grad().defined() ? leaf.grad() : at::zeros_like(leaf);
    // The gradient has the layout of the parameters: the same view of the flat gradient.
    const at::Tensor got = flat.defined()
                               ? flat.as_strided(view.sizes(), view.strides(),
                                                 view.storage_offset() - all.storage_offset())
                                     .to(at::kDouble)
                               : at::zeros_like(expected);
    difference += (got - expected).square().sum().item<double>();
    norm += expected.square().sum().item<double>();
  }
  return norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
}

Scenario SmallScenario(RateEstimator estimator, bool learned, double beta) {
  Scenario s;
  s.seed = 7;
  s.data.train_samples = 300;
  s.data.test_samples = 50;
  s.transmitters = {{{ModalityKind::kNoise, ModalityKind::kImageFft}, "cpu"},
                    {{ModalityKind::kMel}, "cpu"},
                    {{ModalityKind::kImageFft, ModalityKind::kMel, ModalityKind::kNoise}, "cpu"}};
  s.receivers = {{TaskKind::kParity, 0.6, "cpu"},
                 {TaskKind::kRing, 1.3, "cpu"},
                 {TaskKind::kDigit, 2.1, "cpu"}};
  s.model.embedding = 6;
  s.model.hidden1 = 24;
  s.model.hidden2 = 12;
  s.model.missing_slot_learned = learned;
  s.limits = {2, 3};
  s.training.rounds_per_window = 5;
  s.training.batch_size = 4;
  s.training.beta = beta;
  s.rate.estimator = estimator;
  s.policy.baseline = Baseline::kConstant;
  return s;
}

struct OracleLeaves {
  std::vector<std::vector<Leaves>> encoder;  // [k][m]
  std::vector<Leaves> decoder, local;        // [t]
};

// The objective of a window whose links are given: what every L_t adds up to, for the codecs.
class Oracle {
 public:
  // data: what each transmitter observes, opened once by the test.
  using Sources = std::vector<std::vector<std::unique_ptr<data::ModalitySource>>>;
  Oracle(const Scenario& s, OracleLeaves* leaves, const Sources& sources)
      : s_(s), leaves_(leaves), sources_(sources) {}

  // Builds the graph and calls backward. Returns L_t per [t][round].
  std::vector<std::vector<double>> Run(const v1::OpenWindow& open,
                                       const std::vector<v1::LinkRounds>& links) {
    std::vector<std::vector<double>> losses(s_.T());
    at::Tensor total = at::zeros({}, at::kDouble);
    for (int t = 0; t < s_.T(); ++t) {
      const auto labels = data::OpenLabels(s_, t).value();
      for (uint32_t r = 0; r < open.rounds(); ++r) {
        const data::RoundSamples samples = data::TrainSamples(
            open.seed(), open.window(), r, open.batch_size(), labels->size(data::Split::kTrain));
        const at::Tensor y = labels->Batch(data::Split::kTrain, {samples});
        const at::Tensor loss = RoundLoss(open, links, t, samples, y);
        losses[t].push_back(loss.item<double>());
        total = total + loss;
      }
    }
    torch::autograd::backward({total}, {});
    return losses;
  }

 private:
  at::Tensor RoundLoss(const v1::OpenWindow& open, const std::vector<v1::LinkRounds>& links, int t,
                       const data::RoundSamples& samples, const at::Tensor& y) {
    const int64_t d = s_.model.embedding;
    const int64_t width = d + (s_.model.missing_slot_learned ? 1 : 0);
    std::vector<at::Tensor> slots(
        s_.J(), at::zeros({static_cast<int64_t>(open.batch_size()), width}, at::kDouble));
    at::Tensor extra = at::zeros({}, at::kDouble);
    for (const v1::LinkRounds& link : links) {
      const bool active =
          std::find(link.round().begin(), link.round().end(), samples.round) != link.round().end();
      if (static_cast<int>(link.task()) != t || !active) continue;
      const int k = link.transmitter();
      const int m = link.modality();
      const at::Tensor x =
          sources_[k][m]->Batch({data::Split::kTrain, open.seed(), open.window()}, {samples});
      const at::Tensor e = method::TaskEmbeddings(s_)[t].expand({x.size(0), d});
      const at::Tensor out = Base(leaves_->encoder[k][m], at::cat({x, e}, 1).to(at::kDouble));
      const at::Tensor mu = out.narrow(1, 0, d);
      const at::Tensor sigma = at::softplus(out.narrow(1, d, d) - 5);
      at::Tensor epsilon = at::empty({x.size(0), d}, at::kFloat);
      RandomStream(open.seed(), Purpose::kFeatureNoise, open.window(), samples.round,
                   (static_cast<uint64_t>(s_.Slot(k, m)) << 32) | static_cast<uint32_t>(t))
          .FillNormal(epsilon.data_ptr<float>(), epsilon.numel());
      const at::Tensor z = mu + sigma * epsilon.to(at::kDouble);
      slots[s_.Slot(k, m)] = width > d ? at::cat({z, at::ones({z.size(0), 1}, at::kDouble)}, 1) : z;
      const at::Tensor em =
          method::ModalityEmbeddings(s_)[s_.Slot(k, m)].to(at::kDouble).expand({z.size(0), d});
      extra = extra + CrossEntropy(Base(leaves_->local[t], at::cat({z, em}, 1)), y) +
              NaiveRate(s_.rate.estimator, z, mu, sigma);
    }
    return CrossEntropy(Base(leaves_->decoder[t], at::cat(slots, 1)), y) + s_.training.beta * extra;
  }

  Scenario s_;
  OracleLeaves* leaves_;
  const Sources& sources_;
};

struct Case {
  RateEstimator estimator;
  bool learned;
  double beta;
};

// Nodes compute in float32, and the rate's gradient holds (z - mu) / sigma^2. With the sigma of
// about 0.007 that fresh encoders have, rounding alone moves it by 1e-4; a sigma near 0.7 makes the
// comparison to 1e-5 meaningful.
void WidenSigma(nn::BaseNetwork& encoder, int64_t d) {
  at::NoGradGuard no_grad;
  for (const auto& [name, view] : encoder.NamedParameters()) {
    if (name == "output.bias") view.narrow(0, d, d).fill_(5);
  }
}

class OracleTest : public ::testing::TestWithParam<Case> {};

TEST_P(OracleTest, DistributedGradientsAgree) {
  const Scenario s = SmallScenario(GetParam().estimator, GetParam().learned, GetParam().beta);
  InprocNetwork network;
  RealClock clock;
  std::vector<std::unique_ptr<transmitter::TransmitterNode>> transmitters;
  std::vector<std::unique_ptr<receiver::ReceiverNode>> receivers;
  for (int k = 0; k < s.K(); ++k) {
    transmitters.push_back(std::make_unique<transmitter::TransmitterNode>(
        k, network.TransportFor(NodeId::Transmitter(k))));
    ASSERT_TRUE(network.Add(NodeId::Transmitter(k), transmitters.back().get()).ok());
  }
  for (int t = 0; t < s.T(); ++t) {
    receivers.push_back(std::make_unique<receiver::ReceiverNode>(
        t, network.TransportFor(NodeId::Receiver(t)), &clock));
    ASSERT_TRUE(network.Add(NodeId::Receiver(t), receivers.back().get()).ok());
  }
  Oracle::Sources sources;
  for (int k = 0; k < s.K(); ++k) sources.push_back(data::OpenModalities(s, k).value());
  int links_seen = 0;
  const auto check = [&](const v1::OpenWindow& open, const std::vector<v1::LinkRounds>& links) {
    if (open.window() == 0) {
      for (auto& node : transmitters) {
        for (nn::BaseNetwork& encoder : node->encoders()->networks())
          WidenSigma(encoder, s.model.embedding);
      }
      return;
    }
    links_seen += static_cast<int>(links.size());
    OracleLeaves leaves;
    for (auto& node : transmitters) {
      leaves.encoder.emplace_back();
      for (nn::BaseNetwork& encoder : node->encoders()->networks())
        leaves.encoder.back().push_back(CopyParameters(encoder));
    }
    for (auto& node : receivers) {
      leaves.decoder.push_back(CopyParameters(node->decoders()->fused()));
      leaves.local.push_back(CopyParameters(node->decoders()->local()));
    }
    const auto losses = Oracle(s, &leaves, sources).Run(open, links);
    for (int t = 0; t < s.T(); ++t) {
      EXPECT_LT(RelativeError(receivers[t]->decoders()->fused(), leaves.decoder[t]), 1e-5)
          << "decoder " << t;
      EXPECT_LT(RelativeError(receivers[t]->decoders()->local(), leaves.local[t]), 1e-5)
          << "local decoder " << t;
    }
    for (int k = 0; k < s.K(); ++k) {
      for (int m = 0; m < s.M(k); ++m) {
        EXPECT_LT(RelativeError(transmitters[k]->encoders()->networks()[m], leaves.encoder[k][m]),
                  1e-5)
            << "encoder " << k << "." << m;
      }
    }
    // Receiver selectors: (L_t - b_t) grad log p of what was drawn, over the rounds.
    const at::Tensor u =
        method::MakeWindowPlan(s, open, s.data.train_samples, s.data.test_samples).value().u;
    for (int t = 0; t < s.T(); ++t) {
      std::vector<int> link_count(open.rounds(), 0);
      for (const v1::LinkRounds& link : links) {
        if (static_cast<int>(link.task()) != t) continue;
        for (uint32_t r : link.round()) ++link_count[r];
      }
      const Leaves leaf = CopyParameters(receivers[t]->selection()->selector().network());
      at::Tensor objective = at::zeros({}, at::kDouble);
      for (uint32_t r = 0; r < open.rounds(); ++r) {
        const at::Tensor logits = Base(leaf, u.narrow(0, r, 1).to(at::kDouble))[0];
        std::vector<RandomStream> stream = {
            RandomStream(open.seed(), Purpose::kReceiverSelection, open.window(), r, t)};
        const policy::Draw draw =
            policy::Sample(logits.detach().unsqueeze(0).to(at::kFloat), s.limits.e_t, stream)
                .front();
        const double penalty = link_count[r] == 0 ? s.policy.penalty_no_link : 0;
        objective = objective + (losses[t][r] + penalty - s.receivers[t].baseline) *
                                    NaiveLogProbability(logits, s.limits.e_t, draw.order);
      }
      torch::autograd::backward({objective}, {});
      EXPECT_LT(RelativeError(receivers[t]->selection()->selector().network(), leaf), 1e-5)
          << "selector " << t;
    }
  };
  ScriptedCoordinator coordinator(s, network.TransportFor(NodeId::Coordinator()), 3, check);
  ASSERT_TRUE(network.Add(NodeId::Coordinator(), &coordinator).ok());
  const absl::Status status = network.Run();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_GT(links_seen, 6);
}

INSTANTIATE_TEST_SUITE_P(Estimators, OracleTest,
                         ::testing::Values(Case{RateEstimator::kMarginal, false, 1e-3},
                                           Case{RateEstimator::kMarginal, true, 0.1},
                                           Case{RateEstimator::kJoint, true, 0.1}));

}  // namespace
}  // namespace semlink
