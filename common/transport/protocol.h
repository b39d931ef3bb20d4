// What may travel between whom: protocol version, the kind of each message, who may send it.
#ifndef SEMLINK_COMMON_TRANSPORT_PROTOCOL_H_
#define SEMLINK_COMMON_TRANSPORT_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "common/base/ids.h"
#include "common/base/limits.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// Raised with every incompatible change of the protos, or of what they mean. Peers of another
// version are refused. docs/protocol.md says what changed.
inline constexpr uint32_t kProtocolVersion = 3;

// What a Hello says about its sender, for people.
inline constexpr char kSoftware[] = "semlink 0.1.0";

// "request", "feature", "gradient" or "control": the kinds under which bytes are counted.
const char* TrafficKind(const v1::Message& message);
// Whether it is one of these four.
bool IsTrafficKind(const std::string& kind);

// Name of the message's body, for errors: "OpenWindow", "Features", ...
const char* MessageName(const v1::Message& message);

// Whether a node of role `from` may send this message to one of role `to`.
bool MaySend(Role from, Role to, const v1::Message& message);

// What PeerDown says when the peer closed the connection in good order: UNAVAILABLE.
absl::Status ClosedByPeer();

// The checks of every Transport::Send: INVALID_ARGUMENT unless MaySend and not a Hello (which the transport sends
// itself); RESOURCE_EXHAUSTED if `bytes` (the message's ByteSizeLong) exceeds `limit`.
absl::Status CheckMaySend(const NodeId& from, const NodeId& to, const v1::Message& message);
absl::Status CheckSize(const NodeId& to, const v1::Message& message, std::size_t bytes,
                       std::size_t limit = kMaxMessageBytes);

v1::NodeName ToProto(const NodeId& id);
// An unset or unknown role becomes kOperator, which may send nothing; an index beyond INT_MAX becomes INT_MAX.
NodeId FromProto(const v1::NodeName& name);

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_PROTOCOL_H_
