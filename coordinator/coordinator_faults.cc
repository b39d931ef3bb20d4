#include "coordinator/coordinator_faults.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/types.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "common/faults/fault_spec.h"
#include "common/faults/process_faults.h"
#include "common/transport/protocol.h"

namespace semlink::coordinator {
namespace {

// For the nodes to carry out a fault in the kernel: some runs of tc and nft, 5 s each at most.
constexpr absl::Duration kAnswerWait = absl::Seconds(10);
// Of what a node says about a fault.
constexpr size_t kMostReason = 800;

// A node's words for a log and for JSON.
std::string OneLine(std::string text) {
  if (text.size() > kMostReason) text.resize(kMostReason);
  for (char& c : text) {
    if (c < 32 || c > 126) c = '?';
  }
  return text;
}

void WakeProcess(uint32_t pid) {
  if (pid <= 1) return;
  const absl::StatusOr<std::string> comm = ReadFile(absl::StrCat("/proc/", pid, "/comm"));
  if (comm.ok() && absl::StartsWith(*comm, "semlink-")) kill(static_cast<pid_t>(pid), SIGCONT);
}

v1::Suffer SufferOf(const v1::Fault& fault) {
  v1::Suffer suffer;
  const bool pause = fault.kind() == v1::Fault::PAUSE;
  suffer.set_kind(pause ? v1::Fault::PAUSE : v1::Fault::KILL);
  if (pause) suffer.set_seconds(fault.duration_seconds());
  return suffer;
}

v1::SetFaults ListOf(const std::vector<v1::Fault>& faults) {
  v1::SetFaults list;
  list.mutable_fault()->Add(faults.begin(), faults.end());
  return list;
}

}  // namespace

ProcessActions RealProcessActions() { return {SufferNow, WakeProcess}; }

CoordinatorFaults::~CoordinatorFaults() { desk_->Close(); }

absl::Status CoordinatorFaults::Open(const Scenario& scenario, bool resumed) {
  FaultSchedule schedule(scenario);
  listed_ = scenario.faults.size();
  if (resumed) {
    ASSIGN_OR_RETURN(const std::vector<FaultState> past, recorder_->Faults());
    schedule.TakeUp(past, clock_->Now(), clock_->WallTime());
  }
  desk_->Open(std::move(schedule), clock_);
  const std::vector<v1::Fault> own = desk_->ActiveOn(NodeId::Coordinator());
  if (!own.empty()) transport_->SetFaults(own);
  told_[NodeId::Coordinator()] = ListOf(own).SerializeAsString();
  for (const v1::Fault& fault : own) {
    if (IsKernelFault(fault)) Expect(NodeId::Coordinator(), fault.id());
  }
  return absl::OkStatus();
}

absl::Status CoordinatorFaults::BeforeWindow(uint64_t committed, const Membership& membership) {
  if (!started_) {
    absl::Duration ago = absl::ZeroDuration();
    if (committed > 0) {  // resumed
      ASSIGN_OR_RETURN(const WindowRecord first, recorder_->Committed(0));
      ago = std::max(ago, clock_->WallTime() - first.opened_at);
    }
    desk_->Start(clock_->Now() - ago);
    started_ = true;
  }
  return Advance(committed, membership);
}

absl::Status CoordinatorFaults::Record(const FaultChange& change, uint64_t committed) {
  const v1::Fault& fault = change.fault;
  const std::string text = FaultText(fault);
  Json fields = {{"id", fault.id()}, {"fault", text}, {"window", committed}};
  if (!change.began) {
    spdlog::warn("fault {} ended, {}: {}", fault.id(), change.why, text);
    RETURN_IF_ERROR(recorder_->FaultEnded(fault.id(), committed));
    fields["reason"] = change.why;
    return recorder_->Event("fault_ended", fields);
  }
  spdlog::warn("fault {} begins: {}", fault.id(), text);
  RETURN_IF_ERROR(recorder_->FaultBegan(fault, text, committed));
  fields["kind"] = FaultKindName(fault.kind());
  if (fault.duration_seconds() > 0) fields["seconds"] = fault.duration_seconds();
  for (const v1::NodeName& node : fault.node()) {
    fields["nodes"].push_back(FromProto(node).ToString());
  }
  return recorder_->Event("fault_began", fields);
}

absl::Status CoordinatorFaults::Advance(uint64_t committed, const Membership& membership) {
  for (bool again = true; again;) {
    RETURN_IF_ERROR(Change(committed, membership));
    ASSIGN_OR_RETURN(again, CheckAnswers(committed, membership));
  }
  return absl::OkStatus();
}

absl::Status CoordinatorFaults::Change(uint64_t committed, const Membership& membership) {
  const std::vector<FaultChange> changes = desk_->Advance(committed);
  if (changes.empty()) return absl::OkStatus();
  for (const FaultChange& change : changes) {
    RETURN_IF_ERROR(Record(change, committed));
    if (!IsKernelFault(change.fault)) continue;
    const uint64_t id = change.fault.id();
    if (change.began) {
      Expect(NodeId::Coordinator(), id);
      for (const Member& member : membership.members()) Expect(member.id, id);
    } else {
      unanswered_.erase(id);
      desk_->Settle(id, absl::FailedPreconditionError(
                            absl::StrCat("fault ", id, " has ended: ", change.why)));
    }
  }
  TellNodes(membership);
  std::optional<v1::Fault> on_self;
  for (const FaultChange& change : changes) {
    const bool process = IsProcessFault(change.fault.kind());
    if (process && !change.began) WakePaused(change.fault, membership);
    if (!process || !change.began) continue;
    for (const v1::NodeName& node : change.fault.node()) {
      if (node.role() == v1::COORDINATOR) {
        on_self = change.fault;
      } else {
        Strike(change.fault, FromProto(node));
      }
    }
  }
  if (on_self.has_value()) options_.actions.suffer(SufferOf(*on_self));
  return absl::OkStatus();
}

void CoordinatorFaults::TellNodes(const Membership& membership) {
  // What ends on the coordinator's own links ends before the nodes are told, and what begins there
  // begins afterwards: else they would not hear of it.
  const std::vector<v1::Fault> own = desk_->ActiveOn(NodeId::Coordinator());
  std::string bytes = ListOf(own).SerializeAsString();
  const bool changed = bytes != told_[NodeId::Coordinator()];
  if (changed) {
    v1::SetFaults before;
    if (!before.ParseFromString(told_[NodeId::Coordinator()])) before.Clear();
    std::vector<v1::Fault> staying;
    for (const v1::Fault& fault : before.fault()) {
      const bool stays = std::any_of(
          own.begin(), own.end(), [&](const v1::Fault& other) { return other.id() == fault.id(); });
      if (stays) staying.push_back(fault);
    }
    transport_->SetFaults(staying);
    told_[NodeId::Coordinator()] = std::move(bytes);
  }
  for (const Member& member : membership.members()) {
    if (ListOf(desk_->ActiveOn(member.id)).SerializeAsString() != told_[member.id]) Tell(member.id);
  }
  if (changed) transport_->SetFaults(own);
}

void CoordinatorFaults::Tell(const NodeId& node) {
  v1::Message message;
  *message.mutable_set_faults() = ListOf(desk_->ActiveOn(node));
  std::string bytes = message.set_faults().SerializeAsString();
  // A node that can't be reached is told when it is back.
  if (transport_->Send(node, std::move(message)).ok()) told_[node] = std::move(bytes);
}

void CoordinatorFaults::Strike(const v1::Fault& fault, const NodeId& node) {
  v1::Message message;
  *message.mutable_suffer() = SufferOf(fault);
  if (!transport_->Send(node, std::move(message)).ok()) {
    spdlog::info("fault {}: {} has no connection, nothing to {}", fault.id(), node.ToString(),
                 FaultKindName(fault.kind()));
  }
}

void CoordinatorFaults::WakePaused(const v1::Fault& fault, const Membership& membership) {
  if (fault.kind() != v1::Fault::PAUSE || !options_.local_nodes) return;
  for (const v1::NodeName& node : fault.node()) {
    const Member* member = membership.Find(FromProto(node));
    if (member != nullptr) options_.actions.wake(member->pid);
  }
}

bool CoordinatorFaults::IsOn(const NodeId& node, uint64_t kernel_fault) const {
  const std::vector<v1::Fault> active = desk_->ActiveOn(node);
  return std::any_of(active.begin(), active.end(), [&](const v1::Fault& fault) {
    return fault.id() == kernel_fault && IsKernelFault(fault);
  });
}

void CoordinatorFaults::Expect(const NodeId& node, uint64_t kernel_fault) {
  if (!IsOn(node, kernel_fault)) return;
  Unanswered& unanswered = unanswered_[kernel_fault];
  unanswered.nodes.insert(node);
  unanswered.until = clock_->Now() + kAnswerWait;
}

absl::StatusOr<bool> CoordinatorFaults::CheckAnswers(uint64_t committed,
                                                     const Membership& membership) {
  bool withdrawn = false;
  const std::map<uint64_t, Unanswered> asked = unanswered_;
  for (const auto& [id, unanswered] : asked) {
    std::set<NodeId>& nodes = unanswered_[id].nodes;
    std::string failure;
    for (const NodeId& node : unanswered.nodes) {
      const Member* member = membership.Find(node);
      const bool here =
          node == NodeId::Coordinator() || (member != nullptr && Connected(member->state));
      if (!here && desk_->IsAwaited(id)) {
        failure = "it is not connected";
      } else if (!here) {
        nodes.erase(node);  // nothing passes; it is told, and asked again, when it is back
      } else if (clock_->Now() >= unanswered.until) {
        failure = absl::StrCat("no answer within ", absl::FormatDuration(kAnswerWait));
      }
      if (failure.empty()) continue;
      RETURN_IF_ERROR(GiveUp(id, node, failure, committed));
      withdrawn = true;
      break;
    }
    if (!failure.empty() || !nodes.empty()) continue;
    unanswered_.erase(id);
    desk_->Settle(id, absl::OkStatus());
  }
  return withdrawn;
}

absl::Status CoordinatorFaults::GiveUp(uint64_t id, const NodeId& node, const std::string& reason,
                                       uint64_t committed) {
  unanswered_.erase(id);
  const std::optional<v1::Fault> fault = desk_->Find(id);
  if (!fault.has_value()) return absl::OkStatus();  // it is ending anyway
  const std::string text = FaultText(*fault);
  v1::Fault instead = *fault;
  instead.set_level(v1::Fault::MESSAGE);
  const std::string why = absl::StrCat(node.ToString(), " can't carry it out: ", reason);
  const absl::Status error = absl::FailedPreconditionError(
      absl::StrCat("fault ", id, " (", text, ") is withdrawn: ", why,
                   "; the same on messages instead of packets: ", FaultText(instead)));
  spdlog::error("{}", std::string(error.message()));
  RETURN_IF_ERROR(recorder_->Event("fault_failed", {{"id", id},
                                                    {"fault", text},
                                                    {"window", committed},
                                                    {"node", node.ToString()},
                                                    {"reason", reason}}));
  desk_->Withdraw(id, why);
  desk_->Settle(id, error);
  return id <= listed_ ? error : absl::OkStatus();
}

absl::Status CoordinatorFaults::OnFaultsSet(const NodeId& from, const v1::FaultsSet& outcomes,
                                            uint64_t committed, const Membership& membership) {
  for (const v1::FaultOutcome& outcome : outcomes.outcome()) {
    if (!IsOn(from, outcome.id())) continue;  // it has ended meanwhile, or never was
    if (!outcome.active()) {
      RETURN_IF_ERROR(GiveUp(outcome.id(), from, OneLine(outcome.reason()), committed));
      continue;
    }
    const auto found = unanswered_.find(outcome.id());
    if (found != unanswered_.end()) found->second.nodes.erase(from);
  }
  return Advance(committed, membership);
}

void CoordinatorFaults::OnReady(const NodeId& node) {
  Tell(node);  // also when there are none: it may have missed the end of some
  for (const v1::Fault& fault : desk_->ActiveOn(node)) {
    if (IsKernelFault(fault)) Expect(node, fault.id());
  }
  if (!desk_->HeldDown(node)) return;
  v1::Message message;
  message.mutable_suffer()->set_kind(v1::Fault::KILL);
  transport_->Send(node, std::move(message)).IgnoreError();  // it may have gone
}

}  // namespace semlink::coordinator
