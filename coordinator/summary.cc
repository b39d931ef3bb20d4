#include "coordinator/summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace semlink::coordinator {
namespace {

constexpr size_t kRecentWindows = 20;

void AddScaled(const LinkShares& from, double factor, LinkShares* to) {
  for (size_t t = 0; t < from.size(); ++t) {
    for (size_t k = 0; k < from[t].size(); ++k) {
      for (size_t m = 0; m < from[t][k].size(); ++m) (*to)[t][k][m] += factor * from[t][k][m];
    }
  }
}

// Shares of the rounds per receiver: granted_kinds of summary.json.
Json KindShares(const KindRounds& rounds) {
  Json shares = Json::array();
  for (const std::map<std::string, int>& of_receiver : rounds) {
    double total = 0;
    for (const auto& [kinds, count] : of_receiver) total += count;
    Json of_kinds = Json::object();
    for (const auto& [kinds, count] : of_receiver) of_kinds[kinds] = count / total;
    shares.push_back(std::move(of_kinds));
  }
  return shares;
}

void AddRounds(const KindRounds& from, KindRounds* to) {
  for (size_t t = 0; t < from.size(); ++t) {
    for (const auto& [kinds, count] : from[t]) (*to)[t][kinds] += count;
  }
}

// Half width of the 95 % interval of the mean of independent values; 0 for a single one.
double Interval95(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double mean = Mean(values);
  double squares = 0;
  for (double x : values) squares += (x - mean) * (x - mean);
  const double n = static_cast<double>(values.size());
  return 1.96 * std::sqrt(squares / (n - 1) / n);
}

// Nats per link that the estimator can show at most (common/info/rate.h); null: no bound.
Json RateBoundPerLink(const Scenario& scenario) {
  const double bound = std::log(static_cast<double>(scenario.training.batch_size));
  switch (scenario.rate.estimator) {
    case RateEstimator::kMarginal:
      return bound * scenario.model.embedding;
    case RateEstimator::kJoint:
      return bound;
    case RateEstimator::kKnnEntropy:
      break;
  }
  return nullptr;
}

}  // namespace

void Summary::Add(const WindowRecord& record) {
  const LinkCounts counts = CountLinks(scenario_, record);
  links_max_ = std::max(links_max_, counts.links_max);
  transmitters_max_ = std::max(transmitters_max_, counts.transmitters_max);
  limits_exceeded_ += counts.limits_exceeded;
  refused_ += record.refused_total();
  AddCosts(record);
  if (record.open.kind() == v1::TRAIN) {
    ++train_windows_;
    train_probability_.push_back(RequestProbability(scenario_, record));
    if (train_probability_.size() > kSelectionWindows) train_probability_.pop_front();
    train_kinds_.push_back(CountGrantedKinds(scenario_, record));
    if (train_kinds_.size() > kSelectionWindows) train_kinds_.pop_front();
  } else if (record.open.kind() == v1::EVALUATE) {
    AddEvaluation(record);
  }
}

void Summary::AddCosts(const WindowRecord& record) {
  const bool train = record.open.kind() == v1::TRAIN;
  (train ? train_seconds_ : evaluate_seconds_).push_back(record.seconds());
  (train ? train_cpu_ : evaluate_cpu_).push_back(record.cpu_seconds());
  double flops = 0;
  for (const auto& [node, report] : record.reports) flops += static_cast<double>(report.flops());
  if (train) {
    train_flops_.push_back(flops);
  } else {
    evaluation_flops_ += flops;
    evaluation_samples_ += static_cast<double>(record.open.samples());
  }
  std::vector<double> accuracy;
  for (int t = 0; t < scenario_.T(); ++t) accuracy.push_back(Accuracy(record, t));
  recent_accuracy_.push_back(std::move(accuracy));
  if (recent_accuracy_.size() > kRecentWindows) recent_accuracy_.pop_front();
}

