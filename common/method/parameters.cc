#include "common/method/parameters.h"

#include <ATen/core/grad_mode.h>

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/codec/tensor_codec.h"

namespace semlink::method {

void AppendParameters(const std::string& prefix, const nn::BaseNetwork& network,
                      v1::Parameters* out) {
  for (const auto& [name, tensor] : network.NamedParameters()) {
    v1::NamedTensor* named = out->add_tensor();
    named->set_name(absl::StrCat(prefix, ".", name));
    *named->mutable_tensor() = codec::EncodeFloat32(tensor);
  }
}

absl::Status LoadParameters(const std::string& prefix,
                            const google::protobuf::RepeatedPtrField<v1::NamedTensor>& tensors,
                            nn::BaseNetwork* network) {
  std::map<std::string, const v1::Tensor*> by_name;
  for (const v1::NamedTensor& named : tensors) by_name[named.name()] = &named.tensor();
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;
  for (const auto& [name, target] : network->NamedParameters()) {
    const std::string full = absl::StrCat(prefix, ".", name);
    const auto found = by_name.find(full);
    if (found == by_name.end()) {
      return absl::InvalidArgumentError(absl::StrCat("parameter ", full, " is missing"));
    }
    ASSIGN_OR_RETURN(at::Tensor value, codec::DecodeFloat32(*found->second, target.sizes().vec(),
                                                            absl::StrCat("parameter ", full)));
    copies.emplace_back(target, std::move(value));
  }
  at::NoGradGuard no_grad;
  for (auto& [target, value] : copies) target.copy_(value);
  return absl::OkStatus();
}

}  // namespace semlink::method
