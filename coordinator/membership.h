// Who is in the run, and in which state.
#ifndef SEMLINK_COORDINATOR_MEMBERSHIP_H_
#define SEMLINK_COORDINATOR_MEMBERSHIP_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/scenario/scenario.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

// kAwaited: named by the scenario, has not come.
// kJoining: has said Hello; loads its data and opens its streams.
// kReady:   has sent its first Report.
// kUp:      takes part in windows.
// kLost:    was up, its stream broke or it fell silent. Final for this run.
//
// Legal moves: each of the first four to the next; kJoining and kReady back to kAwaited (it left
// before the start, and may come again); kUp to kLost.
enum class MemberState { kAwaited, kJoining, kReady, kUp, kLost };
const char* Name(MemberState state);

struct Member {
  explicit Member(const NodeId& node) : id(node) {}

  NodeId id;
  MemberState state = MemberState::kAwaited;
  std::string software;
  std::string address;  // transmitters: where receivers dial them
  uint32_t pid = 0;
  bool welcomed = false;
  absl::Duration last_heard;   // Clock::Now()
  uint64_t refusals = 0;       // messages of it that were refused
  std::string last_complaint;  // the last Refusal that it sent
  uint64_t peak_rss_bytes = 0;
};

// A refused Hello.
struct HelloRefusal {
  v1::Refusal::Reason reason;
  std::string detail;
};

class Membership {
 public:
  explicit Membership(const Scenario& scenario);

  // nullptr if the scenario does not name it.
  Member* Find(const NodeId& id);
  const Member* Find(const NodeId& id) const;

  // kAwaited -> kJoining. nullopt: welcome. Checks the protocol version, the role, the index, that
  // `from` is who the Hello says, that no live node has the name, and that a transmitter names its
  // data address.
  std::optional<HelloRefusal> Join(const NodeId& from, const v1::Hello& hello, absl::Duration now);
  // kJoining -> kReady. False in any other state.
  bool MarkReady(const NodeId& id);
  // kJoining, kReady -> kAwaited; kUp -> kLost, in a new view. False if it was not in.
  bool MarkGone(const NodeId& id);
  // All kReady -> kUp: the first view. False unless all are ready.
  bool Start();

  // Number of the view: 0 before the start, then raised with every change of who is up.
  uint64_t view() const { return view_; }
  void FillView(v1::OpenWindow* open) const;

  bool AllTransmittersIn() const;  // joining, ready or up
  bool AllReady() const;
  bool ReceiverWelcomed() const;  // some receiver has been told the data addresses
  std::vector<NodeId> In(MemberState state) const;
  std::vector<std::string> TransmitterAddresses() const;
  // Transmitters, then receivers, by index.
  const std::vector<Member>& members() const { return members_; }

 private:
  int transmitters_;
  std::vector<Member> members_;
  uint64_t view_ = 0;
};

// "transmitter1, receiver2".
std::string Join(const std::vector<NodeId>& nodes);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_MEMBERSHIP_H_
