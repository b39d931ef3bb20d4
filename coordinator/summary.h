// What a whole run came to: summary.json and infer.json (docs/formats/run_folder.md).
#ifndef SEMLINK_COORDINATOR_SUMMARY_H_
#define SEMLINK_COORDINATOR_SUMMARY_H_

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "common/scenario/scenario.h"
#include "coordinator/metrics.h"
#include "coordinator/window_record.h"

namespace semlink::coordinator {

// Windows over which selection_probability and granted_kinds are taken.
inline constexpr int kSelectionWindows = 100;

// Adds up committed windows; keeps no record, so its size does not grow with the run (but for the
// seconds of each window).
class Summary {
 public:
  explicit Summary(const Scenario& scenario) : scenario_(scenario) {}

  // Takes a committed TRAIN or EVALUATE window.
  void Add(const WindowRecord& record);

  // Everything but what only the node knows (traffic, SHA-256 of the parameters, memory): see
  // CoordinatorNode.
  Json ToJson() const;

  // Mean accuracy by task over the last windows added, for the status; empty before the first.
  std::vector<double> RecentAccuracy() const;
  double SecondsPerWindow() const;  // median

 private:
  struct Draw {                                           // sums over the windows of one draw of u
    std::vector<double> correct, samples, cross_entropy;  // [T]; cross-entropy times samples
    double rate = 0, links = 0, rounds = 0;               // times rounds
    double score = 0;                                     // L_t of all tasks, times samples
  };
  struct Batch {  // one round of an evaluation, over the draws of u
    double samples = 0;
    std::vector<double> loss;  // [T], sum of L_t over the draws
    std::vector<int> draws;    // [T], their number
  };

  void AddCosts(const WindowRecord& record);
  void AddEvaluation(const WindowRecord& record);
  void AddScore(const WindowRecord& record);
  void PutQuality(Json* out) const;
  void PutScore(Json* out) const;
  void PutLinks(Json* out) const;
  LinkShares MeanTrainProbability() const;
  void PutGrantedKinds(Json* out) const;

  Scenario scenario_;
  uint64_t train_windows_ = 0;
  std::map<uint32_t, Draw> draws_;
  int links_max_ = 0;
  int transmitters_max_ = 0;
  uint64_t limits_exceeded_ = 0;
  uint64_t refused_ = 0;
  std::deque<LinkShares> train_probability_;  // of the last kSelectionWindows windows
  std::deque<KindRounds> train_kinds_;        // likewise
  LinkShares evaluation_probability_;         // times rounds
  KindRounds evaluation_kinds_;
  std::map<std::string, double> evaluation_sets_;  // rounds by granted set of links
  std::map<uint64_t, Batch> batches_;              // by first test sample; with evaluation.score
  double evaluation_rounds_ = 0;
  double evaluation_flops_ = 0, evaluation_samples_ = 0;
  std::vector<double> train_flops_;
  std::vector<double> train_seconds_, train_cpu_, evaluate_seconds_, evaluate_cpu_;
  std::deque<std::vector<double>> recent_accuracy_;
};

// infer.json from a committed INFER window.
Json InferJson(const Scenario& scenario, const WindowRecord& record, const v1::InferStart& start);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_SUMMARY_H_
