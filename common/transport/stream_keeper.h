// What is due on all streams of a daemon from time to time: heartbeats, silence, held messages.
#ifndef SEMLINK_COMMON_TRANSPORT_STREAM_KEEPER_H_
#define SEMLINK_COMMON_TRANSPORT_STREAM_KEEPER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "common/transport/peer_stream.h"
#include "common/transport/stream_hub.h"

namespace semlink {

// Works on the hub's ticker, so that a node that computes for long still sends heartbeats.
class StreamKeeper {
 public:
  struct Options {
    absl::Duration heartbeat = absl::Seconds(1);
    absl::Duration silence = absl::Seconds(5);
  };

  // Starts the hub's ticker. `hub` must outlive the keeper.
  StreamKeeper(const Options& options, StreamHub* hub);
  ~StreamKeeper() { Stop(); }

  // Thread-safe. A connection on which nothing was heard and no byte moved for so long is broken.
  void SetSilence(absl::Duration silence);

  // Waits for the work under way; none follows.
  void Stop();

 private:
  using Streams = std::vector<std::shared_ptr<PeerStream>>;

  // Returns when it is needed again.
  absl::Duration Work(absl::Duration now);
  void Beat(const Streams& streams);
  void CheckSilence(absl::Duration now, const Streams& streams);

  const absl::Duration heartbeat_;
  StreamHub* const hub_;
  std::atomic<int64_t> silence_ns_;
  // Touched by Work only:
  absl::Duration next_beat_;
  absl::Duration next_check_;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_STREAM_KEEPER_H_
