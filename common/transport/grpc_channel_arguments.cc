#include "common/transport/grpc_channel_arguments.h"

#include <algorithm>
#include <climits>

namespace semlink {
namespace {

// A peer whose machine vanished is noticed after at most kKeepaliveMs + kKeepaliveTimeoutMs. Pings
// are answered by gRPC's threads, also while the node computes.
constexpr int kKeepaliveMs = 20'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
constexpr int kMinPingIntervalMs = 10'000;  // what a server tolerates: below kKeepaliveMs

// gRPC's own limit breaks the stream without a word. It lies a little above ours, so that a message
// that is slightly too large still gets a Refusal.
int HardLimit(std::size_t max_message_bytes) {
  return static_cast<int>(
      std::min<std::size_t>(max_message_bytes + max_message_bytes / 16 + 4096, INT_MAX));
}

}  // namespace

void SetServerArguments(std::size_t max_message_bytes, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(HardLimit(max_message_bytes));
  builder->SetMaxSendMessageSize(HardLimit(max_message_bytes));
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // two daemons never share a port
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              kMinPingIntervalMs);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // The health and reflection services are synchronous; one thread is enough for them.
  builder->SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 2);
}

grpc::ChannelArguments ClientArguments(std::size_t max_message_bytes) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(HardLimit(max_message_bytes));
  arguments.SetMaxSendMessageSize(HardLimit(max_message_bytes));
  // One connection per channel, so that the kernel's counts are those of one peer.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // trying again is the dialler's job
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return arguments;
}

}  // namespace semlink
