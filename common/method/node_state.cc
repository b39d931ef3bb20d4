#include "common/method/node_state.h"

#include <ATen/core/grad_mode.h>

#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/codec/tensor_codec.h"

namespace semlink::method {
namespace {

constexpr char kBaseline[] = "baseline";

std::string StepsKey(const Learner& learner) { return absl::StrCat(learner.name, ".adamw.steps"); }
std::string MomentName(const Learner& learner, const char* which) {
  return absl::StrCat(learner.name, ".adamw.", which, "_moment");
}

v1::NamedTensor Named(std::string name, const at::Tensor& tensor) {
  v1::NamedTensor named;
  named.set_name(std::move(name));
  *named.mutable_tensor() = codec::EncodeFloat32(tensor);
  return named;
}

// Tensors by name, each of which is asked for once.
class TensorTable {
 public:
  using Tensors = google::protobuf::RepeatedPtrField<v1::NamedTensor>;

  explicit TensorTable(const Tensors& tensors) {
    for (const v1::NamedTensor& named : tensors) by_name_[named.name()] = &named.tensor();
  }
  absl::StatusOr<at::Tensor> Take(const std::string& name, at::IntArrayRef shape) {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) {
      return absl::InvalidArgumentError(absl::StrCat("tensor ", name, " is missing"));
    }
    const v1::Tensor* tensor = found->second;
    by_name_.erase(found);
    return codec::DecodeFloat32(*tensor, shape.vec(), absl::StrCat("tensor ", name));
  }
  absl::Status CheckEmpty() const {
    if (by_name_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("tensor ", by_name_.begin()->first, " belongs to no network of this node"));
  }

 private:
  std::map<std::string, const v1::Tensor*> by_name_;
};

// What is copied once everything has been checked.
using Copies = std::vector<std::pair<at::Tensor, at::Tensor>>;  // to, from

absl::Status CollectParameters(const NodeState& state, TensorTable* table, Copies* copies) {
  for (const Learner& learner : state.learners) {
    for (const auto& [name, target] : learner.network->NamedParameters()) {
      ASSIGN_OR_RETURN(at::Tensor value,
                       table->Take(absl::StrCat(learner.name, ".", name), target.sizes()));
      copies->emplace_back(target, std::move(value));
    }
  }
  for (const auto& [name, target] : state.tensors) {
    ASSIGN_OR_RETURN(at::Tensor value, table->Take(name, target.sizes()));
    copies->emplace_back(target, std::move(value));
  }
  return absl::OkStatus();
}

void Apply(const Copies& copies) {
  at::NoGradGuard no_grad;
  for (const auto& [to, from] : copies) at::Tensor(to).copy_(from);
}

struct Moments {
  at::Tensor first;
  at::Tensor second;
  int64_t steps = 0;
};

absl::StatusOr<Moments> TakeMoments(const store::TensorFile& file, const Learner& learner,
                                    TensorTable* table) {
  Moments moments;
  const at::IntArrayRef shape = learner.optimizer->first_moment().sizes();
  ASSIGN_OR_RETURN(moments.first, table->Take(MomentName(learner, "first"), shape));
  ASSIGN_OR_RETURN(moments.second, table->Take(MomentName(learner, "second"), shape));
  const auto steps = file.metadata.find(StepsKey(learner));
  if (steps == file.metadata.end() || !absl::SimpleAtoi(steps->second, &moments.steps) ||
      moments.steps < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("metadata ", StepsKey(learner), " is missing or no count"));
  }
  return moments;
}

absl::StatusOr<std::optional<double>> ReadBaseline(const store::TensorFile& file) {
  const auto text = file.metadata.find(kBaseline);
  if (text == file.metadata.end()) return std::optional<double>();
  double value = 0;
  if (!absl::SimpleAtod(text->second, &value) || !std::isfinite(value)) {
    return absl::InvalidArgumentError("metadata baseline is no number");
  }
  return std::optional<double>(value);
}

}  // namespace

void AppendParameters(const NodeState& state, v1::Parameters* out) {
  for (const Learner& learner : state.learners) {
    for (const auto& [name, tensor] : learner.network->NamedParameters()) {
      *out->add_tensor() = Named(absl::StrCat(learner.name, ".", name), tensor);
    }
  }
  for (const auto& [name, tensor] : state.tensors) *out->add_tensor() = Named(name, tensor);
}

absl::Status LoadParameters(const google::protobuf::RepeatedPtrField<v1::NamedTensor>& tensors,
                            NodeState* state) {
  TensorTable table(tensors);
  Copies copies;
  RETURN_IF_ERROR(CollectParameters(*state, &table, &copies));
  Apply(copies);
  return absl::OkStatus();
}

store::TensorFile SaveState(const NodeState& state) {
  store::TensorFile file;
  v1::Parameters parameters;
  AppendParameters(state, &parameters);
  file.tensors.Swap(parameters.mutable_tensor());
  for (const Learner& learner : state.learners) {
    *file.tensors.Add() = Named(MomentName(learner, "first"), learner.optimizer->first_moment());
    *file.tensors.Add() = Named(MomentName(learner, "second"), learner.optimizer->second_moment());
    file.metadata[StepsKey(learner)] = absl::StrCat(learner.optimizer->steps());
  }
  if (state.baseline != nullptr && state.baseline->has_value()) {
    file.metadata[kBaseline] = absl::StrFormat("%.17g", **state.baseline);  // exact
  }
  return file;
}

absl::Status RestoreState(const store::TensorFile& file, NodeState* state) {
  TensorTable table(file.tensors);
  Copies copies;
  RETURN_IF_ERROR(CollectParameters(*state, &table, &copies));
  std::vector<Moments> moments;
  for (const Learner& learner : state->learners) {
    ASSIGN_OR_RETURN(Moments of_learner, TakeMoments(file, learner, &table));
    moments.push_back(std::move(of_learner));
  }
  RETURN_IF_ERROR(table.CheckEmpty());
  ASSIGN_OR_RETURN(const std::optional<double> baseline, ReadBaseline(file));

  Apply(copies);
  for (size_t i = 0; i < moments.size(); ++i) {
    nn::AdamW* optimizer = state->learners[i].optimizer;
    optimizer->Discard();
    optimizer->Restore(moments[i].first, moments[i].second, moments[i].steps);
  }
  if (state->baseline != nullptr) *state->baseline = baseline;
  return absl::OkStatus();
}

}  // namespace semlink::method
