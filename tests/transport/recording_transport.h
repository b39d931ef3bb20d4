// A transport that keeps what is sent instead of delivering it.
#ifndef SEMLINK_TESTS_TRANSPORT_RECORDING_TRANSPORT_H_
#define SEMLINK_TESTS_TRANSPORT_RECORDING_TRANSPORT_H_

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/transport/transport.h"

namespace semlink {

// Peers in `gone` can't be reached.
class RecordingTransport : public Transport {
 public:
  absl::Status Connect(const NodeId& to, const std::string& address) override {
    dialled.emplace_back(to, address);
    return absl::OkStatus();
  }
  absl::Status Send(const NodeId& to, v1::Message message) override {
    if (gone.count(to) > 0) return absl::UnavailableError("no connection");
    sent.emplace_back(to, std::move(message));
    return absl::OkStatus();
  }
  std::vector<v1::Traffic> TrafficSnapshot() const override { return traffic; }
  std::vector<v1::Wire> WireSnapshot() const override { return {}; }

  // Messages of one kind since the last sent.clear(), optionally to one node.
  std::vector<v1::Message> Of(v1::Message::BodyCase kind) const {
    std::vector<v1::Message> found;
    for (const auto& [to, message] : sent) {
      if (message.body_case() == kind) found.push_back(message);
    }
    return found;
  }
  std::vector<v1::Message> Of(v1::Message::BodyCase kind, const NodeId& node) const {
    std::vector<v1::Message> found;
    for (const auto& [to, message] : sent) {
      if (to == node && message.body_case() == kind) found.push_back(message);
    }
    return found;
  }

  std::vector<std::pair<NodeId, v1::Message>> sent;
  std::vector<std::pair<NodeId, std::string>> dialled;
  std::set<NodeId> gone;
  std::vector<v1::Traffic> traffic;
};

}  // namespace semlink

#endif  // SEMLINK_TESTS_TRANSPORT_RECORDING_TRANSPORT_H_
