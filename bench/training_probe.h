// Runs training windows of a scenario in this process, on this thread, and says what each one cost.
#ifndef SEMLINK_BENCH_TRAINING_PROBE_H_
#define SEMLINK_BENCH_TRAINING_PROBE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "common/scenario/scenario.h"

namespace semlink::bench {

struct WindowCost {
  // CPU seconds of the whole process from one OpenWindow to the next: everything is in it, also
  // the coordinator, the ledger and the optimiser steps.
  double cpu = 0;
  // Of these, inside the calls of the nodes of one kind.
  double transmitters = 0, receivers = 0, coordinator = 0;
  double links = 0;  // granted, mean per round
  double gflop = 0;  // see WindowFlops
  // GFLOP/s of one fixed matrix product just before the window: how fast the machine was then. What
  // other tenants of the machine do moves it by a third within seconds.
  double pace = 0;
};

// Trains from a fresh start with the real nodes and coordinator (a run folder in a temporary
// directory, removed at the end) and returns windows [warmup, warmup + windows). The evaluation
// after the training is cut to one batch.
absl::StatusOr<std::vector<WindowCost>> MeasureWindows(Scenario scenario, int warmup, int windows);

// Median of what `value` gives for each window; `windows` must not be empty.
template <class Value>
double MedianOf(const std::vector<WindowCost>& windows, const Value& value);

double Median(std::vector<double> values);

template <class Value>
double MedianOf(const std::vector<WindowCost>& windows, const Value& value) {
  std::vector<double> values;
  for (const WindowCost& window : windows) values.push_back(value(window));
  return Median(std::move(values));
}

}  // namespace semlink::bench

#endif  // SEMLINK_BENCH_TRAINING_PROBE_H_
