// The dialling side: reaches one peer, however long that takes.
#ifndef SEMLINK_COMMON_TRANSPORT_GRPC_DIALLER_H_
#define SEMLINK_COMMON_TRANSPORT_GRPC_DIALLER_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/transport/address.h"
#include "common/transport/grpc_client_stream.h"
#include "common/transport/grpc_credentials.h"
#include "common/transport/stream_hub.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// Tries to open a stream to the peer, waiting between tries as `backoff` says, until one is open,
// and again when that one has ended. Each try has a connection of its own. `wait` limits the time
// to the first success. Gives up (PeerDown) when `wait` has passed, when the peer has refused the
// Hello for good, or, before the first success, when trying again can't help (wrong program,
// insecure address).
class GrpcDialler {
 public:
  struct Options {
    NodeId peer;
    Address address;
    v1::Hello hello;
    SecurityOptions security;
    BackoffOptions backoff;
    absl::Duration attempt = absl::Seconds(10);      // one try
    absl::Duration wait = absl::InfiniteDuration();  // all tries up to the first success
    // Between tries, once there was a success.
    absl::Duration longest_again = absl::Seconds(1);
  };

  // Starts at once, on a thread of its own. `hub` and `clock` must outlive the dialler.
  GrpcDialler(const Options& options, StreamHub* hub, Clock* clock);
  // Stop() and wait. The stream must end too: StreamHub::CloseAll.
  ~GrpcDialler();

  // No more tries. An open stream is left to the hub.
  void Stop();
  // Stop(), and an open stream is broken: PeerDown with `why`.
  void Abort(const absl::Status& why);
  // Whether its thread has nothing more to do.
  bool finished() const;
  // Whether it has given up.
  bool gave_up() const;
  const Address& address() const { return options_.address; }

 private:
  void Run();
  // Dials until it opens, gives up or is stopped; then until it must stop.
  void DialOn();
  // One try. `opened` tells whether the stream was open; it has ended then, and the result says
  // why.
  absl::Status Attempt(absl::Duration timeout, bool* opened);
  bool WorthTryingAgain(const absl::Status& status) const;
  // Tells the node, unless PeerDown has told it `already`.
  void GiveUp(const absl::Status& why, bool already);
  // Waits before the next try, and says so. False if there is none.
  bool Pause(const absl::Status& why, bool opened);
  // False if Stop() was called meanwhile.
  bool Sleep(absl::Duration duration);
  bool stopping() const;
  std::string Who() const;

  const Options options_;
  StreamHub* const hub_;
  Clock* const clock_;
  // Touched by the thread only:
  Backoff backoff_;
  bool connected_before_ = false;
  absl::Duration start_;
  absl::Duration opened_at_;
  std::string logged_;  // reason of the last line in the log
  absl::Duration logged_at_;

  mutable absl::Mutex mutex_;
  absl::CondVar stopped_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool gave_up_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<GrpcClientStream> stream_ ABSL_GUARDED_BY(mutex_);  // of the last try
  std::thread thread_;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_GRPC_DIALLER_H_
