// What a run keeps besides its windows, as the ledger stores it: who took part since when, which
// state it started from, and which faults were injected.
#ifndef SEMLINK_COORDINATOR_RUN_STATE_H_
#define SEMLINK_COORDINATOR_RUN_STATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/ids.h"
#include "semlink/v1/message.pb.h"

namespace semlink::coordinator {

// A node takes part from a window on, with the state that it had then. Ends where the node's next
// epoch begins.
struct MemberEpoch {
  NodeId node;
  uint64_t incarnation = 0;   // of the process: Hello.incarnation
  uint64_t from_window = 0;   // the first window in which it takes part
  bool live = false;          // it came with its state in memory; else it was restored
  v1::CheckpointId restored;  // !live: from this one; window 0, empty: the parameters of the start
};

// Who takes part: OpenWindow's fields of the same names.
struct ViewState {
  uint64_t number = 0;
  std::vector<bool> transmitter_up;
  std::vector<bool> receiver_up;
  std::vector<v1::Pair> cut;
};

// An injected fault.
struct FaultState {
  v1::Fault fault;
  std::string text;           // for people: "cut transmitter1 - receiver2"
  uint64_t begin_window = 0;  // windows committed when it began
  absl::Time began_at;
  std::optional<uint64_t> end_window;  // nullopt: has not ended (or the coordinator died before)
  std::optional<absl::Time> ended_at;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_RUN_STATE_H_
