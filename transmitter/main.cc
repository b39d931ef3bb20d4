// semlink-transmitter: one transmitter of a run, as a daemon.
#include <memory>
#include <string>

#include "common/nn/process_setup.h"
#include "common/node/node_main.h"
#include "transmitter/transmitter_node.h"

int main(int argc, char** argv) {
  semlink::nn::TuneAllocator();
  semlink::nn::UseOneThread();
  return semlink::NodeMain(argc, argv, semlink::Role::kTransmitter,
                           [](const semlink::NodeId& self, semlink::Transport* transport,
                              const std::string& state_folder) {
                             return std::make_unique<semlink::transmitter::TransmitterNode>(
                                 self.index, transport,
                                 semlink::method::MemberOptions{state_folder});
                           });
}
