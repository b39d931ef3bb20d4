// What may travel between whom: protocol version, the kind of each message, who may send it.
#ifndef SEMLINK_COMMON_TRANSPORT_PROTOCOL_H_
#define SEMLINK_COMMON_TRANSPORT_PROTOCOL_H_

#include <cstdint>

#include "common/base/ids.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// Raised with every incompatible change of the protos. Peers of another version are refused.
inline constexpr uint32_t kProtocolVersion = 1;

// Largest message accepted from a peer: parameters of a node travel in one.
inline constexpr int kMaxMessageBytes = 256 << 20;

// "request", "feature", "gradient" or "control": the kinds under which bytes are counted.
const char* TrafficKind(const v1::Message& message);

// Name of the message's body, for errors: "OpenWindow", "Features", ...
const char* MessageName(const v1::Message& message);

// Whether a node of role `from` may send this message to one of role `to`.
bool MaySend(Role from, Role to, const v1::Message& message);

v1::NodeName ToProto(const NodeId& id);
NodeId FromProto(const v1::NodeName& name);

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_PROTOCOL_H_
