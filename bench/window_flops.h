// How many floating-point operations a training window needs: the numerator of "share of the peak".
#ifndef SEMLINK_BENCH_WINDOW_FLOPS_H_
#define SEMLINK_BENCH_WINDOW_FLOPS_H_

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "common/scenario/scenario.h"
#include "semlink/v1/message.pb.h"

namespace semlink::bench {

// Counts the matrix products that the networks of all nodes really make in one TRAIN window; a
// multiplication and an addition are two operations. Nothing else is counted: no activations,
// normalisation, losses, rates, optimiser steps, data or messages.
//
// With F = BaseNetwork::ForwardFlops(rows), split into the first layer and the rest:
//  - rest: forward F, backward 2 F (gradients of the weights and of the input of each layer);
//  - encoder, first layer: the modality's columns once per *unique* row (rows that several tasks
//    share are multiplied once), the task embedding's columns per row; backward the weights only;
//  - fused decoder, first layer: the slots that are present, nothing for absent ones; backward
//    the weights and the slots;
//  - local decoder, first layer: all columns; backward the weights and the input;
//  - selectors, first layer: all columns; backward the weights only.
class WindowFlops {
 public:
  explicit WindowFlops(const Scenario& scenario) : scenario_(scenario) {}

  // links: granted in the window. requests[k]: (receiver, round) pairs that asked transmitter k.
  double Count(const std::vector<v1::LinkRounds>& links, const std::vector<int64_t>& requests);

 private:
  // Operations of one row forward: first layer per column, and everything behind it.
  struct Shape {
    double first_per_column = 0;
    double rest = 0;
  };
  const Shape& ShapeOf(int64_t in, int64_t out);
  // Forward and backward of `rows` rows with `columns` dense columns.
  double Dense(int64_t in, int64_t out, double rows, bool input_gradient);
  double Encoders(const std::vector<v1::LinkRounds>& links);
  double Decoders(const std::vector<v1::LinkRounds>& links);
  double Selectors(const std::vector<int64_t>& requests);

  Scenario scenario_;
  std::map<std::pair<int64_t, int64_t>, Shape> shapes_;
};

}  // namespace semlink::bench

#endif  // SEMLINK_BENCH_WINDOW_FLOPS_H_
