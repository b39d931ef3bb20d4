#include "common/faults/kernel_faults.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/faults/fault_spec.h"
#include "spdlog/spdlog.h"

namespace semlink {
namespace {

constexpr int kMostNodes = 1 << 20;  // of a role: what a fault may name; the scenario is not known

}  // namespace

KernelFaults::KernelFaults(const NodeId& self, std::unique_ptr<CommandRunner> runner, Peers peers,
                           Answer answer, absl::Duration retry)
    : self_(self),
      runner_(std::move(runner)),
      peers_(std::move(peers)),
      answer_(std::move(answer)),
      retry_(retry),
      network_(self, runner_.get()) {}

void KernelFaults::Wake() {
  if (stopping_) return;
  if (!thread_.joinable()) thread_ = std::thread([this] { Loop(); });
  changed_.Signal();
}

void KernelFaults::CleanUp() {
  if (runner_ == nullptr || !KernelNetwork::MayChange()) return;
  absl::MutexLock lock(&mutex_);
  work_.clean_up = true;
  Wake();
}

void KernelFaults::Set(const std::vector<v1::Fault>& faults) {
  std::vector<v1::Fault> ours;
  std::copy_if(faults.begin(), faults.end(), std::back_inserter(ours), IsKernelFault);
  absl::MutexLock lock(&mutex_);
  if (ours.empty() && !active_) return;
  active_ = !ours.empty();
  work_.faults = std::move(ours);
  Wake();
}

void KernelFaults::PeersChanged() {
  absl::MutexLock lock(&mutex_);
  if (!active_) return;
  work_.peers_changed = true;
  Wake();
}

void KernelFaults::Stop() {
  std::thread thread;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    stopping_ = true;
    thread = std::move(thread_);
    changed_.Signal();
  }
  if (!thread.joinable()) return;
  thread.join();
  Restore();
}

void KernelFaults::Loop() {
  for (;;) {
    Work work;
    {
      absl::MutexLock lock(&mutex_);
      while (!stopping_ && !work_.any()) {
        if (!unclear_) {
          changed_.Wait(&mutex_);
        } else if (changed_.WaitWithTimeout(&mutex_, retry_)) {
          work_.peers_changed = true;
        }
      }
      if (stopping_) return;
      std::swap(work, work_);
    }
    Do(std::move(work));
  }
}

void KernelFaults::Do(Work work) {
  if (work.clean_up) {
    const absl::Status status = network_.RemoveLeftovers();
    if (!status.ok()) {
      spdlog::debug("looking for what a predecessor has left: {}", std::string(status.message()));
    }
  }
  const bool told = work.faults.has_value();
  if (!told && !work.peers_changed) return;
  const std::map<uint64_t, v1::FaultOutcome> before = std::exchange(outcomes_, {});
  if (told) wanted_ = *std::move(work.faults);
  Apply(told || tries_ >= kTries);
  tries_ = unclear_ ? tries_ + 1 : 0;
  // A change of addresses is told only if it ended something that was active.
  bool failed = false;
  v1::FaultsSet answer;
  for (const auto& [id, outcome] : outcomes_) {
    *answer.add_outcome() = outcome;
    const auto old = before.find(id);
    failed |= !outcome.active() && (old == before.end() || old->second.active());
  }
  if (told || failed) answer_(answer);
}

void KernelFaults::Note(const v1::Fault& fault, const absl::Status& status) {
  v1::FaultOutcome& outcome = outcomes_[fault.id()];
  if (outcome.id() != 0 && !outcome.active()) return;  // another part of it has failed
  outcome.set_id(fault.id());
  outcome.set_active(status.ok());
  outcome.set_reason(std::string(status.message()));
  if (status.ok()) return;
  spdlog::error("fault {} ({}) can't be done here: {}", fault.id(), FaultText(fault),
                std::string(status.message()));
}

std::vector<v1::Fault> KernelFaults::Checked(const std::vector<v1::Fault>& faults) {
  std::vector<v1::Fault> good;
  for (const v1::Fault& fault : faults) {
    absl::Status status = CheckFault(fault, kMostNodes, kMostNodes).status();
    if (status.ok() && runner_ == nullptr) {
      status = absl::FailedPreconditionError("this program does not change its network");
    }
    if (status.ok()) {
      good.push_back(fault);
    } else {
      Note(fault, status);
    }
  }
  return good;
}

absl::StatusOr<KernelPlan> KernelFaults::Plan(const std::vector<v1::Fault>& faults, bool strict) {
  std::map<NodeId, KernelPeer> concerned;
  for (const auto& [id, ends] : peers_()) {
    bool any = false, queue = false;
    for (const v1::Fault& fault : faults) {
      if (!CarriesOut(fault, self_, self_, id) && !CarriesOut(fault, self_, id, self_)) continue;
      any = true;
      queue |= NeedsQueue(fault.kind());
    }
    if (!any) continue;
    if (ends.peer_host.empty()) {
      if (strict) {
        return absl::FailedPreconditionError(
            absl::StrCat("packets of ", id.ToString(), " can't be told from others here"));
      }
      unclear_ = true;
      continue;
    }
    KernelPeer peer = {ends, {}};
    if (queue) {
      ASSIGN_OR_RETURN(peer.route, network_.RouteTo(ends.peer_host));
    }
    concerned[id] = peer;
  }
  return MakeKernelPlan(self_, network_.table(), faults, concerned);
}

absl::Status KernelFaults::TryAll(const std::vector<v1::Fault>& faults, bool strict) {
  ASSIGN_OR_RETURN(const KernelPlan plan, Plan(faults, strict));
  return network_.Install(plan);
}

void KernelFaults::Apply(bool strict) {
  unclear_ = false;
  const std::vector<v1::Fault> good = Checked(wanted_);
  if (good.empty()) return Restore();
  if (TryAll(good, strict).ok()) {
    for (const v1::Fault& fault : good) Note(fault, absl::OkStatus());
    return;
  }
  std::vector<v1::Fault> done;
  for (const v1::Fault& fault : good) {
    done.push_back(fault);
    const absl::Status status = TryAll(done, strict);
    Note(fault, status);
    if (!status.ok()) done.pop_back();
  }
  // One without a plan has left what was there before it.
  if (done.empty()) return Restore();
  // The last one that failed has taken the others with it.
  if (TryAll(done, strict).ok()) return;
  for (const v1::Fault& fault : done) {
    Note(fault, absl::InternalError("it could not be done a second time"));
  }
}

void KernelFaults::Restore() {
  if (const absl::Status status = network_.Restore(); !status.ok()) {
    spdlog::error("the network is not as it was before the faults: {}",
                  std::string(status.message()));
  }
}

}  // namespace semlink
