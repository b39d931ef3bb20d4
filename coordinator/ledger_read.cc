// The ledger's windows and views as they are read back, and the texts in its columns.
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "coordinator/ledger.h"

namespace semlink::coordinator {
namespace {

constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%E3SZ";
constexpr int kMostNodes = 1 << 16;  // of a role, so that a damaged name can't ask for more

void SetUp(const NodeId& node, bool up, ViewState* view) {
  std::vector<bool>& list =
      node.role == Role::kTransmitter ? view->transmitter_up : view->receiver_up;
  list.resize(std::max<size_t>(list.size(), node.index + 1));
  list[node.index] = up;
}

}  // namespace

std::string LedgerTime(absl::Time time) {
  return absl::FormatTime(kTimeFormat, time, absl::UTCTimeZone());
}

absl::StatusOr<absl::Time> ParseLedgerTime(const std::string& text) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime(kTimeFormat, text, &time, &error)) return time;
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is no time: ", error));
}

absl::StatusOr<NodeId> ParseNodeName(const std::string& name) {
  absl::string_view number = name;
  const bool transmitter = absl::ConsumePrefix(&number, "transmitter");
  const bool receiver = !transmitter && absl::ConsumePrefix(&number, "receiver");
  int index = 0;
  if ((transmitter || receiver) && absl::SimpleAtoi(number, &index) && index >= 1 &&
      index <= kMostNodes) {
    return transmitter ? NodeId::Transmitter(index - 1) : NodeId::Receiver(index - 1);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", name, "' is no node; expected transmitter1, receiver2, ..."));
}

absl::StatusOr<v1::StoredWindow> Ledger::Stored(uint64_t window) {
  ASSIGN_OR_RETURN(Statement read, database_.Prepare("SELECT bytes FROM record WHERE window = ?"));
  RETURN_IF_ERROR(read.BindAll(window));
  ASSIGN_OR_RETURN(const bool found, read.Step());
  if (!found) {
    return absl::NotFoundError(absl::StrCat(
        "window ", window, " is not in the ledger: ", committed_, " windows are committed"));
  }
  v1::StoredWindow stored;
  if (!stored.ParseFromString(read.Bytes(0)) || stored.open().window() != window) {
    return absl::DataLossError(
        absl::StrCat("the ledger is damaged: the record of window ", window, " can't be read"));
  }
  return stored;
}

absl::StatusOr<std::optional<uint64_t>> Ledger::CommittedAttempt(uint64_t window) {
  ASSIGN_OR_RETURN(Statement read,
                   database_.Prepare("SELECT attempt FROM window WHERE number = ?"));
  RETURN_IF_ERROR(read.BindAll(window));
  ASSIGN_OR_RETURN(const bool found, read.Step());
  if (!found) return std::optional<uint64_t>();
  return std::optional<uint64_t>(static_cast<uint64_t>(read.Int(0)));
}

absl::StatusOr<std::optional<ViewState>> Ledger::LastView() {
  ASSIGN_OR_RETURN(Statement read,
                   database_.Prepare("SELECT number, node, up FROM view "
                                     "WHERE number = (SELECT max(number) FROM view)"));
  std::optional<ViewState> view;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, read.Step());
    if (!row) break;
    if (!view.has_value()) view.emplace();
    view->number = static_cast<uint64_t>(read.Int(0));
    ASSIGN_OR_RETURN(const NodeId node, ParseNodeName(read.Text(1)));
    SetUp(node, read.Int(2) != 0, &*view);
  }
  if (!view.has_value()) return view;
  ASSIGN_OR_RETURN(
      Statement cut,
      database_.Prepare("SELECT transmitter, receiver FROM view_cut WHERE number = ?"));
  RETURN_IF_ERROR(cut.BindAll(view->number));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, cut.Step());
    if (!row) return view;
    v1::Pair& pair = view->cut.emplace_back();
    pair.set_transmitter(static_cast<uint32_t>(cut.Int(0) - 1));
    pair.set_receiver(static_cast<uint32_t>(cut.Int(1) - 1));
  }
}

}  // namespace semlink::coordinator
