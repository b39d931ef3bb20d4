// A call by the name of its method, with bytes for messages: for services that have no stub here.
#ifndef SEMLINK_COMMON_TRANSPORT_RAW_CALL_H_
#define SEMLINK_COMMON_TRANSPORT_RAW_CALL_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/time/time.h"

namespace semlink {

// gRPC's health service, which every port answers (grpc.health.v1.Health).
inline constexpr char kHealthCheck[] = "/grpc.health.v1.Health/Check";

// One unary call with an empty request, such as "/package.Service/Method". Blocks until the answer
// is there, at most `timeout`. `answer`, if given, gets the serialised reply of a call that is OK.
grpc::Status CallWithEmptyRequest(const std::shared_ptr<grpc::Channel>& channel,
                                  const std::string& method, absl::Duration timeout,
                                  std::string* answer = nullptr);

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_RAW_CALL_H_
