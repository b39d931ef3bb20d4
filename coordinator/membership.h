// Who is in the run, in which state, and which pairs have a data stream.
#ifndef SEMLINK_COORDINATOR_MEMBERSHIP_H_
#define SEMLINK_COORDINATOR_MEMBERSHIP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/scenario/scenario.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

// kAwaited:   named by the scenario, not connected, and not up since this coordinator started.
// kJoining:   has said Hello; loads its data, opens its streams.
// kHeld:      has said Ready; which state it is to hold is not settled yet.
// kRestoring: has been sent a Restore.
// kReady:     holds the state that it needs; takes part from the next view on.
// kUp:        takes part in windows.
// kLost:      has been up since this coordinator started, then gone, or silent for too long. May
//             come again.
//
// Legal moves: kAwaited, kLost -> kJoining -> kHeld -> kReady -> kUp; kHeld -> kRestoring ->
// kReady; kRestoring -> kHeld (the checkpoint was refused; another is tried); kReady, kUp -> kHeld
// (the whole run goes back to a checkpoint); all but the first and the last -> kLost, or kAwaited
// if the node has not been up.
enum class MemberState { kAwaited, kJoining, kHeld, kRestoring, kReady, kUp, kLost };
const char* Name(MemberState state);

// It has a connection.
inline bool Connected(MemberState state) {
  return state != MemberState::kAwaited && state != MemberState::kLost;
}

struct Member {
  explicit Member(const NodeId& node) : id(node) {}

  NodeId id;
  MemberState state = MemberState::kAwaited;
  std::string software;
  std::string address;  // transmitters: where receivers dial them; the last one known
  uint32_t pid = 0;
  uint64_t incarnation = 0;
  bool was_up = false;    // since this coordinator started
  bool welcomed = false;  // on its present connection
  // kLost, kAwaited: it was silent for too long on a connection that lives, has been welcomed there
  // again, and has not said Ready since.
  bool silent = false;
  v1::Ready ready;    // the last one that it said
  bool live = false;  // kReady: it came with its state in memory, else `restored` says which one
  v1::CheckpointId restored;
  std::optional<uint64_t> last_window;  // the last committed window in which it took part
  absl::Duration last_heard;            // Clock::Now()
  absl::Duration asked_at;              // when it was last asked for something that the run needs
  uint64_t refusals = 0;                // messages of it that were refused
  std::string last_complaint;           // the last Refusal that it sent
  uint64_t peak_rss_bytes = 0;
};

// A refused Hello.
struct HelloRefusal {
  v1::Refusal::Reason reason;
  std::string detail;
};

// Not thread-safe. Reads no clock, sends nothing.
class Membership {
 public:
  explicit Membership(const Scenario& scenario);

  // nullptr if the scenario does not name it.
  Member* Find(const NodeId& id);
  const Member* Find(const NodeId& id) const;

  // kAwaited, kLost -> kJoining. nullopt: welcome. Checks the protocol version, the role, the
  // index, that `from` is who the Hello says, that no live node has the name, and that a
  // transmitter names its data address. A process that is the one that was there before keeps its
  // pairs; another one has none that was not reported since its predecessor went.
  std::optional<HelloRefusal> Join(const NodeId& from, const v1::Hello& hello, absl::Duration now);
  // Whether this is the process that has the name now: its old connection is then dead.
  bool IsReconnect(const NodeId& from, const v1::Hello& hello) const;

  // kLost, kAwaited -> kJoining without a Hello: it was silent, and has answered its Welcome.
  bool MarkHeardAgain(const NodeId& id);
  // kJoining -> kHeld. False in any other state.
  bool MarkHeld(const NodeId& id, const v1::Ready& ready);
  // kHeld -> kRestoring.
  bool MarkRestoring(const NodeId& id, const v1::CheckpointId& checkpoint);
  // kRestoring -> kHeld: it could not read the checkpoint.
  bool MarkNotRestored(const NodeId& id);
  // kRestoring -> kReady (live = false), kHeld -> kReady (live = true).
  bool MarkReady(const NodeId& id);
  // kReady, kUp -> kHeld.
  bool MarkHeldAgain(const NodeId& id);
  // All kReady -> kUp. Returns them.
  std::vector<NodeId> Admit();
  // Connected -> kLost, or kAwaited if it has not been up. A receiver's pairs are cut; a
  // transmitter's stay as they were reported, see Join. False if it was not connected.
  bool MarkGone(const NodeId& id);

  // What the receiver says of its stream, or (down only) the transmitter. False if nothing changed
  // or the scenario has no such pair.
  bool SetPair(int transmitter, int receiver, bool open);
  bool PairOpen(int transmitter, int receiver) const;
  // All pairs of connected nodes that have no stream, sorted.
  std::vector<v1::Pair> PairsAwaited() const;

  // Number of the view: who is up, and which pairs of these are cut. 0 before the first.
  uint64_t view() const { return view_; }
  // Raises the number if the view has changed since the last call. True if it has.
  bool UpdateView();
  // Resumed: the next view comes after `number`, the last one in the ledger. Numbers that no
  // committed or aborted window has are used again.
  void StartViewsAfter(uint64_t number) { view_ = number; }
  void FillView(v1::OpenWindow* open) const;

  bool AllTransmittersIn() const;  // all connected
  std::vector<NodeId> In(MemberState state) const;
  // Nodes in kReady or kUp.
  std::vector<NodeId> Able() const;
  // At least one transmitter and one receiver are in kReady or kUp.
  bool EnoughAble() const;
  std::vector<std::string> TransmitterAddresses() const;
  // Transmitters, then receivers, by index.
  const std::vector<Member>& members() const { return members_; }

 private:
  struct PairState {
    bool open = false;
    bool before_loss = false;  // was reported before its transmitter went
  };
  bool Move(const NodeId& id, MemberState from, MemberState to);
  bool IsUp(const NodeId& id) const;
  int receivers() const { return static_cast<int>(members_.size()) - transmitters_; }
  PairState& pair(int k, int t) { return pairs_[k * receivers() + t]; }
  const PairState& pair(int k, int t) const { return pairs_[k * receivers() + t]; }

  int transmitters_;
  std::vector<Member> members_;
  std::vector<PairState> pairs_;  // by transmitter, then receiver
  uint64_t view_ = 0;
  std::string last_view_;  // serialised
};

// "transmitter1, receiver2".
std::string Join(const std::vector<NodeId>& nodes);
// "transmitter1-receiver2, transmitter2-receiver1".
std::string Join(const std::vector<v1::Pair>& pairs);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_MEMBERSHIP_H_
