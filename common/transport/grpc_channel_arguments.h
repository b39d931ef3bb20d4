// gRPC settings that both ends of a connection must agree on.
#ifndef SEMLINK_COMMON_TRANSPORT_GRPC_CHANNEL_ARGUMENTS_H_
#define SEMLINK_COMMON_TRANSPORT_GRPC_CHANNEL_ARGUMENTS_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>

namespace semlink {

void SetServerArguments(std::size_t max_message_bytes, grpc::ServerBuilder* builder);
grpc::ChannelArguments ClientArguments(std::size_t max_message_bytes);

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_GRPC_CHANNEL_ARGUMENTS_H_
