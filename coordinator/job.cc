#include "coordinator/job.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace semlink::coordinator {
namespace {

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

absl::Status Check(const JobOptions& options) {
  if (options.test_size < 1) {
    return absl::InvalidArgumentError("the test split is empty: check data.root");
  }
  if (options.draws < 0 || options.samples < 0) {
    return absl::InvalidArgumentError("draws and samples must not be negative");
  }
  if (options.batch < 1 || options.batch > kMaxInferenceBatch) {
    return absl::InvalidArgumentError(
        absl::StrCat("batch is ", options.batch, "; expected 1 to ", kMaxInferenceBatch));
  }
  if (options.in_flight < 1 || options.in_flight > kMaxInFlight) {
    return absl::InvalidArgumentError(
        absl::StrCat("in-flight is ", options.in_flight, "; expected 1 to ", kMaxInFlight));
  }
  return absl::OkStatus();
}

// What of one transmitter may wait for a receiver at once.
absl::Status CheckInFlight(const Scenario& scenario, const JobOptions& options) {
  int modalities = 0;
  for (int k = 0; k < scenario.K(); ++k) modalities = std::max(modalities, scenario.M(k));
  const int64_t request =
      int64_t{4} * scenario.model.embedding * modalities * options.batch;  // float32
  if (request * options.in_flight <= kMaxFeatureBytesInFlight) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "batch ", options.batch, " and in-flight ", options.in_flight, ": ",
      request * options.in_flight >> 20, " MiB of features of a transmitter under way at once; ",
      "at most ", kMaxFeatureBytesInFlight >> 20, " MiB: a smaller batch or fewer requests"));
}

}  // namespace

const char* Name(JobKind kind) {
  switch (kind) {
    case JobKind::kTrain:
      return "train";
    case JobKind::kEvaluate:
      return "evaluate";
    case JobKind::kInfer:
      return "infer";
  }
  return "unknown";
}

absl::StatusOr<JobKind> ParseJobKind(const std::string& name) {
  for (JobKind kind : {JobKind::kTrain, JobKind::kEvaluate, JobKind::kInfer}) {
    if (name == Name(kind)) return kind;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("job '", name, "' is unknown; expected train, evaluate or infer"));
}

absl::StatusOr<Job> Job::Make(const Scenario& scenario, const JobOptions& options) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  if (absl::Status status = CheckInFlight(scenario, options); !status.ok()) return status;
  Job job(scenario, options);
  JobOptions& filled = job.options_;
  if (filled.draws == 0) filled.draws = std::max(1, scenario.evaluation.cr_draws);
  if (filled.samples == 0) filled.samples = scenario.evaluation.samples;
  if (filled.samples == 0) filled.samples = filled.test_size;
  if (options.kind == JobKind::kInfer) {
    // A stream: it starts over when the test split is through.
    job.phases_ = {{PhaseKind::kInference, 1}};
    return job;
  }
  filled.samples = std::min(filled.samples, filled.test_size);
  if (options.kind == JobKind::kTrain) {
    job.phases_.push_back(
        {PhaseKind::kTraining, static_cast<uint64_t>(std::max(0, scenario.training.windows))});
    job.phases_.push_back({PhaseKind::kParameters, 0});
  }
  job.phases_.push_back({PhaseKind::kEvaluation, filled.draws * job.windows_per_draw()});
  return job;
}

uint64_t Job::total_windows() const {
  uint64_t sum = 0;
  for (const Phase& phase : phases_) sum += phase.windows;
  return sum;
}

uint64_t Job::training_windows() const {
  return phases_.front().kind == PhaseKind::kTraining ? phases_.front().windows : 0;
}

JobPosition Job::PositionAfter(uint64_t committed, bool has_parameters) const {
  JobPosition position;
  position.window = committed;
  while (position.phase < phases_.size()) {
    const Phase& phase = phases_[position.phase];
    const bool done =
        phase.kind == PhaseKind::kParameters ? has_parameters : position.window >= phase.windows;
    if (!done) break;
    position.window -= phase.windows;
    ++position.phase;
  }
  return position;
}

uint64_t Job::windows_per_draw() const {
  return CeilDiv(options_.samples, static_cast<int64_t>(kEvaluationRounds) * training_.batch_size);
}

v1::OpenWindow Job::EvaluationWindow(uint64_t i) const {
  const int64_t most = static_cast<int64_t>(kEvaluationRounds) * training_.batch_size;
  const int64_t first = static_cast<int64_t>(i % windows_per_draw()) * most;
  const int64_t samples = std::min(most, options_.samples - first);
  v1::OpenWindow open;
  open.set_kind(v1::EVALUATE);
  open.set_rounds(CeilDiv(samples, training_.batch_size));
  open.set_batch_size(training_.batch_size);
  open.set_first_sample(first);
  open.set_samples(samples);
  open.set_cr_draw(i / windows_per_draw());
  return open;
}

v1::OpenWindow Job::Window(const Phase& phase, uint64_t i) const {
  v1::OpenWindow open;
  switch (phase.kind) {
    case PhaseKind::kTraining:
      open.set_kind(v1::TRAIN);
      open.set_rounds(training_.rounds_per_window);
      open.set_batch_size(training_.batch_size);
      open.set_training_progress(phase.windows > 1 ? static_cast<double>(i) / (phase.windows - 1)
                                                   : 0.0);
      break;
    case PhaseKind::kEvaluation:
      open = EvaluationWindow(i);
      break;
    case PhaseKind::kInference:
      open.set_kind(v1::INFER);
      open.set_rounds(1);
      open.set_batch_size(options_.batch);
      open.set_samples(options_.samples);
      break;
    case PhaseKind::kParameters:
      break;  // has no windows
  }
  open.set_seed(seed_);
  return open;
}

v1::InferStart Job::InferStart(uint64_t window) const {
  v1::InferStart start;
  start.set_window(window);
  start.set_samples(options_.samples);
  start.set_batch_size(options_.batch);
  start.set_in_flight(options_.in_flight);
  return start;
}

}  // namespace semlink::coordinator
