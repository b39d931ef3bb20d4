// A receiver: owns y_t, its decoders and its selector. docs/protocol.md says what it sends when;
// common/method/member_node.h has what it shares with transmitters.
#ifndef SEMLINK_RECEIVER_RECEIVER_NODE_H_
#define SEMLINK_RECEIVER_RECEIVER_NODE_H_

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/data/dataset.h"
#include "common/method/member_node.h"
#include "receiver/decoder_bank.h"
#include "receiver/inference_client.h"
#include "receiver/request_selection.h"

namespace semlink::receiver {

class ReceiverNode : public method::MemberNode {
 public:
  // `transport` and `clock` must outlive the node. The clock times inference only.
  ReceiverNode(int t, Transport* transport, Clock* clock, method::MemberOptions options = {});

  // The networks, for tests; null before Welcome.
  DecoderBank* decoders() { return decoders_.get(); }
  RequestSelection* selection() { return selection_.get(); }

 private:
  // Inside an open window: kAsked -> kGranted. An INFER window goes on to kInferring and kInferred
  // and stays there until its commit, the others are reported from kGranted.
  enum class Stage { kAsked, kGranted, kInferring, kInferred };

  // receiver_node.cc
  absl::Status Load() override;
  void ResetLearners() override;
  method::NodeState State() override;
  int64_t train_size() const override { return labels_->size(data::Split::kTrain); }
  int64_t test_size() const override { return labels_->size(data::Split::kTest); }
  absl::Status OnAddresses(
      const google::protobuf::RepeatedPtrField<std::string>& addresses) override;
  absl::Status OnStream(int k, const v1::Message& message) override;
  absl::Status OnStreamRefused(int k, const std::string& reason) override;
  void Step() override;
  void Discard() override;
  void EndWindow() override;

  // receiver_window.cc
  absl::Status OnOpened() override;
  absl::Status OnGrant(const v1::Grant& grant) override;
  absl::Status OnInferStart(const v1::InferStart& start) override;
  absl::Status OnData(int k, const v1::Message& message) override;
  absl::Status Advance() override;
  absl::Status AdvanceInference();
  absl::Status RunDecoders();
  // The policy's part of a TRAIN window, and the gradients for the transmitters.
  absl::Status Learn(const std::vector<ReceivedLink>& links, const WindowResult& result);
  absl::StatusOr<std::vector<ReceivedLink>> CheckGrant(const v1::Grant& grant) const;
  // Decodes `features`, which must be exactly the links granted from transmitter k.
  absl::StatusOr<std::vector<ReceivedLink>> DecodeFeatures(int k,
                                                           const v1::Features& features) const;

  // receiver_results.cc
  absl::Status SendGradients(const std::vector<ReceivedLink>& links, const WindowResult& result,
                             const std::vector<float>& advantage, const std::vector<bool>& counted);
  absl::Status Report(const WindowResult& result);

  const int t_;
  Clock* clock_;
  std::unique_ptr<data::LabelSource> labels_;
  std::unique_ptr<DecoderBank> decoders_;
  std::unique_ptr<RequestSelection> selection_;
  std::unique_ptr<InferenceClient> inference_;
  std::set<int> reached_;  // transmitters whose stream has been open at least once

  // The open window.
  Stage stage_ = Stage::kAsked;
  std::vector<std::vector<uint32_t>> requests_;  // by k: rounds
  std::vector<ReceivedLink> links_;              // granted, sorted by (k, m), features to come
  std::vector<std::optional<std::vector<ReceivedLink>>> features_;  // by k: what has come
};

}  // namespace semlink::receiver

#endif  // SEMLINK_RECEIVER_RECEIVER_NODE_H_
