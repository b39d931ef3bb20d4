// A receiver: owns y_t, its decoders and its selector. docs/protocol.md says what it sends when.
#ifndef SEMLINK_RECEIVER_RECEIVER_NODE_H_
#define SEMLINK_RECEIVER_RECEIVER_NODE_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/base/thread_cpu.h"
#include "common/data/dataset.h"
#include "common/scenario/scenario.h"
#include "common/transport/transport.h"
#include "receiver/decoder_bank.h"
#include "receiver/inference_client.h"
#include "receiver/request_selection.h"

namespace semlink::receiver {

class ReceiverNode : public Node {
 public:
  // `transport` and `clock` must outlive the node. The clock times inference only.
  ReceiverNode(int t, Transport* transport, Clock* clock);

  absl::Status Handle(const NodeId& from, const v1::Message& message) override;
  absl::Status PeerDown(const NodeId& peer, const absl::Status& why) override;
  bool done() const override { return state_ == State::kDone; }

  // Messages refused so far.
  int refusals() const { return refusals_; }

  // The networks, for tests; null before Welcome.
  DecoderBank* decoders() { return decoders_.get(); }
  RequestSelection* selection() { return selection_.get(); }

 private:
  // Legal order: kJoining -> kConnecting -> kIdle -> kAsked -> kReported -> kIdle (commit or
  // abort); an INFER window goes kAsked -> kInferring -> kReported. kDone from any.
  enum class State { kJoining, kConnecting, kIdle, kAsked, kInferring, kReported, kDone };

  absl::Status HandleCoordinator(const v1::Message& message);
  absl::Status HandleTransmitter(int k, const v1::Message& message);

  absl::Status OnWelcome(const v1::Welcome& welcome);
  absl::Status OnTransmitterWelcome(int k);
  absl::Status OnOpenWindow(const v1::OpenWindow& open);
  absl::Status OnGrant(const v1::Grant& grant);
  absl::Status OnInferStart(const v1::InferStart& start);
  absl::Status OnCommit(const v1::Commit& commit);
  absl::Status OnParametersRequest(const v1::ParametersRequest& request);
  void OnAbort();

  // Checks that `features` are exactly the links granted from transmitter k.
  absl::StatusOr<std::vector<ReceivedLink>> CheckFeatures(int k,
                                                          const v1::Features& features) const;
  absl::Status RunIfComplete();
  absl::Status SendGradients(const std::vector<ReceivedLink>& links, const WindowResult& result,
                             const std::vector<float>& advantage);
  absl::Status SendReport(const WindowResult& result);
  absl::Status SendInferReportIfFinished();
  absl::Status Refuse(int k, const absl::Status& why);
  absl::Status SendToCoordinator(v1::Message message);

  int t_;
  Transport* transport_;
  Clock* clock_;
  State state_ = State::kJoining;
  Scenario scenario_;
  std::unique_ptr<data::LabelSource> labels_;
  std::unique_ptr<DecoderBank> decoders_;
  std::unique_ptr<RequestSelection> selection_;
  std::unique_ptr<InferenceClient> inference_;
  std::vector<bool> connected_;  // by k

  // The open window.
  method::WindowPlan plan_;
  uint64_t next_window_ = 0;                     // smallest number that may be opened
  std::vector<std::vector<uint32_t>> requests_;  // by k: rounds
  bool granted_ = false;
  std::vector<ReceivedLink> links_;  // granted, sorted by (k, m), features to come
  std::vector<std::optional<v1::Features>> features_;  // by k
  CpuMeter cpu_;                                       // since the last report
  int refusals_ = 0;
};

}  // namespace semlink::receiver

#endif  // SEMLINK_RECEIVER_RECEIVER_NODE_H_
