#include "coordinator/membership.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/transport/protocol.h"

namespace semlink::coordinator {
namespace {

bool Live(const Member& member) {
  return member.state == MemberState::kJoining || member.state == MemberState::kReady ||
         member.state == MemberState::kUp;
}

}  // namespace

const char* Name(MemberState state) {
  switch (state) {
    case MemberState::kAwaited:
      return "awaited";
    case MemberState::kJoining:
      return "joining";
    case MemberState::kReady:
      return "ready";
    case MemberState::kUp:
      return "up";
    case MemberState::kLost:
      return "lost";
  }
  return "unknown";
}

Membership::Membership(const Scenario& scenario) : transmitters_(scenario.K()) {
  for (int k = 0; k < scenario.K(); ++k) members_.emplace_back(NodeId::Transmitter(k));
  for (int t = 0; t < scenario.T(); ++t) members_.emplace_back(NodeId::Receiver(t));
}

const Member* Membership::Find(const NodeId& id) const {
  const int receivers = static_cast<int>(members_.size()) - transmitters_;
  if (id.role == Role::kTransmitter && id.index >= 0 && id.index < transmitters_) {
    return &members_[id.index];
  }
  if (id.role == Role::kReceiver && id.index >= 0 && id.index < receivers) {
    return &members_[transmitters_ + id.index];
  }
  return nullptr;
}

Member* Membership::Find(const NodeId& id) {
  return const_cast<Member*>(static_cast<const Membership*>(this)->Find(id));
}

std::optional<HelloRefusal> Membership::Join(const NodeId& from, const v1::Hello& hello,
                                             absl::Duration now) {
  if (hello.protocol() != kProtocolVersion) {
    return HelloRefusal{
        v1::Refusal::PROTOCOL_VERSION,
        absl::StrCat(from.ToString(), " speaks protocol ", hello.protocol(), ", this coordinator ",
                     kProtocolVersion, ": install the same version of semlink on both")};
  }
  if (from.role != Role::kTransmitter && from.role != Role::kReceiver) {
    return HelloRefusal{v1::Refusal::WRONG_ROLE, "only transmitters and receivers join a run"};
  }
  if (FromProto(hello.node()) != from) {
    return HelloRefusal{v1::Refusal::WRONG_ROLE, absl::StrCat(from.ToString(), " says it is ",
                                                              FromProto(hello.node()).ToString())};
  }
  Member* member = Find(from);
  if (member == nullptr) {
    return HelloRefusal{
        v1::Refusal::UNKNOWN_NODE,
        absl::StrCat(from.ToString(), " is not in the scenario, which has ", transmitters_,
                     " transmitters and ", members_.size() - transmitters_, " receivers")};
  }
  if (Live(*member)) {
    return HelloRefusal{
        v1::Refusal::DUPLICATE_NODE,
        absl::StrCat("a live node has the name ", from.ToString(), " (process ", member->pid, ")")};
  }
  if (member->state == MemberState::kLost) {
    return HelloRefusal{v1::Refusal::DUPLICATE_NODE,
                        absl::StrCat(from.ToString(), " was lost in this run")};
  }
  if (from.role == Role::kTransmitter && hello.data_address().empty()) {
    return HelloRefusal{v1::Refusal::BAD_MESSAGE,
                        absl::StrCat(from.ToString(), " names no data_address")};
  }
  *member = Member(from);
  member->state = MemberState::kJoining;
  member->software = hello.software();
  member->address = hello.data_address();
  member->pid = hello.pid();
  member->last_heard = now;
  return std::nullopt;
}

bool Membership::MarkReady(const NodeId& id) {
  Member* member = Find(id);
  if (member == nullptr || member->state != MemberState::kJoining) return false;
  member->state = MemberState::kReady;
  return true;
}

bool Membership::MarkGone(const NodeId& id) {
  Member* member = Find(id);
  if (member == nullptr || !Live(*member)) return false;
  if (member->state == MemberState::kUp) {
    member->state = MemberState::kLost;
    ++view_;
  } else {
    member->state = MemberState::kAwaited;
    member->welcomed = false;
  }
  return true;
}

bool Membership::Start() {
  if (!AllReady()) return false;
  for (Member& member : members_) member.state = MemberState::kUp;
  view_ = 1;
  return true;
}

void Membership::FillView(v1::OpenWindow* open) const {
  open->set_view(view_);
  for (const Member& member : members_) {
    const bool up = member.state == MemberState::kUp;
    if (member.id.role == Role::kTransmitter) {
      open->add_transmitter_up(up);
    } else {
      open->add_receiver_up(up);
    }
  }
}

bool Membership::AllTransmittersIn() const {
  return std::all_of(members_.begin(), members_.begin() + transmitters_, Live);
}

bool Membership::AllReady() const {
  return std::all_of(members_.begin(), members_.end(),
                     [](const Member& m) { return m.state == MemberState::kReady; });
}

bool Membership::ReceiverWelcomed() const {
  return std::any_of(members_.begin() + transmitters_, members_.end(),
                     [](const Member& m) { return m.welcomed; });
}

std::vector<NodeId> Membership::In(MemberState state) const {
  std::vector<NodeId> nodes;
  for (const Member& member : members_) {
    if (member.state == state) nodes.push_back(member.id);
  }
  return nodes;
}

std::vector<std::string> Membership::TransmitterAddresses() const {
  std::vector<std::string> addresses;
  for (int k = 0; k < transmitters_; ++k) addresses.push_back(members_[k].address);
  return addresses;
}

std::string Join(const std::vector<NodeId>& nodes) {
  return absl::StrJoin(nodes, ", ", [](std::string* out, const NodeId& node) {
    absl::StrAppend(out, node.ToString());
  });
}

}  // namespace semlink::coordinator
