// A transmitter: owns x_k, its encoders and its selector. Raw data never leaves it.
// docs/protocol.md says what it sends when; common/method/member_node.h has what it shares with
// receivers.
#ifndef SEMLINK_TRANSMITTER_TRANSMITTER_NODE_H_
#define SEMLINK_TRANSMITTER_TRANSMITTER_NODE_H_

#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/method/member_node.h"
#include "transmitter/encoder_bank.h"
#include "transmitter/link_selection.h"

namespace semlink::transmitter {

class TransmitterNode : public method::MemberNode {
 public:
  // `transport` must outlive the node.
  TransmitterNode(int k, Transport* transport, method::MemberOptions options = {});

  // The networks, for tests; null before Welcome.
  EncoderBank* encoders() { return encoders_.get(); }
  LinkSelection* selection() { return selection_.get(); }

 private:
  // Inside an open window: kAsking -> kClaimed -> kGranted. A TRAIN window is reported from
  // kGranted, an EVALUATE window when it gets there, an INFER window stays there until its commit.
  enum class Stage { kAsking, kClaimed, kGranted };

  // transmitter_node.cc
  absl::Status Load() override;
  void ResetLearners() override;
  method::NodeState State() override;
  int64_t train_size() const override { return encoders_->train_size(); }
  int64_t test_size() const override { return encoders_->test_size(); }
  absl::Status OnStream(int t, const v1::Message& message) override;
  void Step() override;
  void Discard() override;
  void EndWindow() override;

  // transmitter_window.cc
  absl::Status OnOpened() override;
  absl::Status OnGrant(const v1::Grant& grant) override;
  absl::Status OnData(int t, const v1::Message& message) override;
  absl::Status Advance() override;
  absl::Status OnRequest(int t, const v1::Request& request);
  absl::Status CheckRelevance(const v1::Request& request) const;
  absl::StatusOr<std::vector<ActiveLink>> CheckGrant(const v1::Grant& grant) const;
  absl::Status SendClaim();
  absl::Status SendFeatures();
  absl::Status Report();

  // transmitter_answers.cc
  absl::Status OnGradients(int t, const v1::Gradients& gradients);
  absl::Status CheckGradients(int t, const v1::Gradients& gradients) const;
  absl::Status CheckSampleRequest(int t, const v1::SampleRequest& request) const;
  absl::Status OnSampleRequest(int t, const v1::SampleRequest& request);

  const int k_;
  std::unique_ptr<EncoderBank> encoders_;
  std::unique_ptr<LinkSelection> selection_;

  // The open window.
  Stage stage_ = Stage::kAsking;
  std::vector<bool> asked_;                      // by t
  std::vector<std::vector<uint32_t>> requests_;  // by t: rounds
  std::vector<std::vector<float>> relevance_;    // by t, m: nats; empty unless links are ranked
  std::vector<ActiveLink> granted_;              // sorted by (m, t)
  std::vector<EncodedLink> encoded_;             // same order
  std::vector<bool> answered_;                   // by t
  std::vector<at::Tensor> dz_;                   // like encoded_; undefined: not come
  std::vector<std::map<uint32_t, float>> advantage_;  // by t: of a round
};

}  // namespace semlink::transmitter

#endif  // SEMLINK_TRANSMITTER_TRANSMITTER_NODE_H_
