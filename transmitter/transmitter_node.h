// A transmitter: owns x_k, its encoders and its selector. Raw data never leaves it.
// docs/protocol.md says what it sends when.
#ifndef SEMLINK_TRANSMITTER_TRANSMITTER_NODE_H_
#define SEMLINK_TRANSMITTER_TRANSMITTER_NODE_H_

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/base/thread_cpu.h"
#include "common/scenario/scenario.h"
#include "common/transport/transport.h"
#include "transmitter/encoder_bank.h"
#include "transmitter/link_selection.h"

namespace semlink::transmitter {

class TransmitterNode : public Node {
 public:
  // `transport` must outlive the node.
  TransmitterNode(int k, Transport* transport);

  absl::Status Handle(const NodeId& from, const v1::Message& message) override;
  absl::Status PeerDown(const NodeId& peer, const absl::Status& why) override;
  bool done() const override { return state_ == State::kDone; }

  // Messages refused so far.
  int refusals() const { return refusals_; }

  // The networks, for tests; null before Welcome.
  EncoderBank* encoders() { return encoders_.get(); }
  LinkSelection* selection() { return selection_.get(); }

 private:
  // Legal order: kJoining -> kIdle -> kAsking -> kClaimed -> kGranted -> kReported -> kIdle (commit
  // or abort); an EVALUATE window skips kGranted; an INFER window stays in kGranted until its
  // commit. kDone from any.
  enum class State { kJoining, kIdle, kAsking, kClaimed, kGranted, kReported, kDone };

  // Reported, or inferring: the next window may be under way elsewhere.
  bool AwaitsCommit() const {
    return state_ == State::kReported || (state_ == State::kGranted && plan_.kind == v1::INFER);
  }

  absl::Status HandleCoordinator(const v1::Message& message);
  absl::Status HandleReceiver(int t, const v1::Message& message);

  absl::Status OnWelcome(const v1::Welcome& welcome);
  absl::Status OnOpenWindow(const v1::OpenWindow& open);
  absl::Status OnGrant(const v1::Grant& grant);
  absl::Status OnCommit(const v1::Commit& commit);
  absl::Status OnParametersRequest(const v1::ParametersRequest& request);
  void OnAbort();

  // Each returns why the message is refused, or OK.
  absl::Status OnRequest(int t, const v1::Request& request);
  absl::Status OnGradients(int t, const v1::Gradients& gradients);
  absl::Status OnSampleRequest(int t, const v1::SampleRequest& request);

  absl::Status ClaimIfAllAsked();
  absl::Status SendFeatures();
  absl::Status BackwardIfAllAnswered();
  absl::Status SendReport();
  absl::Status ReplayEarly();
  // A message for a window that this node has not opened, or not been granted, yet.
  bool IsEarly(const v1::Message& message) const;
  absl::Status Refuse(int t, const absl::Status& why);
  absl::Status SendToCoordinator(v1::Message message);

  int k_;
  Transport* transport_;
  State state_ = State::kJoining;
  Scenario scenario_;
  std::unique_ptr<EncoderBank> encoders_;
  std::unique_ptr<LinkSelection> selection_;

  // The open window.
  method::WindowPlan plan_;
  uint64_t next_window_ = 0;                       // smallest number that may be opened
  std::vector<bool> asked_;                        // by t
  std::vector<std::vector<uint32_t>> requests_;    // by t: rounds
  std::vector<ActiveLink> granted_;                // sorted by (m, t)
  std::vector<EncodedLink> encoded_;               // same order
  std::vector<bool> answered_;                     // by t
  std::vector<at::Tensor> dz_;                     // like encoded_
  std::vector<std::vector<float>> advantage_;      // by t
  std::deque<std::pair<int, v1::Message>> early_;  // (t, message)
  CpuMeter cpu_;                                   // since the last report
  int refusals_ = 0;
};

}  // namespace semlink::transmitter

#endif  // SEMLINK_TRANSMITTER_TRANSMITTER_NODE_H_