void Summary::AddEvaluation(const WindowRecord& record) {
  Draw& draw = draws_[record.open.cr_draw()];
  draw.correct.resize(scenario_.T());
  draw.samples.resize(scenario_.T());
  draw.cross_entropy.resize(scenario_.T());
  for (int t = 0; t < scenario_.T(); ++t) {
    const auto found = record.reports.find(NodeId::Receiver(t));
    if (found == record.reports.end()) continue;
    const v1::Report& report = found->second;
    draw.correct[t] += report.correct();
    draw.samples[t] += static_cast<double>(report.samples());
    draw.cross_entropy[t] += report.cross_entropy() * static_cast<double>(report.samples());
  }
  const double rounds = record.open.rounds();
  draw.rate += SumRate(record) * rounds;
  draw.links += CountLinks(scenario_, record).links_total() * rounds;
  draw.rounds += rounds;
  if (evaluation_probability_.empty()) evaluation_probability_ = NoLinks(scenario_);
  AddScaled(RequestProbability(scenario_, record), rounds, &evaluation_probability_);
  evaluation_rounds_ += rounds;
  evaluation_kinds_.resize(scenario_.T());
  AddRounds(CountGrantedKinds(scenario_, record), &evaluation_kinds_);
  for (const auto& [set, count] : CountGrantedSets(record)) evaluation_sets_[set] += count;
  if (scenario_.evaluation.score) AddScore(record);
}

void Summary::AddScore(const WindowRecord& record) {
  const v1::OpenWindow& open = record.open;
  Draw& draw = draws_[open.cr_draw()];
  for (uint32_t r = 0; r < open.rounds(); ++r) {
    const uint64_t before = static_cast<uint64_t>(r) * open.batch_size();
    Batch& batch = batches_[open.first_sample() + before];
    batch.samples =
        static_cast<double>(std::min<uint64_t>(open.batch_size(), open.samples() - before));
    batch.loss.resize(scenario_.T());
    batch.draws.resize(scenario_.T());
    for (int t = 0; t < scenario_.T(); ++t) {
      const auto found = record.reports.find(NodeId::Receiver(t));
      if (found == record.reports.end() || found->second.round_loss_size() <= static_cast<int>(r)) {
        continue;
      }
      const double loss = found->second.round_loss(static_cast<int>(r));
      batch.loss[t] += loss;
      ++batch.draws[t];
      draw.score += loss * batch.samples;
    }
  }
}

// The task-modality score (TADIB eq. 4) on the test samples: score* of summary.json. Batches that a
// receiver missed say nothing about the sum and are left out.
void Summary::PutScore(Json* out) const {
  std::vector<double> per_task(scenario_.T(), 0.0), per_batch, per_draw;
  double samples = 0;
  for (const auto& [first, batch] : batches_) {
    if (std::count(batch.draws.begin(), batch.draws.end(), 0) > 0) continue;
    samples += batch.samples;
    per_batch.push_back(0);
    for (int t = 0; t < scenario_.T(); ++t) {
      const double loss = batch.loss[t] / batch.draws[t];
      per_task[t] += loss * batch.samples;
      per_batch.back() += loss;
    }
  }
  if (samples == 0) return;
  for (double& of_task : per_task) of_task /= samples;
  for (const auto& [number, draw] : draws_) per_draw.push_back(draw.score / samples);
  (*out)["score"] = std::accumulate(per_task.begin(), per_task.end(), 0.0);
  (*out)["score_per_task"] = per_task;
  (*out)["score_interval95"] = Interval95(per_batch);
  (*out)["score_per_draw"] = per_draw;
}

void Summary::PutQuality(Json* out) const {
  std::vector<double> accuracy, interval, nce_per_task, nce_per_draw(draws_.size(), 0.0);
  std::vector<std::vector<double>> accuracy_per_draw(draws_.size());
  for (int t = 0; t < scenario_.T(); ++t) {
    std::vector<double> of_task, nce;
    size_t i = 0;
    for (const auto& [number, draw] : draws_) {
      const double samples = std::max(draw.samples[t], 1.0);
      of_task.push_back(draw.correct[t] / samples);
      nce.push_back(-draw.cross_entropy[t] / samples);
      accuracy_per_draw[i].push_back(of_task.back());
      nce_per_draw[i++] += nce.back();
    }
    accuracy.push_back(of_task.empty() ? 0 : Mean(of_task));
    interval.push_back(Interval95(of_task));
    nce_per_task.push_back(nce.empty() ? 0 : Mean(nce));
  }
  (*out)["accuracy"] = accuracy;
  (*out)["accuracy_interval95"] = interval;
  (*out)["nce"] = nce_per_draw.empty() ? 0 : Mean(nce_per_draw);
  (*out)["nce_per_task"] = nce_per_task;
  (*out)["accuracy_per_draw"] = accuracy_per_draw;
  (*out)["nce_per_draw"] = nce_per_draw;
}

LinkShares Summary::MeanTrainProbability() const {
  LinkShares mean = NoLinks(scenario_);
  for (const LinkShares& p : train_probability_) {
    AddScaled(p, 1.0 / static_cast<double>(train_probability_.size()), &mean);
  }
  return mean;
}

