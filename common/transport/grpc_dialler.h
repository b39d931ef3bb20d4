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

// Tries to open a stream to the peer, waiting between tries as `backoff` says, until one is open.
// Each try has a connection of its own. Ends with PeerDown when the open stream ends, when `wait`
// has passed, or when trying again can't help (wrong program, insecure address). It does not dial
// again once a stream was open: the node decides.
class GrpcDialler {
 public:
  struct Options {
    NodeId peer;
    Address address;
    v1::Hello hello;
    SecurityOptions security;
    BackoffOptions backoff;
    absl::Duration attempt = absl::Seconds(10);      // one try
    absl::Duration wait = absl::InfiniteDuration();  // all tries
  };

  // Starts at once, on a thread of its own. `hub` and `clock` must outlive the dialler.
  GrpcDialler(const Options& options, StreamHub* hub, Clock* clock);
  // Stop() and wait. The stream must end too: StreamHub::CloseAll.
  ~GrpcDialler();

  // No more tries. An open stream is left to the hub.
  void Stop();
  // Whether it may still open a stream: false once it opened one or gave up.
  bool trying() const;

 private:
  void Run();
  // One try. OK if the stream was opened; it has ended then.
  absl::Status Attempt(absl::Duration timeout);
  // Tells the node, for good.
  void GiveUp(const absl::Status& why);
  // False if Stop() was called meanwhile.
  bool Sleep(absl::Duration duration);
  bool stopping() const;

  const Options options_;
  StreamHub* const hub_;
  Clock* const clock_;
  Backoff backoff_;
  mutable absl::Mutex mutex_;
  absl::CondVar stopped_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<GrpcClientStream> stream_ ABSL_GUARDED_BY(mutex_);  // of the last try
  std::thread thread_;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_GRPC_DIALLER_H_
