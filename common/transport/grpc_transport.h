// Transport over gRPC: one daemon's connections to its peers.
#ifndef SEMLINK_COMMON_TRANSPORT_GRPC_TRANSPORT_H_
#define SEMLINK_COMMON_TRANSPORT_GRPC_TRANSPORT_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/transport/grpc_dialler.h"
#include "common/transport/grpc_server.h"
#include "common/transport/link_book.h"
#include "common/transport/mailbox.h"
#include "common/transport/protocol.h"
#include "common/transport/stream_hub.h"
#include "common/transport/stream_keeper.h"
#include "common/transport/transport.h"

namespace semlink {

// Everything that arrives goes to the mailbox; RunDaemon (common/node) takes it from there on the
// node's thread. Send and Connect are called on that thread; the snapshots are thread-safe.
class GrpcTransport : public Transport {
 public:
  struct Options {
    NodeId self;
    // The coordinator and transmitters listen here ("host:port"; port 0: any free port). Receivers
    // leave it empty.
    std::string listen;
    // Transmitters: what receivers dial. Empty: the bound address. Port 0: the bound port.
    std::string advertise;
    // Transmitters and receivers: where the coordinator is. Dialled at once.
    std::string coordinator;
    // How long to try to reach the coordinator for the first time.
    absl::Duration wait = absl::InfiniteDuration();
    SecurityOptions security;
    BackoffOptions backoff;
    absl::Duration hello_deadline = absl::Seconds(10);
    StreamKeeper::Options keeper;
    // Of the Hello; 0: a random one.
    uint64_t incarnation = 0;
    std::size_t max_message_bytes = kMaxMessageBytes;
    std::size_t max_waiting_bytes = kMaxWaitingBytes;  // of one peer, in the mailbox
    // Called on the node's thread with each message that it sends; may be empty.
    std::function<void(const v1::Message&)> on_send;
    std::vector<grpc::Service*> services;  // served at `listen` too; must outlive the transport
    // Whether faults at the kernel's level may change this process's network (kernel_faults.h).
    bool may_change_network = false;
  };

  // Listens, then dials the coordinator. Returns without waiting for anybody. INVALID_ARGUMENT for
  // addresses that make no sense; ALREADY_EXISTS if the port is in use. `mailbox` must outlive the
  // transport.
  static absl::StatusOr<std::unique_ptr<GrpcTransport>> Create(const Options& options,
                                                               Mailbox* mailbox);
  // Shutdown(1 s).
  ~GrpcTransport() override;

  absl::Status Connect(const NodeId& to, const std::string& address) override;
  absl::Status Send(const NodeId& to, v1::Message message) override;
  std::vector<v1::Traffic> TrafficSnapshot() const override;
  std::vector<v1::Wire> WireSnapshot() const override;
  // Also takes effect at once on what is held back. Thread-safe.
  void SetFaults(const std::vector<v1::Fault>& faults) override;
  void SetSilence(absl::Duration silence) override { keeper_.SetSilence(silence); }

  // Where it listens, with the port that was bound; empty for receivers.
  const std::string& listen_address() const { return listen_address_; }
  // What a transmitter's Hello says.
  const std::string& data_address() const { return data_address_; }
  // Messages and Hellos refused by the transport since the start.
  uint64_t refusals() const { return hub_.refusals(); }
  // Of these, because too much of one peer waited in the mailbox.
  uint64_t overflows() const { return hub_.overflows(); }
  // Messages that came twice and were dropped.
  uint64_t repeats() const { return hub_.repeats(); }

  // Ends every stream after what is queued on it, and the server. Whatever takes longer than
  // `grace` is broken off. Nothing can be sent afterwards.
  void Shutdown(absl::Duration grace);

 private:
  GrpcTransport(const Options& options, Mailbox* mailbox);

  absl::Status Listen();
  absl::Status ChooseDataAddress(const Address& bound);
  absl::Status Dial(const NodeId& to, const std::string& address, absl::Duration wait);
  v1::Hello MakeHello(const NodeId& to) const;
  void StartKernelFaults();
  // For the kernel's faults, on their thread: whom they are about, and what became of them.
  std::map<NodeId, LinkEnds> Links();
  void TellOutcome(const v1::FaultsSet& outcome);
  // Stops a dialler without waiting for it.
  void Retire(std::unique_ptr<GrpcDialler> dialler, const absl::Status& why);

  const Options options_;
  RealClock clock_;
  mutable StreamHub hub_;  // WireSnapshot() keeps what it reads
  StreamKeeper keeper_;
  std::unique_ptr<GrpcServer> server_;
  std::map<NodeId, std::unique_ptr<GrpcDialler>> diallers_;
  std::vector<std::unique_ptr<GrpcDialler>> retired_;
  std::string listen_address_;
  std::string data_address_;
  bool shut_down_ = false;
  std::unique_ptr<LinkBook> links_;  // touched by the kernel faults' thread only
  std::unique_ptr<KernelFaults> kernel_faults_;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_GRPC_TRANSPORT_H_