void Summary::PutLinks(Json* out) const {
  std::vector<double> rate, links;
  for (const auto& [number, draw] : draws_) {
    rate.push_back(draw.rate / draw.rounds);
    links.push_back(draw.links / draw.rounds);
  }
  (*out)["rate_nats"] = rate.empty() ? 0 : Mean(rate);
  (*out)["rate_estimator"] = semlink::Name(scenario_.rate.estimator);
  (*out)["rate_bound_nats"] = RateBoundPerLink(scenario_);
  (*out)["links_mean"] = links.empty() ? 0 : Mean(links);
  (*out)["links_max"] = links_max_;
  (*out)["transmitters_max"] = transmitters_max_;
  (*out)["limits_exceeded"] = limits_exceeded_;
  (*out)["under_limits"] = limits_exceeded_ == 0;
  (*out)["refused"] = refused_;
  (*out)["selection_probability"] = MeanTrainProbability();
  LinkShares evaluation = NoLinks(scenario_);
  if (evaluation_rounds_ > 0) {
    AddScaled(evaluation_probability_, 1.0 / evaluation_rounds_, &evaluation);
  }
  (*out)["selection_probability_evaluation"] = evaluation;
  Json sets = Json::object();
  for (const auto& [set, rounds] : evaluation_sets_) sets[set] = rounds / evaluation_rounds_;
  (*out)["link_sets_evaluation"] = std::move(sets);
}

void Summary::PutGrantedKinds(Json* out) const {
  KindRounds training(scenario_.T());
  for (const KindRounds& window : train_kinds_) AddRounds(window, &training);
  KindRounds evaluation = evaluation_kinds_;
  evaluation.resize(scenario_.T());
  (*out)["granted_kinds"] = KindShares(training);
  (*out)["granted_kinds_evaluation"] = KindShares(evaluation);
}

Json Summary::ToJson() const {
  Json out;
  out["scenario"] = scenario_.name;
  out["method"] = scenario_.method.name;
  out["seed"] = scenario_.seed;
  out["windows"] = train_windows_;
  PutQuality(&out);
  PutScore(&out);
  PutLinks(&out);
  PutGrantedKinds(&out);
  const bool trained = !train_seconds_.empty();
  out["seconds_per_window"] = SecondsPerWindow();
  out["cpu_seconds_per_window"] = Quantile(trained ? train_cpu_ : evaluate_cpu_, 0.5);
  out["flops_per_window"] = Quantile(train_flops_, 0.5);
  out["flops_per_inference"] =
      evaluation_samples_ > 0 ? evaluation_flops_ / evaluation_samples_ : 0;
  out["cr_draws"] = draws_.size();
  return out;
}

double Summary::SecondsPerWindow() const {
  return Quantile(train_seconds_.empty() ? evaluate_seconds_ : train_seconds_, 0.5);
}

std::vector<double> Summary::RecentAccuracy() const {
  if (recent_accuracy_.empty()) return {};
  std::vector<double> mean(scenario_.T(), 0.0);
  for (const std::vector<double>& accuracy : recent_accuracy_) {
    for (int t = 0; t < scenario_.T(); ++t) {
      mean[t] += accuracy[t] / static_cast<double>(recent_accuracy_.size());
    }
  }
  return mean;
}

Json InferJson(const Scenario& scenario, const WindowRecord& record, const v1::InferStart& start) {
  Json receivers = Json::array();
  double total = 0;
  for (const auto& [t, report] : record.infer_reports) {
    const std::vector<double> latency(report.latency_us().begin(), report.latency_us().end());
    const double samples = static_cast<double>(report.samples());
    const double per_second = report.seconds() > 0 ? samples / report.seconds() : 0;
    total += per_second;
    receivers.push_back(
        {{"task", semlink::Name(scenario.receivers[t].task)},
         {"samples", report.samples()},
         {"correct", report.correct()},
         {"accuracy", samples > 0 ? static_cast<double>(report.correct()) / samples : 0},
         {"seconds", report.seconds()},
         {"samples_per_second", per_second},
         {"latency_us",
          {{"p50", Quantile(latency, 0.5)},
           {"p90", Quantile(latency, 0.9)},
           {"p99", Quantile(latency, 0.99)},
           {"max", Quantile(latency, 1.0)}}}});
  }
  return {{"receivers", std::move(receivers)},
          {"samples_per_second", total},
          {"batch", start.batch_size()},
          {"in_flight", start.in_flight()}};
}

}  // namespace semlink::coordinator
