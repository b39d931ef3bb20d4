// The state of a node: all that it would lose with its process and that changes the run. Random
// numbers are not among it: every stream is keyed by the window (common/base/rng.h).
#ifndef SEMLINK_COMMON_METHOD_NODE_STATE_H_
#define SEMLINK_COMMON_METHOD_NODE_STATE_H_

#include <google/protobuf/repeated_field.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/nn/adamw.h"
#include "common/nn/base_network.h"
#include "common/store/safetensors.h"
#include "semlink/v1/message.pb.h"

namespace semlink::method {

// A network that learns, and the optimiser of its parameters.
struct Learner {
  std::string name;  // "encoder1", "decoder", "selector": distinct in a node
  nn::BaseNetwork* network = nullptr;
  nn::AdamW* optimizer = nullptr;
};

// Points into the node.
struct NodeState {
  std::vector<Learner> learners;
  // Receivers: b_t of the policy gradient, nats; nullopt until the first window of a running mean.
  std::optional<double>* baseline = nullptr;
  // Parameters that no optimiser steps: name, and the float32 tensor itself.
  std::vector<std::pair<std::string, at::Tensor>> tensors = {};
};

// All parameters, as "learner.parameter", then the other tensors.
void AppendParameters(const NodeState& state, v1::Parameters* out);

// Overwrites all parameters; optimisers and baseline stay. INVALID_ARGUMENT names the first one
// that is missing or has another shape; nothing is changed then.
absl::Status LoadParameters(const google::protobuf::RepeatedPtrField<v1::NamedTensor>& tensors,
                            NodeState* state);

// The contents of a checkpoint: the parameters, "learner.adamw.first_moment" and
// "learner.adamw.second_moment" (flat, in the order of the parameters), the metadata
// "learner.adamw.steps" and "baseline". docs/formats/checkpoint.md.
store::TensorFile SaveState(const NodeState& state);

// The reverse, to the last bit: whole, or not at all. INVALID_ARGUMENT says what is missing, has
// another shape or can't be read.
absl::Status RestoreState(const store::TensorFile& file, NodeState* state);

}  // namespace semlink::method

#endif  // SEMLINK_COMMON_METHOD_NODE_STATE_H_
