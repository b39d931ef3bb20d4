// What the mains of semlink-transmitter and semlink-receiver share.
#ifndef SEMLINK_COMMON_NODE_NODE_MAIN_H_
#define SEMLINK_COMMON_NODE_NODE_MAIN_H_

#include <functional>
#include <memory>
#include <string>

#include "common/base/ids.h"
#include "common/transport/transport.h"

namespace semlink {

// Makes the node. `self` has the role of the program and the index of the command line;
// `transport` outlives the node; `state_folder` is what --state said, empty without it. May throw:
// that ends the program with code 1.
using NodeFactory = std::function<std::unique_ptr<Node>(const NodeId& self, Transport* transport,
                                                        const std::string& state_folder)>;

// Reads the flags, opens the connections, runs the node, returns the exit code. `role` is
// kTransmitter or kReceiver. Flags: --coordinator HOST:PORT, --index N (from 1), --log-level,
// --wait SECONDS, --state DIR, --metrics HOST:PORT (metrics_flag.h), --tls DIR (security_flags.h),
// --insecure, --version; transmitters also --listen, --advertise.
int NodeMain(int argc, char** argv, Role role, const NodeFactory& factory);

}  // namespace semlink

#endif  // SEMLINK_COMMON_NODE_NODE_MAIN_H_
