#include "coordinator/membership.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/transport/protocol.h"

namespace semlink::coordinator {
namespace {

bool IsAble(const Member& member) {
  return member.state == MemberState::kReady || member.state == MemberState::kUp;
}

v1::Pair MakePair(int transmitter, int receiver) {
  v1::Pair pair;
  pair.set_transmitter(transmitter);
  pair.set_receiver(receiver);
  return pair;
}

}  // namespace

const char* Name(MemberState state) {
  switch (state) {
    case MemberState::kAwaited:
      return "awaited";
    case MemberState::kJoining:
      return "joining";
    case MemberState::kHeld:
      return "held";
    case MemberState::kRestoring:
      return "restoring";
    case MemberState::kReady:
      return "ready";
    case MemberState::kUp:
      return "up";
    case MemberState::kLost:
      return "lost";
  }
  return "unknown";
}

Membership::Membership(const Scenario& scenario)
    : transmitters_(scenario.K()),
      pairs_(static_cast<size_t>(scenario.K()) * static_cast<size_t>(scenario.T())) {
  for (int k = 0; k < scenario.K(); ++k) members_.emplace_back(NodeId::Transmitter(k));
  for (int t = 0; t < scenario.T(); ++t) members_.emplace_back(NodeId::Receiver(t));
}

const Member* Membership::Find(const NodeId& id) const {
  if (id.role == Role::kTransmitter && id.index >= 0 && id.index < transmitters_) {
    return &members_[id.index];
  }
  if (id.role == Role::kReceiver && id.index >= 0 && id.index < receivers()) {
    return &members_[transmitters_ + id.index];
  }
  return nullptr;
}

Member* Membership::Find(const NodeId& id) {
  return const_cast<Member*>(static_cast<const Membership*>(this)->Find(id));
}

bool Membership::IsReconnect(const NodeId& from, const v1::Hello& hello) const {
  const Member* member = Find(from);
  return member != nullptr && Connected(member->state) && hello.incarnation() != 0 &&
         member->incarnation == hello.incarnation();
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
                     " transmitters and ", receivers(), " receivers")};
  }
  if (Connected(member->state)) {
    return HelloRefusal{
        v1::Refusal::DUPLICATE_NODE,
        absl::StrCat("a live node has the name ", from.ToString(), " (process ", member->pid, ")")};
  }
  if (from.role == Role::kTransmitter && hello.data_address().empty()) {
    return HelloRefusal{v1::Refusal::BAD_MESSAGE,
                        absl::StrCat(from.ToString(), " names no data_address")};
  }
  const bool same_process = hello.incarnation() != 0 && member->incarnation == hello.incarnation();
  for (int t = 0; from.role == Role::kTransmitter && t < receivers(); ++t) {
    PairState& state = pair(from.index, t);
    if (state.before_loss && !same_process) state.open = false;
    state.before_loss = false;
  }
  member->state = MemberState::kJoining;
  member->software = hello.software();
  member->address = hello.data_address();
  member->pid = hello.pid();
  member->incarnation = hello.incarnation();
  member->welcomed = false;
  member->silent = false;
  member->last_complaint.clear();
  member->last_heard = now;
  member->asked_at = now;
  return std::nullopt;
}

bool Membership::Move(const NodeId& id, MemberState from, MemberState to) {
  Member* member = Find(id);
  if (member == nullptr || member->state != from) return false;
  member->state = to;
  return true;
}

bool Membership::MarkHeardAgain(const NodeId& id) {
  Member* member = Find(id);
  if (member == nullptr || !member->silent || Connected(member->state)) return false;
  for (int t = 0; id.role == Role::kTransmitter && t < receivers(); ++t) {
    pair(id.index, t).before_loss = false;  // the same process
  }
  member->silent = false;
  member->last_complaint.clear();
  member->state = MemberState::kJoining;
  return true;
}

bool Membership::MarkHeld(const NodeId& id, const v1::Ready& ready) {
  if (!Move(id, MemberState::kJoining, MemberState::kHeld)) return false;
  Find(id)->ready = ready;
  return true;
}

bool Membership::MarkRestoring(const NodeId& id, const v1::CheckpointId& checkpoint) {
  if (!Move(id, MemberState::kHeld, MemberState::kRestoring)) return false;
  Find(id)->restored = checkpoint;
  return true;
}

bool Membership::MarkNotRestored(const NodeId& id) {
  return Move(id, MemberState::kRestoring, MemberState::kHeld);
}

