// The smallest coordinator that drives real nodes in process: it grants what is claimed and shows
// the test what passed.
#ifndef SEMLINK_TESTS_PARITY_SCRIPTED_COORDINATOR_H_
#define SEMLINK_TESTS_PARITY_SCRIPTED_COORDINATOR_H_

#include <functional>
#include <map>
#include <vector>

#include "common/links/feasibility.h"
#include "common/scenario/reader.h"
#include "common/transport/transport.h"

namespace semlink {

class ScriptedCoordinator : public Node {
 public:
  // `before_commit` is called once all nodes have reported a window, with the links that were
  // granted.
  using BeforeCommit =
      std::function<void(const v1::OpenWindow&, const std::vector<v1::LinkRounds>&)>;

  ScriptedCoordinator(const Scenario& scenario, Transport* transport, int windows,
                      BeforeCommit before_commit)
      : scenario_(scenario),
        transport_(transport),
        windows_(windows),
        before_commit_(std::move(before_commit)) {}

  absl::Status Handle(const NodeId& from, const v1::Message& message) override {
    if (message.has_hello()) return OnHello(from);
    if (message.has_claim()) return OnClaim(from.index, message.claim());
    if (message.has_report()) return OnReport();
    if (message.has_ready()) ++ready_;
    if (message.has_pair_status() && message.pair_status().up()) ++pairs_;
    const bool first = message.has_ready() || message.has_pair_status();
    if (first && ready_ == nodes() && pairs_ == scenario_.K() * scenario_.T()) return Open();
    return absl::OkStatus();
  }
  bool done() const override { return done_; }

 private:
  int nodes() const { return scenario_.K() + scenario_.T(); }

  absl::Status OnHello(const NodeId& from) {
    joined_.push_back(from);
    if (static_cast<int>(joined_.size()) < nodes()) return absl::OkStatus();
    for (const NodeId& node : joined_) {
      v1::Message message;
      message.mutable_welcome()->set_scenario_yaml(EmitScenario(scenario_));
      for (int k = 0; k < scenario_.K(); ++k)
        message.mutable_welcome()->add_transmitter_address("in process");
      if (absl::Status sent = transport_->Send(node, std::move(message)); !sent.ok()) return sent;
    }
    return absl::OkStatus();
  }

  absl::Status OnClaim(int k, const v1::Claim& claim) {
    claims_[k] = claim;
    if (++claimed_ < scenario_.K()) return absl::OkStatus();
    LinkLimits limits{scenario_.limits.e_t,
                      scenario_.limits.e_k,
                      {},
                      scenario_.T(),
                      std::vector<bool>(scenario_.K(), true),
                      std::vector<bool>(scenario_.T(), true)};
    for (int i = 0; i < scenario_.K(); ++i) limits.modalities.push_back(scenario_.M(i));
    granted_ = DecideClaims(limits, static_cast<int>(open_.rounds()), claims_).granted;
    for (const NodeId& node : joined_) {
      v1::Message message;
      message.mutable_grant()->set_window(open_.window());
      for (const v1::LinkRounds& link : granted_) {
        const int end = node.role == Role::kTransmitter ? link.transmitter() : link.task();
        if (end == node.index) *message.mutable_grant()->add_link() = link;
      }
      message.set_attempt(attempt_);
      if (absl::Status sent = transport_->Send(node, std::move(message)); !sent.ok()) return sent;
    }
    return absl::OkStatus();
  }

  absl::Status OnReport() {
    if (++reported_ < nodes()) return absl::OkStatus();
    reported_ = 0;
    before_commit_(open_, granted_);
    v1::Message commit;
    commit.mutable_commit()->set_window(open_.window());
    if (absl::Status sent = ToAll(commit); !sent.ok()) return sent;
    return static_cast<int>(open_.window()) + 1 == windows_ ? Stop() : Open();
  }

  absl::Status Open() {
    open_.set_window(opened_ ? open_.window() + 1 : 0);
    opened_ = true;
    ++attempt_;
    open_.set_kind(v1::TRAIN);
    open_.set_rounds(scenario_.training.rounds_per_window);
    open_.set_batch_size(scenario_.training.batch_size);
    open_.set_seed(scenario_.seed);
    open_.mutable_transmitter_up()->Resize(scenario_.K(), true);
    open_.mutable_receiver_up()->Resize(scenario_.T(), true);
    claims_.assign(scenario_.K(), {});
    claimed_ = 0;
    v1::Message message;
    *message.mutable_open_window() = open_;
    return ToAll(message);
  }

  absl::Status Stop() {
    done_ = true;
    v1::Message message;
    message.mutable_stop();
    return ToAll(message);
  }

  absl::Status ToAll(v1::Message message) {
    message.set_attempt(attempt_);
    for (const NodeId& node : joined_) {
      if (absl::Status sent = transport_->Send(node, message); !sent.ok()) return sent;
    }
    return absl::OkStatus();
  }

  Scenario scenario_;
  Transport* transport_;
  int windows_;
  BeforeCommit before_commit_;
  std::vector<NodeId> joined_;
  v1::OpenWindow open_;
  bool opened_ = false;
  bool done_ = false;
  int ready_ = 0;
  int pairs_ = 0;
  uint64_t attempt_ = 0;
  int claimed_ = 0;
  int reported_ = 0;
  std::vector<v1::Claim> claims_;
  std::vector<v1::LinkRounds> granted_;
};

}  // namespace semlink

#endif  // SEMLINK_TESTS_PARITY_SCRIPTED_COORDINATOR_H_
