// One grammar for faults: on the command line, in a scenario's `faults:` list and in the record of
// a run. docs/faults.md is for people.
//
//   drop transmitter1:receiver2 --probability 0.1 --for 10s
//   throttle transmitter1 --rate 20kB/s --level kernel
//
// kind, target, and options that are given as "--name value" on a command line and as "name: value"
// in a scenario. A target is
//   NODES           kill, pause, restart: these nodes
//   NODES           the others: every link between these nodes and all the rest
//   NODES:NODES     both directions
//   NODES>NODES     messages from the first to the second only
// where NODES is "all" (the rest) or a list such as "transmitter1,receiver2,coordinator".
#ifndef SEMLINK_COMMON_FAULTS_FAULT_SPEC_H_
#define SEMLINK_COMMON_FAULTS_FAULT_SPEC_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/ids.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// A PAUSE always has a limit: a stopped process can't be told anything.
inline constexpr double kDefaultPauseSeconds = 10;

// A fault as its words.
struct FaultWords {
  std::string kind;    // "drop"
  std::string target;  // "transmitter1:receiver2"
  // {"probability", "0.1"}: names without dashes, in the order in which they are written.
  std::vector<std::pair<std::string, std::string>> options;
};

struct FaultMistake {
  std::string key;  // "kind", "target", or an option's name
  std::string found;
  std::string expected;
};

// Names of all kinds and of all options, in the order in which they are explained.
const std::vector<std::string>& FaultKindNames();
const std::vector<std::string>& FaultOptionNames();
// "drop"; "" for a kind that has no name.
std::string FaultKindName(v1::Fault::Kind kind);

// Reads the words. What is wrong is appended to `mistakes`, all at once; the result means something
// only if nothing was. In the result an empty `from` or `to` stands for "all the rest", a PAUSE has
// a duration, and id is 0.
v1::Fault ReadFaultWords(const FaultWords& words, std::vector<FaultMistake>* mistakes);

// The words of a fault. ReadFaultWords gives the same fault, without its id, to the last bit.
FaultWords ToWords(const v1::Fault& fault);

// "drop transmitter1:receiver2 --probability 0.1", and back. INVALID_ARGUMENT with all mistakes,
// one per line.
std::string FaultText(const v1::Fault& fault);
absl::StatusOr<v1::Fault> ParseFaultText(absl::string_view text);

// One line of YAML: {kind: drop, target: "transmitter1:receiver2", probability: 0.1}. `when` is
// put first ("at_window: 3"), if it is not empty.
std::string FaultYaml(const v1::Fault& fault, const std::string& when);

// Whether the fault hits processes (kill, pause, restart); else it hits links.
bool IsProcessFault(v1::Fault::Kind kind);
// Whether the kernel carries it out, on packets (kernel_plan.h); else it is on messages.
bool IsKernelFault(const v1::Fault& fault);

// A fault from elsewhere (the network), made canonical. INVALID_ARGUMENT if ReadFaultWords would
// not give it, or if it names a node that is not among `transmitters` and `receivers`.
absl::StatusOr<v1::Fault> CheckFault(const v1::Fault& fault, int transmitters, int receivers);

// The nodes of a fault that the scenario does not have, or "": "receiver7 (there are 3 receivers)".
std::string MissingNodes(const v1::Fault& fault, int transmitters, int receivers);

// The directed links that a message fault is on. A link exists between a transmitter and a
// receiver, and between the coordinator and each of them. Ascending.
std::vector<std::pair<NodeId, NodeId>> FaultLinks(const v1::Fault& fault, int transmitters,
                                                  int receivers);

// "10s", "50ms", "2min", "1h" <-> seconds. INVALID_ARGUMENT says what was expected.
absl::StatusOr<double> ParseSeconds(absl::string_view text);
std::string SecondsText(double seconds);

}  // namespace semlink

#endif  // SEMLINK_COMMON_FAULTS_FAULT_SPEC_H_