bool Membership::MarkReady(const NodeId& id) {
  const bool live = Move(id, MemberState::kHeld, MemberState::kReady);
  if (!live && !Move(id, MemberState::kRestoring, MemberState::kReady)) return false;
  Find(id)->live = live;
  return true;
}

bool Membership::MarkHeldAgain(const NodeId& id) {
  return Move(id, MemberState::kReady, MemberState::kHeld) ||
         Move(id, MemberState::kUp, MemberState::kHeld);
}

std::vector<NodeId> Membership::Admit() {
  std::vector<NodeId> admitted = In(MemberState::kReady);
  for (const NodeId& id : admitted) {
    Member* member = Find(id);
    member->state = MemberState::kUp;
    member->was_up = true;
  }
  return admitted;
}

bool Membership::MarkGone(const NodeId& id) {
  Member* member = Find(id);
  if (member == nullptr || !Connected(member->state)) return false;
  member->state = member->was_up ? MemberState::kLost : MemberState::kAwaited;
  member->welcomed = false;
  if (id.role == Role::kReceiver) {
    for (int k = 0; k < transmitters_; ++k) pair(k, id.index).open = false;
  } else {
    for (int t = 0; t < receivers(); ++t) pair(id.index, t).before_loss = true;
  }
  return true;
}

bool Membership::SetPair(int transmitter, int receiver, bool open) {
  if (transmitter < 0 || transmitter >= transmitters_ || receiver < 0 || receiver >= receivers()) {
    return false;
  }
  PairState& state = pair(transmitter, receiver);
  state.before_loss = false;
  const bool changed = state.open != open;
  state.open = open;
  return changed;
}

bool Membership::PairOpen(int transmitter, int receiver) const {
  return pair(transmitter, receiver).open;
}

std::vector<v1::Pair> Membership::PairsAwaited() const {
  std::vector<v1::Pair> awaited;
  for (int k = 0; k < transmitters_; ++k) {
    for (int t = 0; t < receivers(); ++t) {
      const bool wanted =
          Connected(members_[k].state) && Connected(members_[transmitters_ + t].state);
      if (wanted && !PairOpen(k, t)) awaited.push_back(MakePair(k, t));
    }
  }
  return awaited;
}

bool Membership::IsUp(const NodeId& id) const { return Find(id)->state == MemberState::kUp; }

void Membership::FillView(v1::OpenWindow* open) const {
  open->set_view(view_);
  for (int k = 0; k < transmitters_; ++k) {
    open->add_transmitter_up(IsUp(NodeId::Transmitter(k)));
  }
  for (int t = 0; t < receivers(); ++t) open->add_receiver_up(IsUp(NodeId::Receiver(t)));
  for (int k = 0; k < transmitters_; ++k) {
    for (int t = 0; t < receivers(); ++t) {
      if (open->transmitter_up(k) && open->receiver_up(t) && !PairOpen(k, t)) {
        *open->add_cut() = MakePair(k, t);
      }
    }
  }
}

bool Membership::UpdateView() {
  v1::OpenWindow open;
  FillView(&open);
  open.clear_view();
  std::string now = open.SerializeAsString();
  if (now == last_view_) return false;
  last_view_ = std::move(now);
  ++view_;
  return true;
}

bool Membership::AllTransmittersIn() const {
  return std::all_of(members_.begin(), members_.begin() + transmitters_,
                     [](const Member& m) { return Connected(m.state); });
}

std::vector<NodeId> Membership::In(MemberState state) const {
  std::vector<NodeId> nodes;
  for (const Member& member : members_) {
    if (member.state == state) nodes.push_back(member.id);
  }
  return nodes;
}

std::vector<NodeId> Membership::Able() const {
  std::vector<NodeId> nodes;
  for (const Member& member : members_) {
    if (IsAble(member)) nodes.push_back(member.id);
  }
  return nodes;
}

bool Membership::EnoughAble() const {
  return std::any_of(members_.begin(), members_.begin() + transmitters_, IsAble) &&
         std::any_of(members_.begin() + transmitters_, members_.end(), IsAble);
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

std::string Join(const std::vector<v1::Pair>& pairs) {
  return absl::StrJoin(pairs, ", ", [](std::string* out, const v1::Pair& pair) {
    absl::StrAppend(out, NodeId::Transmitter(pair.transmitter()).ToString(), "-",
                    NodeId::Receiver(pair.receiver()).ToString());
  });
}

}  // namespace semlink::coordinator
