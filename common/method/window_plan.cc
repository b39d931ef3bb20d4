#include "common/method/window_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "common/randomness/common_randomness.h"

namespace semlink::method {
namespace {

constexpr uint32_t kMaxRounds = 1 << 16;
constexpr uint32_t kMaxBatch = 1 << 16;
constexpr uint64_t kMaxTrainSamples = 1 << 22;  // the most that a scenario can ask for

bool HasPair(const Scenario& scenario, uint32_t transmitter, uint32_t receiver) {
  return transmitter < static_cast<uint32_t>(scenario.K()) &&
         receiver < static_cast<uint32_t>(scenario.T());
}

// What the view and the replay say about pairs.
absl::Status CheckPairs(const Scenario& scenario, const v1::OpenWindow& open) {
  const auto bad = [&](const char* what) {
    return absl::InvalidArgumentError(absl::StrCat("OpenWindow ", open.window(), ": ", what));
  };
  for (const v1::Pair& pair : open.cut()) {
    if (!HasPair(scenario, pair.transmitter(), pair.receiver()))
      return bad("cut names a pair that the scenario does not have");
  }
  if (!open.replay() && open.failed_size() > 0) return bad("failed is set outside a replay");
  for (const v1::PairFailure& failure : open.failed()) {
    if (!HasPair(scenario, failure.transmitter(), failure.receiver()))
      return bad("failed names a pair that the scenario does not have");
    if (failure.stage() != v1::PairFailure::REQUEST &&
        failure.stage() != v1::PairFailure::FEATURES &&
        failure.stage() != v1::PairFailure::GRADIENTS) {
      return bad("failed names an unknown stage");
    }
  }
  return absl::OkStatus();
}

absl::Status Check(const Scenario& scenario, const v1::OpenWindow& open, int64_t test_size) {
  const auto bad = [&](auto... what) {
    return absl::InvalidArgumentError(absl::StrCat("OpenWindow ", open.window(), ": ", what...));
  };
  if (open.kind() != v1::TRAIN && open.kind() != v1::EVALUATE && open.kind() != v1::INFER) {
    return bad("unknown kind ", open.kind());
  }
  if (open.rounds() == 0 || open.rounds() > kMaxRounds) return bad("rounds is ", open.rounds());
  if (open.batch_size() == 0 || open.batch_size() > kMaxBatch)
    return bad("batch_size is ", open.batch_size());
  if (open.kind() == v1::TRAIN && uint64_t{open.rounds()} * open.batch_size() > kMaxTrainSamples)
    return bad(open.rounds(), " rounds of ", open.batch_size(), " are too many samples");
  if (!(open.training_progress() >= 0 && open.training_progress() <= 1))
    return bad("training_progress is ", open.training_progress());
  if (open.transmitter_up_size() != scenario.K() || open.receiver_up_size() != scenario.T()) {
    return bad("membership of ", open.transmitter_up_size(), " transmitters and ",
               open.receiver_up_size(), " receivers, expected ", scenario.K(), " and ",
               scenario.T());
  }
  if (open.kind() == v1::EVALUATE) {
    const uint64_t capacity = uint64_t{open.rounds()} * open.batch_size();
    const uint64_t size = static_cast<uint64_t>(test_size);
    if (open.samples() == 0 || open.samples() > capacity ||
        open.samples() + open.batch_size() <= capacity || open.samples() > size ||
        open.first_sample() > size - open.samples()) {
      return bad("samples ", open.first_sample(), "..+", open.samples(), " do not fit ",
                 open.rounds(), " rounds of ", open.batch_size(), " and ", test_size,
                 " test samples");
    }
  }
  return CheckPairs(scenario, open);
}

data::RoundSamples TestSamples(const v1::OpenWindow& open, uint32_t round) {
  const uint64_t first = uint64_t{round} * open.batch_size();
  const uint64_t last = std::min<uint64_t>(first + open.batch_size(), open.samples());
  data::RoundSamples samples{round, std::vector<int64_t>(last - first)};
  std::iota(samples.samples.begin(), samples.samples.end(),
            static_cast<int64_t>(open.first_sample() + first));
  return samples;
}

}  // namespace

bool WindowPlan::failed_before(int k, int t, v1::PairFailure::Stage stage) const {
  for (int earlier = v1::PairFailure::REQUEST; earlier <= stage; ++earlier) {
    if (failures.count({k, t, static_cast<v1::PairFailure::Stage>(earlier)}) > 0) return true;
  }
  return false;
}

uint64_t WindowPlan::stream() const {
  if (kind != v1::EVALUATE) return window;
  constexpr uint64_t kEvaluation = uint64_t{1} << 63;  // apart from every window number
  const auto first_sample = static_cast<uint64_t>(rounds.front().samples.front());
  return kEvaluation | uint64_t{draw} << 32 | first_sample;
}

int64_t WindowPlan::rows(const std::vector<uint32_t>& round_indices) const {
  int64_t total = 0;
  for (uint32_t r : round_indices) total += static_cast<int64_t>(rounds[r].samples.size());
  return total;
}

std::vector<data::RoundSamples> WindowPlan::Select(
    const std::vector<uint32_t>& round_indices) const {
  std::vector<data::RoundSamples> selected;
  selected.reserve(round_indices.size());
  for (uint32_t r : round_indices) selected.push_back(rounds[r]);
  return selected;
}

absl::StatusOr<WindowPlan> MakeWindowPlan(const Scenario& scenario, const v1::OpenWindow& open,
                                          int64_t train_size, int64_t test_size) {
  if (absl::Status status = Check(scenario, open, test_size); !status.ok()) return status;
  const int64_t d = scenario.model.embedding;
  if (scenario.common_randomness.source == CrSource::kBroadcast &&
      open.common_randomness_size() != static_cast<int64_t>(open.rounds()) * d) {
    return absl::InvalidArgumentError(absl::StrCat(
        "OpenWindow ", open.window(), ": common randomness has ", open.common_randomness_size(),
        " numbers, expected ", static_cast<int64_t>(open.rounds()) * d));
  }
  if (!std::all_of(open.common_randomness().begin(), open.common_randomness().end(),
                   [](float value) { return std::isfinite(value); })) {
    return absl::InvalidArgumentError(absl::StrCat(
        "OpenWindow ", open.window(), ": common randomness has a number that is not finite"));
  }
  WindowPlan plan;
  plan.window = open.window();
  plan.kind = open.kind();
  plan.seed = open.seed();
  plan.draw = open.cr_draw();
  const std::vector<float> u = WindowRandomness(scenario.common_randomness.source, open.seed(),
                                                open, scenario.model.embedding);
  plan.u = at::empty({static_cast<int64_t>(open.rounds()), d}, at::kFloat);
  std::copy(u.begin(), u.end(), plan.u.data_ptr<float>());
  plan.digest = RandomnessDigest(u);
  for (uint32_t r = 0; r < open.rounds(); ++r) {
    if (plan.train()) {
      plan.rounds.push_back(
          data::TrainSamples(open.seed(), open.window(), r, open.batch_size(), train_size));
    } else if (plan.kind == v1::EVALUATE) {
      plan.rounds.push_back(TestSamples(open, r));
    } else {
      plan.rounds.push_back({r, {}});
    }
  }
  plan.transmitter_up.assign(open.transmitter_up().begin(), open.transmitter_up().end());
  plan.receiver_up.assign(open.receiver_up().begin(), open.receiver_up().end());
  plan.progress = open.training_progress();
  for (const v1::Pair& pair : open.cut()) plan.cut.emplace(pair.transmitter(), pair.receiver());
  for (const v1::PairFailure& failure : open.failed())
    plan.failures.emplace(failure.transmitter(), failure.receiver(), failure.stage());
  return plan;
}

}  // namespace semlink::method
