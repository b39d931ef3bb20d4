// A scenario: everything that a run depends on. Read from YAML, handed by the coordinator to every
// node. The keys of the file are the names of the fields below, in the same nesting;
// docs/scenario.md lists them.
#ifndef SEMLINK_COMMON_SCENARIO_SCENARIO_H_
#define SEMLINK_COMMON_SCENARIO_SCENARIO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.h"

namespace semlink {

// What a transmitter can observe (design: A, B and C of AV-MNIST).
enum class ModalityKind {
  kImageFft,  // "image_fft": magnitude of the shifted 2-D FFT of the centre 14x14 crop; 196 numbers
  kMel,       // "mel": mel spectrogram of the spoken digit; 16x32 = 512 numbers
  kNoise,     // "noise": 196 numbers of noise, fresh for each sample
};

// What a receiver can be asked to tell.
enum class TaskKind {
  kParity,  // "parity": 2 classes
  kRing,    // "ring": which of 0, 4, 6, 8, 9 it is, or none: 6 classes
  kDigit,   // "digit": 10 classes
};

enum class DataSource { kAvMnist, kSynthetic };               // data.source: av_mnist | synthetic
enum class Pairing { kUniform, kReference };                  // data.pairing: uniform | reference
enum class ImageScale { kSample, kBatch };                    // data.image_scale: sample | batch
enum class CrSource { kDerived, kBroadcast, kConstant };      // common_randomness.source
enum class RateEstimator { kMarginal, kJoint, kKnnEntropy };  // marginal | joint | knn_entropy
enum class Baseline { kConstant, kRunningMean };  // policy.baseline: constant | running_mean
enum class Credit { kOwn, kShared };              // policy.credit: own | shared
enum class Schedule { kConstant, kCosine };       // training.schedule: constant | cosine
enum class OnFailure { kWait, kDegrade };         // on_failure: wait | degrade

int ModalitySize(ModalityKind kind);  // 196, 512, 196
int TaskClasses(TaskKind kind);       // 2, 6, 10
const char* Name(ModalityKind kind);
const char* Name(TaskKind kind);
const char* Name(RateEstimator estimator);

struct DataOptions {
  DataSource source = DataSource::kSynthetic;
  std::string root;  // av_mnist: folder with mnist/ and fsdd/
  Pairing pairing = Pairing::kUniform;
  ImageScale image_scale = ImageScale::kSample;
  int audio_variants = 4;   // augmented versions kept of each training recording
  int train_samples = 0;    // 0: all (av_mnist), 20000 (synthetic)
  int test_samples = 0;     // 0: all (av_mnist), 2000 (synthetic)
  double difficulty = 1.0;  // synthetic only: standard deviation of the disturbance, 1 = default
};

struct TransmitterOptions {
  std::vector<ModalityKind> modalities;  // M(k) of them, at least 1
  std::string device = "cpu";            // "cpu" or "cuda:N"
};

struct ReceiverOptions {
  TaskKind task = TaskKind::kDigit;
  double baseline = 0;  // constant baseline b_t, nats; 0: the preset's (0.6, 1.3, 2.1)
  std::string device = "cpu";
};

struct MethodOptions {
  std::string name = "pom2dib";    // a row of method_table.h
  std::string preset = "default";  // default | paper
  // SelectionRule::kRanked: share of the windows in which single links are measured.
  double measuring_share = 0.2;
  std::vector<Link> links;  // SelectionRule::kListed: the links of every round, sorted
};

struct ModelOptions {
  int embedding = 24;  // d, also the dimension of u
  int hidden1 = 512;
  int hidden2 = 256;
  bool missing_slot_learned =
      false;  // the decoder learns what a slot without a link means (else: zeros)
};

struct LimitOptions {
  int e_t = 2;  // E_t: most transmitters a receiver may draw on
  int e_k = 4;  // E_k: most links a transmitter may serve, over all receivers
};

struct TrainingOptions {
  int windows = 2000;
  int rounds_per_window = 20;
  int batch_size = 20;
  double beta = 1e-3;  // rate multiplier
  double gamma = 0;    // link-count multiplier (pom2dib, remark 7)
  double learning_rate_codec = 1e-4;
  double learning_rate_selector = 5e-5;
  double weight_decay = 1e-4;
  double selector_gradient_clip = 10;       // norm
  Schedule schedule = Schedule::kConstant;  // of the codec's learning rate
};

struct PolicyOptions {
  Baseline baseline = Baseline::kConstant;
  // What a transmitter's draw for task t is answerable for: L_t alone (the paper), or the losses of
  // all tasks that asked it in the round. A draw also decides how much of the others' links the
  // trim to E_k removes, so the latter is the gradient of the sum of the losses.
  Credit credit = Credit::kOwn;
  double running_mean_rate = 0.05;  // weight of a new window in the running mean
  double entropy_bonus = 0;  // nats^-1; multiplies the entropy of every draw, decays linearly to 0
  double entropy_decay = 0.5;  // share of the run after which the bonus is 0
  double penalty_no_link =
      1;  // added to the policy loss of a round in which the receiver has no link
  // Receivers draw only from transmitters that they can reach (design section 4, "Faults"). False:
  // from all, and what they ask of the others is lost. For measuring what it is worth.
  bool renormalise = true;
};

struct RateOptions {
  RateEstimator estimator = RateEstimator::kMarginal;
};

struct CommonRandomnessOptions {
  CrSource source = CrSource::kDerived;
};

struct EvaluationOptions {
  int cr_draws = 16;
  bool mean_feature = true;  // decode mu instead of a sample of z
  int samples = 0;           // test samples used; 0: all
  bool score = false;        // also measure L_t on the test samples, for `semlink score`
};

struct CheckpointOptions {
  int every = 50;  // windows between two checkpoints; 0: none. The last TRAIN window always has one
  int keep = 3;    // complete checkpoints that are kept
};

struct TimeoutOptions {
  // A connection on which nothing is heard and no byte moves for so long is taken for dead.
  double silence_seconds = 5;
};

// A fault that is injected on purpose: exactly one of the two times is set.
struct TimedFault {
  int at_window = -1;      // when so many windows are committed
  double at_seconds = -1;  // so long after the first window was opened
  std::string fault;  // "drop transmitter1:receiver2 --probability 0.1": common/faults/fault_spec.h
};

struct Scenario {
  std::string name = "unnamed";
  uint64_t seed = 1;
  // What happens to a window when a node is lost: it is tried again once the node is back (wait),
  // or at once without it (degrade).
  OnFailure on_failure = OnFailure::kDegrade;
  DataOptions data;
  std::vector<TransmitterOptions> transmitters;  // K of them
  std::vector<ReceiverOptions> receivers;        // T of them
  MethodOptions method;
  ModelOptions model;
  LimitOptions limits;
  TrainingOptions training;
  PolicyOptions policy;
  RateOptions rate;
  CommonRandomnessOptions common_randomness;
  EvaluationOptions evaluation;
  CheckpointOptions checkpoint;
  TimeoutOptions timeouts;
  std::vector<TimedFault> faults;

  int K() const { return static_cast<int>(transmitters.size()); }
  int T() const { return static_cast<int>(receivers.size()); }
  int M(int k) const { return static_cast<int>(transmitters[k].modalities.size()); }
  int J() const;                 // sum of M(k)
  int Slot(int k, int m) const;  // index of (k, m) in 0..J-1, ordered by k, then m
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_SCENARIO_SCENARIO_H_
