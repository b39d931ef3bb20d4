// Parameters of a node's networks as named tensors: for the run folder, for parity checks, for
// starting from a trained run.
#ifndef SEMLINK_COMMON_METHOD_PARAMETERS_H_
#define SEMLINK_COMMON_METHOD_PARAMETERS_H_

#include <google/protobuf/repeated_field.h>

#include <string>

#include "absl/status/status.h"
#include "common/nn/base_network.h"
#include "semlink/v1/message.pb.h"

namespace semlink::method {

// Appends every parameter of `network` as "prefix.name".
void AppendParameters(const std::string& prefix, const nn::BaseNetwork& network,
                      v1::Parameters* out);

// Overwrites the parameters of `network` with the tensors named "prefix.*". INVALID_ARGUMENT names
// the first one that is missing or has another shape; the network is untouched then.
absl::Status LoadParameters(const std::string& prefix,
                            const google::protobuf::RepeatedPtrField<v1::NamedTensor>& tensors,
                            nn::BaseNetwork* network);

}  // namespace semlink::method

#endif  // SEMLINK_COMMON_METHOD_PARAMETERS_H_
