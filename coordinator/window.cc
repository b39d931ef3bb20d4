#include "coordinator/window.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/links/feasibility.h"
#include "common/scenario/method_table.h"
#include "coordinator/report_check.h"

namespace semlink::coordinator {
namespace {

bool Legal(WindowState from, WindowState to) {
  switch (to) {
    case WindowState::kOpened:
      return false;
    case WindowState::kAsking:
      return from == WindowState::kOpened;
    case WindowState::kGranted:
      return from == WindowState::kAsking;
    case WindowState::kReported:
      return from == WindowState::kGranted;
    case WindowState::kCommitted:
      return from == WindowState::kReported;
    case WindowState::kAborted:
      return from != WindowState::kCommitted && from != WindowState::kAborted;
  }
  return false;
}

LinkLimits LimitsOf(const Scenario& scenario, const v1::OpenWindow& open) {
  const LimitOptions in_force = LimitsInForce(scenario);
  LinkLimits limits;
  limits.e_t = in_force.e_t;
  limits.e_k = in_force.e_k;
  for (int k = 0; k < scenario.K(); ++k) limits.modalities.push_back(scenario.M(k));
  limits.receivers = scenario.T();
  limits.transmitter_up.assign(open.transmitter_up().begin(), open.transmitter_up().end());
  limits.receiver_up.assign(open.receiver_up().begin(), open.receiver_up().end());
  return limits;
}

}  // namespace

const char* Name(WindowState state) {
  switch (state) {
    case WindowState::kOpened:
      return "opened";
    case WindowState::kAsking:
      return "asking";
    case WindowState::kGranted:
      return "granted";
    case WindowState::kReported:
      return "reported";
    case WindowState::kCommitted:
      return "committed";
    case WindowState::kAborted:
      return "aborted";
  }
  return "unknown";
}

const char* Name(MessageRefusal reason) {
  switch (reason) {
    case MessageRefusal::kOtherWindow:
      return "other_window";
    case MessageRefusal::kOutOfTurn:
      return "out_of_turn";
    case MessageRefusal::kDuplicate:
      return "duplicate_message";
    case MessageRefusal::kForeign:
      return "foreign_message";
    case MessageRefusal::kMalformed:
      return "malformed";
    case MessageRefusal::kStale:
      return "stale";
  }
  return "unknown";
}

Window::Window(const Scenario& scenario, v1::OpenWindow open, uint64_t attempt)
    : scenario_(scenario) {
  record_.open = std::move(open);
  record_.attempt = attempt;
  record_.open.clear_common_randomness();
}

absl::Status Window::MoveTo(WindowState next) {
  if (!Legal(state_, next)) {
    return absl::FailedPreconditionError(
        absl::StrCat("window ", number(), " is ", Name(state_), " and can't become ", Name(next)));
  }
  state_ = next;
  return absl::OkStatus();
}

bool Window::IsUp(const NodeId& node) const {
  const v1::OpenWindow& open = record_.open;
  if (node.role == Role::kTransmitter) {
    return node.index >= 0 && node.index < open.transmitter_up_size() &&
           open.transmitter_up(node.index);
  }
  return node.role == Role::kReceiver && node.index >= 0 && node.index < open.receiver_up_size() &&
         open.receiver_up(node.index);
}

std::optional<MessageRefusal> Window::Refuse(MessageRefusal reason) {
  CountRefusal(reason);
  return reason;
}

std::optional<MessageRefusal> Window::CheckTurn(const NodeId& from, Role role, uint64_t window,
                                                WindowState awaited_in, bool said_before,
                                                std::string* detail) const {
  if (from.role != role || !IsUp(from)) {
    *detail = absl::StrCat(from.ToString(), " has no part in window ", number());
    return MessageRefusal::kForeign;
  }
  if (window != number()) {
    *detail = absl::StrCat("it is for window ", window, ", the open one is ", number());
    return MessageRefusal::kOtherWindow;
  }
  if (said_before) {
    *detail = absl::StrCat("a second one for window ", window);
    return MessageRefusal::kDuplicate;
  }
  if (state_ != awaited_in) {
    *detail = absl::StrCat("window ", window, " is ", Name(state_));
    return MessageRefusal::kOutOfTurn;
  }
  return std::nullopt;
}

absl::Status Window::Ask(absl::Time date) {
  RETURN_IF_ERROR(MoveTo(WindowState::kAsking));
  record_.opened_at = date;
  return absl::OkStatus();
}

std::optional<MessageRefusal> Window::AddClaim(const NodeId& from, const v1::Claim& claim,
                                               std::string* detail) {
  const auto wrong = CheckTurn(from, Role::kTransmitter, claim.window(), WindowState::kAsking,
                               claims_.count(from.index) > 0, detail);
  if (wrong.has_value()) return Refuse(*wrong);
  claims_[from.index] = claim;
  return std::nullopt;
}

bool Window::all_claimed() const {
  for (int k = 0; k < record_.open.transmitter_up_size(); ++k) {
    if (record_.open.transmitter_up(k) && claims_.count(k) == 0) return false;
  }
  return true;
}

absl::Status Window::Decide() {
  if (!all_claimed()) {
    return absl::FailedPreconditionError(
        absl::StrCat("window ", number(), " still waits for claims"));
  }
  RETURN_IF_ERROR(MoveTo(WindowState::kGranted));
  std::vector<v1::Claim> claims(scenario_.K());
  int over_cut_pairs = 0;
  for (auto& [k, claim] : claims_) {
    over_cut_pairs += DropCutLinks(&claim);
    claims[k] = std::move(claim);
  }
  Decision decision = DecideClaims(LimitsOf(scenario_, record_.open),
                                   static_cast<int>(record_.open.rounds()), claims);
  if (over_cut_pairs > 0) decision.refused[RefusalReason::kMemberDown] += over_cut_pairs;
  record_.granted = std::move(decision.granted);
  for (const auto& [reason, count] : decision.refused) {
    record_.refused[semlink::Name(reason)] += count;
    record_.refused_links += count;
  }
  return absl::OkStatus();
}

bool Window::HasPair(int transmitter, int receiver) const {
  if (!IsUp(NodeId::Transmitter(transmitter)) || !IsUp(NodeId::Receiver(receiver))) return false;
  for (const v1::Pair& cut : record_.open.cut()) {
    if (static_cast<int>(cut.transmitter()) == transmitter &&
        static_cast<int>(cut.receiver()) == receiver) {
      return false;
    }
  }
  return true;
}

int Window::DropCutLinks(v1::Claim* claim) const {
  if (record_.open.cut().empty()) return 0;
  int dropped = 0;
  v1::Claim kept;
  for (v1::LinkRounds& link : *claim->mutable_link()) {
    const bool over_cut_pair =
        std::any_of(record_.open.cut().begin(), record_.open.cut().end(), [&](const v1::Pair& cut) {
          return cut.transmitter() == link.transmitter() && cut.receiver() == link.task();
        });
    if (over_cut_pair) {
      dropped += link.round_size();
    } else {
      kept.add_link()->Swap(&link);
    }
  }
  kept.set_window(claim->window());
  claim->Swap(&kept);
  return dropped;
}

v1::Grant Window::GrantFor(const NodeId& node) const {
  v1::Grant grant;
  grant.set_window(number());
  for (const v1::LinkRounds& link : record_.granted) {
    const uint32_t end = node.role == Role::kTransmitter ? link.transmitter() : link.task();
    if (static_cast<int>(end) == node.index) *grant.add_link() = link;
  }
  return grant;
}

std::optional<MessageRefusal> Window::AddReport(const NodeId& from, const v1::Report& report,
                                                std::string* detail) {
  const Role role = from.role == Role::kTransmitter ? Role::kTransmitter : Role::kReceiver;
  auto wrong = CheckTurn(from, role, report.window(), WindowState::kGranted,
                         record_.reports.count(from) > 0, detail);
  if (!wrong.has_value() && kind() == v1::INFER) {
    *detail = "an INFER window takes no Report";
    wrong = MessageRefusal::kOutOfTurn;
  }
  if (!wrong.has_value()) {
    *detail = CheckReport(scenario_, record_, from, report);
    if (!detail->empty()) wrong = MessageRefusal::kMalformed;
  }
  if (wrong.has_value()) return Refuse(*wrong);
  v1::Report& taken = record_.reports[from] = report;
  const int dropped = DropUntrueCosts(scenario_, from, &taken);
  if (dropped > 0) record_.refused["cost"] += dropped;
  MoveIfAllReported();
  return std::nullopt;
}

std::optional<MessageRefusal> Window::AddInferReport(const NodeId& from,
                                                     const v1::InferReport& report,
                                                     std::string* detail) {
  auto wrong = CheckTurn(from, Role::kReceiver, report.window(), WindowState::kGranted,
                         record_.infer_reports.count(from.index) > 0, detail);
  if (!wrong.has_value() && kind() != v1::INFER) {
    *detail = "only an INFER window takes an InferReport";
    wrong = MessageRefusal::kOutOfTurn;
  }
  if (!wrong.has_value()) {
    *detail = CheckInferReport(report);
    if (!detail->empty()) wrong = MessageRefusal::kMalformed;
  }
  if (wrong.has_value()) return Refuse(*wrong);
  record_.infer_reports[from.index] = report;
  MoveIfAllReported();
  return std::nullopt;
}

void Window::MoveIfAllReported() {
  if (Awaited().empty()) MoveTo(WindowState::kReported).IgnoreError();  // legal from kGranted
}

absl::Status Window::Commit() { return MoveTo(WindowState::kCommitted); }

absl::Status Window::Abort() { return MoveTo(WindowState::kAborted); }

std::vector<NodeId> Window::Members() const {
  std::vector<NodeId> members;
  for (int k = 0; k < record_.open.transmitter_up_size(); ++k) {
    if (record_.open.transmitter_up(k)) members.push_back(NodeId::Transmitter(k));
  }
  for (int t = 0; t < record_.open.receiver_up_size(); ++t) {
    if (record_.open.receiver_up(t)) members.push_back(NodeId::Receiver(t));
  }
  return members;
}

std::vector<NodeId> Window::Awaited() const {
  std::vector<NodeId> awaited;
  const bool asking = state_ == WindowState::kAsking;
  const bool granted = state_ == WindowState::kGranted;
  for (int k = 0; k < record_.open.transmitter_up_size(); ++k) {
    const NodeId node = NodeId::Transmitter(k);
    if (!IsUp(node)) continue;
    const bool owes_report = granted && kind() != v1::INFER && record_.reports.count(node) == 0;
    if ((asking && claims_.count(k) == 0) || owes_report) awaited.push_back(node);
  }
  for (int t = 0; granted && t < record_.open.receiver_up_size(); ++t) {
    const NodeId node = NodeId::Receiver(t);
    const bool reported =
        kind() == v1::INFER ? record_.infer_reports.count(t) > 0 : record_.reports.count(node) > 0;
    if (IsUp(node) && !reported) awaited.push_back(node);
  }
  return awaited;
}

}  // namespace semlink::coordinator
