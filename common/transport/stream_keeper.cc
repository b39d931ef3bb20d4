#include "common/transport/stream_keeper.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/transport/tcp_info.h"

namespace semlink {
namespace {

constexpr absl::Duration kCheckInterval = absl::Milliseconds(250);
// A check that comes later than this: the process was stopped or starved, and its peers were not
// heard because of that.
constexpr absl::Duration kStoodStill = absl::Seconds(1);

const TcpConnection* ConnectionOf(const PeerStream& stream,
                                  const std::vector<TcpConnection>& connections) {
  const OutStream::Endpoints ends = stream.endpoints();
  return FindConnection(connections, ends.local, ends.peer);
}

}  // namespace

StreamKeeper::StreamKeeper(const Options& options, StreamHub* hub)
    : heartbeat_(options.heartbeat),
      hub_(hub),
      silence_ns_(absl::ToInt64Nanoseconds(options.silence)),
      next_beat_(hub->clock()->Now()),
      next_check_(hub->clock()->Now()) {
  hub_->ticker().Start([this](absl::Duration now) { return Work(now); });
}

void StreamKeeper::SetSilence(absl::Duration silence) {
  silence_ns_.store(absl::ToInt64Nanoseconds(silence), std::memory_order_relaxed);
}

void StreamKeeper::Stop() { hub_->ticker().Stop(); }

absl::Duration StreamKeeper::Work(absl::Duration now) {
  const Streams streams = hub_->Streams();
  if (now >= next_beat_) {
    Beat(streams);
    // What a connection has carried is lost with it, but for what was read before.
    hub_->ReadWire();
    next_beat_ = std::max(next_beat_ + heartbeat_, now);
  }
  if (now >= next_check_) {
    CheckSilence(now, streams);
    next_check_ = now + kCheckInterval;
  }
  absl::Duration next = std::min(next_beat_, next_check_);
  for (const auto& stream : streams) next = std::min(next, stream->Pulse(now));
  return next;
}

void StreamKeeper::Beat(const Streams& streams) {
  for (const auto& stream : streams) {
    if (stream->is_open()) stream->Beat();
  }
}

void StreamKeeper::CheckSilence(absl::Duration now, const Streams& streams) {
  const absl::Duration silence = absl::Nanoseconds(silence_ns_.load(std::memory_order_relaxed));
  const absl::Duration window = std::min(absl::Seconds(1), silence / 4);
  const absl::Duration late = now - next_check_;
  std::vector<TcpConnection> connections;
  bool listed = false;
  for (const auto& stream : streams) {
    if (!stream->is_open()) continue;
    Liveness& liveness = stream->liveness();
    if (late > kStoodStill) liveness.Forgive(late);
    if (liveness.QuietFor(now) <= window) continue;
    if (!listed) {
      connections = ListTcpConnections();
      listed = true;
    }
    const TcpConnection* connection = ConnectionOf(*stream, connections);
    // On a link that is cut towards us even what arrives counts for nothing.
    if (connection != nullptr && !hub_->faults().IsCut(stream->peer(), hub_->self())) {
      liveness.Moved(now, connection->payload_received, window);
    }
    if (liveness.QuietFor(now) > silence) {
      stream->Fail(
          absl::UnavailableError(absl::StrCat("nothing heard from ", stream->peer().ToString(),
                                              " for ", absl::FormatDuration(silence))));
    }
  }
}

}  // namespace semlink
