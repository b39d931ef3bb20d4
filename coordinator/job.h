// What a run does, as a list of phases, and the windows of each phase.
#ifndef SEMLINK_COORDINATOR_JOB_H_
#define SEMLINK_COORDINATOR_JOB_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/limits.h"
#include "common/scenario/scenario.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

enum class JobKind {
  kTrain,     // TRAIN windows, parameters, EVALUATE windows, summary.json
  kEvaluate,  // given parameters: EVALUATE windows, summary.json
  kInfer,     // given parameters: one INFER window, infer.json
};
const char* Name(JobKind kind);
// "train", "evaluate" or "infer"; INVALID_ARGUMENT for anything else.
absl::StatusOr<JobKind> ParseJobKind(const std::string& name);

enum class PhaseKind { kTraining, kParameters, kEvaluation, kInference };

struct Phase {
  PhaseKind kind;
  uint64_t windows = 0;  // 0 for kParameters
};

// Where a run stands: window `window` of phase `phase` (an index into Job::phases()) is next.
struct JobPosition {
  size_t phase = 0;
  uint64_t window = 0;
};

// Rounds of one EVALUATE window: keeps what a node holds at once small.
inline constexpr int kEvaluationRounds = 100;

struct JobOptions {
  JobKind kind = JobKind::kTrain;
  int64_t test_size = 0;  // samples of the test split
  int draws = 0;          // draws of u in an evaluation; 0: evaluation.cr_draws
  // Evaluation: test samples used, at most all. Inference: samples per receiver, a stream that
  // starts over when the test split is through. 0: evaluation.samples.
  int64_t samples = 0;
  int batch = 1;      // inference: samples per request, at most kMaxInferenceBatch
  int in_flight = 1;  // inference: requests under way at once, at most kMaxInFlight
};

class Job {
 public:
  // INVALID_ARGUMENT if the options contradict themselves or the scenario.
  static absl::StatusOr<Job> Make(const Scenario& scenario, const JobOptions& options);

  JobKind kind() const { return options_.kind; }
  // Defaults filled in: Make() of them gives the same job.
  const JobOptions& options() const { return options_; }
  const std::vector<Phase>& phases() const { return phases_; }
  uint64_t total_windows() const;
  uint64_t training_windows() const;  // 0 for jobs that do not train
  // Where a run with so many committed windows goes on. `has_parameters`: the parameters phase is
  // done. A phase past the last one: everything is done but the end.
  JobPosition PositionAfter(uint64_t committed, bool has_parameters) const;
  int draws() const { return options_.draws; }
  int64_t samples() const { return options_.samples; }  // per draw, or per receiver

  // Window i of the phase, 0 <= i < phase.windows: kind, rounds, batch size, samples, seed, draw
  // and progress. The number, the view and broadcast common randomness are left to the caller.
  v1::OpenWindow Window(const Phase& phase, uint64_t i) const;
  v1::InferStart InferStart(uint64_t window) const;

 private:
  Job(const Scenario& scenario, const JobOptions& options)
      : training_(scenario.training), seed_(scenario.seed), options_(options) {}
  v1::OpenWindow EvaluationWindow(uint64_t i) const;
  uint64_t windows_per_draw() const;

  TrainingOptions training_;
  uint64_t seed_;
  JobOptions options_;  // defaults filled in
  std::vector<Phase> phases_;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_JOB_H_
