// semlink-receiver: one receiver of a run, as a daemon.
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/nn/process_setup.h"
#include "common/node/node_main.h"
#include "receiver/receiver_node.h"

int main(int argc, char** argv) {
  semlink::nn::TuneAllocator();
  semlink::nn::UseOneThread();
  semlink::RealClock clock;
  return semlink::NodeMain(argc, argv, semlink::Role::kReceiver,
                           [&clock](const semlink::NodeId& self, semlink::Transport* transport,
                                    const std::string& state_folder) {
                             return std::make_unique<semlink::receiver::ReceiverNode>(
                                 self.index, transport, &clock,
                                 semlink::method::MemberOptions{state_folder});
                           });
}
