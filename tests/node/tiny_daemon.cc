// A daemon for daemon_process_test: a transmitter without data. It prints what happens to it.
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "common/node/node_main.h"
#include "common/transport/protocol.h"

namespace semlink {
namespace {

class TinyNode : public Node {
 public:
  explicit TinyNode(const NodeId& self) {
    std::printf("made %s\n", self.ToString().c_str());
    std::fflush(stdout);
  }

  absl::Status Handle(const NodeId&, const v1::Message& message) override {
    if (message.has_stop()) done_ = true;
    if (message.has_abort()) return absl::DataLossError(message.abort().reason());
    if (message.has_commit()) {  // computes, deaf to everything
      std::printf("busy\n");
      std::fflush(stdout);
      // TSan delivers signals in calls that may block only.
      while (true) std::this_thread::sleep_for(std::chrono::microseconds(1));
    }
    return absl::OkStatus();
  }
  absl::Status PeerDown(const NodeId&, const absl::Status& why) override {
    return absl::UnavailableError("lost the coordinator: " + std::string(why.message()));
  }
  bool done() const override { return done_; }

 private:
  bool done_ = false;
};

}  // namespace
}  // namespace semlink

int main(int argc, char** argv) {
  return semlink::NodeMain(argc, argv, semlink::Role::kTransmitter,
                           [](const semlink::NodeId& self, semlink::Transport*, const std::string&) {
                             return std::make_unique<semlink::TinyNode>(self);
                           });
}
