// The life cycle of one window at the coordinator: who has claimed, who has reported, what was
// granted.
#ifndef SEMLINK_COORDINATOR_WINDOW_H_
#define SEMLINK_COORDINATOR_WINDOW_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/scenario/scenario.h"
#include "coordinator/window_record.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

// kOpened:    made; no node knows of it.
// kAsking:    OpenWindow is out; waits for the claims of all live transmitters.
// kGranted:   the links are decided; waits for the reports (INFER: of the receivers).
// kReported:  everything is in; may be committed.
// kCommitted: counts. Final.
// kAborted:   does not count. Final; its number is used again.
//
// Legal moves: each state to the next, and every state but the last two to kAborted.
enum class WindowState { kOpened, kAsking, kGranted, kReported, kCommitted, kAborted };
const char* Name(WindowState state);

// Why a message was not used.
enum class MessageRefusal {
  kOtherWindow,  // late or early: its number is not the open window's
  kOutOfTurn,    // right window, but that kind of message is not awaited in this state
  kDuplicate,    // the node has said this already
  kForeign,      // from a node that is not up, or of the wrong role
  kMalformed,    // its contents can't be
  kStale,        // of another attempt than the open window's: dropped, its sender is not told
};
const char* Name(MessageRefusal reason);

// Pure: sends nothing, stores nothing, reads no clock. Messages that are refused change nothing but
// the count.
class Window {
 public:
  // `open.transmitter_up` and `open.receiver_up` say who takes part: K and T entries. Links over a
  // pair in `open.cut` are not granted. `attempt` is that of all messages of this window.
  Window(const Scenario& scenario, v1::OpenWindow open, uint64_t attempt);

  uint64_t number() const { return record_.open.window(); }
  uint64_t attempt() const { return record_.attempt; }
  v1::WindowKind kind() const { return record_.open.kind(); }
  WindowState state() const { return state_; }
  bool final() const {
    return state_ == WindowState::kCommitted || state_ == WindowState::kAborted;
  }

  // kOpened -> kAsking.
  absl::Status Ask(absl::Time date);

  // In kAsking. nullopt: taken. `detail` gets what was wrong, for the Refusal. Never changes the
  // state: see Decide.
  std::optional<MessageRefusal> AddClaim(const NodeId& from, const v1::Claim& claim,
                                         std::string* detail);
  bool all_claimed() const;

  // kAsking -> kGranted: decides over all claims. FAILED_PRECONDITION unless all_claimed().
  absl::Status Decide();

  // The granted links that `node` is an end of. In kGranted or later.
  v1::Grant GrantFor(const NodeId& node) const;

  // In kGranted; the last one awaited moves the window to kReported. A receiver or transmitter
  // reports in TRAIN and EVALUATE windows, a receiver sends an InferReport in INFER windows.
  std::optional<MessageRefusal> AddReport(const NodeId& from, const v1::Report& report,
                                          std::string* detail);
  std::optional<MessageRefusal> AddInferReport(const NodeId& from, const v1::InferReport& report,
                                               std::string* detail);

  // kReported -> kCommitted.
  absl::Status Commit();
  // Any state that is not final -> kAborted.
  absl::Status Abort();

  // Who takes part, ascending.
  std::vector<NodeId> Members() const;
  bool HasMember(const NodeId& node) const { return IsUp(node); }
  // Both ends take part, and the pair is not cut.
  bool HasPair(int transmitter, int receiver) const;

  // Nodes whose message the window waits for in its present state, ascending.
  std::vector<NodeId> Awaited() const;

  // Counts a message that was refused before it reached AddClaim or AddReport.
  void CountRefusal(MessageRefusal reason, int count = 1) {
    record_.refused[Name(reason)] += count;
  }

  const WindowRecord& record() const { return record_; }
  // In kReported, before the record is stored.
  void SetTimes(absl::Time committed_at, absl::Duration elapsed) {
    record_.committed_at = committed_at;
    record_.elapsed = elapsed;
  }

 private:
  absl::Status MoveTo(WindowState next);
  bool IsUp(const NodeId& node) const;
  // The checks that all messages share; `said` holds the nodes that have sent this kind of message.
  std::optional<MessageRefusal> CheckTurn(const NodeId& from, Role role, uint64_t window,
                                          WindowState awaited_in, bool said_before,
                                          std::string* detail) const;
  std::optional<MessageRefusal> Refuse(MessageRefusal reason);
  void MoveIfAllReported();
  // Takes the links over cut pairs out of a claim. Returns how many (link, round) pairs it took.
  int DropCutLinks(v1::Claim* claim) const;

  const Scenario& scenario_;  // outlives the window
  WindowState state_ = WindowState::kOpened;
  WindowRecord record_;
  std::map<int, v1::Claim> claims_;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_WINDOW_H_
