#include "common/faults/kernel_network.h"

#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdint>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "spdlog/spdlog.h"

namespace semlink {
namespace {

constexpr int kCapNetAdmin = 12;

absl::Status Explained(const absl::Status& error) {
  if (error.ok()) return error;
  return absl::Status(error.code(), absl::StrCat(error.message(), KernelAdvice(error)));
}

// Of "semlink_transmitter1_4711", the process.
bool IsAlive(absl::string_view pid_text) {
  int pid = 0;
  if (!absl::SimpleAtoi(pid_text, &pid) || pid <= 0) return false;
  if (pid == getpid()) return false;  // not made by us: a predecessor had the same number
  const absl::StatusOr<std::string> comm = ReadFile(absl::StrCat("/proc/", pid, "/comm"));
  return comm.ok() && absl::StartsWith(*comm, "semlink-");
}

// The words of each line.
std::vector<std::vector<std::string>> Lines(const std::string& text) {
  std::vector<std::vector<std::string>> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    lines.push_back(absl::StrSplit(line, ' ', absl::SkipEmpty()));
  }
  return lines;
}

// The word after `name`, or "".
std::string After(const std::vector<std::string>& words, absl::string_view name) {
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == name) return words[i + 1];
  }
  return "";
}

// "qdisc htb 5e1: dev eth0 root ...": the root's kind and handle.
struct Root {
  std::string kind, handle, device;
};
std::vector<Root> Roots(const std::string& shown) {
  std::vector<Root> roots;
  for (const std::vector<std::string>& words : Lines(shown)) {
    bool root = false;
    for (const std::string& word : words) root |= word == "root";
    if (root && words.size() > 3 && words[0] == "qdisc") {
      roots.push_back({words[1], words[2], After(words, "dev")});
    }
  }
  return roots;
}

int DeviceMtu(const std::string& device) {
  int mtu = 0;
  const absl::StatusOr<std::string> text =
      ReadFile(absl::StrCat("/sys/class/net/", device, "/mtu"));
  const bool read = text.ok() && absl::SimpleAtoi(absl::StripAsciiWhitespace(*text), &mtu);
  return read && mtu > 0 ? mtu : KernelRoute().mtu;
}

}  // namespace

std::string KernelAdvice(const absl::Status& error) {
  if (absl::IsNotFound(error)) return "; install nftables and iproute2 there";
  if (absl::IsPermissionDenied(error)) {
    return "; the node needs NET_ADMIN for its own network (in containers: semlink compose "
           "SCENARIO --overlay faults)";
  }
  const std::string text(error.message());
  if (absl::StrContains(text, " netem ") && absl::StrContains(text, "is unknown")) {
    return "; this kernel has no netem (sch_netem)";
  }
  return "";
}

KernelNetwork::KernelNetwork(const NodeId& self, CommandRunner* runner)
    : prefix_(absl::StrCat(kTablePrefix, self.ToString(), "_")),
      table_(absl::StrCat(prefix_, getpid())),
      runner_(runner) {}

bool KernelNetwork::MayChange() {
  const absl::StatusOr<std::string> status = ReadFile("/proc/self/status");
  if (!status.ok()) return false;
  for (absl::string_view line : absl::StrSplit(*status, '\n')) {
    uint64_t effective = 0;
    if (absl::ConsumePrefix(&line, "CapEff:") &&
        absl::SimpleHexAtoi(absl::StripAsciiWhitespace(line), &effective) &&
        ((effective >> kCapNetAdmin) & 1) != 0) {
      return true;
    }
  }
  const std::string nft = FindSystemProgram("nft");
  return !nft.empty() && getxattr(nft.c_str(), "security.capability", nullptr, 0) > 0;
}

absl::Status KernelNetwork::RemoveLeftovers() {
  ASSIGN_OR_RETURN(const std::string tables, runner_->Run({{"nft", "list", "tables"}, ""}));
  bool others = false;
  for (const std::vector<std::string>& words : Lines(tables)) {
    const std::string name = After(words, "inet");
    absl::string_view pid = name;
    if (!absl::StartsWith(name, kTablePrefix)) continue;
    if (!absl::ConsumePrefix(&pid, prefix_) || IsAlive(pid)) {
      others = true;
      continue;
    }
    spdlog::warn("removing the nftables table {} that a dead predecessor has left", name);
    RETURN_IF_ERROR(runner_->Run(RemoveRules(name)).status());
  }
  if (others) return absl::OkStatus();  // the queues may be theirs
  ASSIGN_OR_RETURN(const std::string shown, runner_->Run({{"tc", "qdisc", "show"}, ""}));
  for (const Root& root : Roots(shown)) {
    if (root.handle != kRootHandle || root.device.empty()) continue;
    spdlog::warn("removing the queues that a dead predecessor has left on {}", root.device);
    RETURN_IF_ERROR(runner_->Run(RemoveQueues(root.device)).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<KernelRoute> KernelNetwork::RouteTo(const std::string& host) {
  const absl::StatusOr<std::string> shown = runner_->Run({{"ip", "-o", "route", "get", host}, ""});
  if (!shown.ok()) return Explained(shown.status());
  const std::vector<std::vector<std::string>> lines = Lines(*shown);
  KernelRoute route;
  if (!lines.empty()) route.device = After(lines[0], "dev");
  if (route.device.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("ip route get ", host, " names no device: ", *shown));
  }
  route.mtu = DeviceMtu(route.device);
  return route;
}

absl::StatusOr<std::string> KernelNetwork::Queues(const std::string& device) {
  return runner_->Run({{"tc", "qdisc", "show", "dev", device}, ""});
}

absl::Status KernelNetwork::TakeDevice(const std::string& device) {
  ASSIGN_OR_RETURN(const std::string shown, Queues(device));
  for (const Root& root : Roots(shown)) {
    if (root.handle == "0:") continue;  // the kernel's default: it comes back by itself
    const char* whose = root.handle == kRootHandle
                            ? " of another semlink node: each needs a network of its own for this"
                            : " that is not semlink's: remove it first";
    return absl::FailedPreconditionError(
        absl::StrCat(device, " has the queue ", root.kind, " ", root.handle, whose));
  }
  before_[device] = shown;
  return absl::OkStatus();
}

absl::Status KernelNetwork::FreeDevice(const std::string& device) {
  const std::string before = before_[device];
  const absl::Status removed = runner_->Run(RemoveQueues(device)).status();
  const absl::StatusOr<std::string> after = Queues(device);
  const bool as_before = after.ok() && *after == before;
  if (removed.ok() || as_before) before_.erase(device);
  if (as_before) return absl::OkStatus();
  RETURN_IF_ERROR(removed);
  RETURN_IF_ERROR(after.status());
  return absl::InternalError(absl::StrCat(
      "the queues of ", device, " are not what they were: ", *after, " instead of ", before));
}

absl::Status KernelNetwork::TryInstall(const KernelPlan& plan) {
  const std::map<std::string, std::vector<Command>> none;
  const auto& now = installed_.has_value() ? installed_->queues : none;
  // What changes is taken down first: the queues of a device are made anew as a whole.
  const std::map<std::string, std::string> ours = before_;
  for (const auto& [device, shown] : ours) {
    const auto there = now.find(device);
    const auto wanted = plan.queues.find(device);
    if (there == now.end() || wanted == plan.queues.end() || there->second != wanted->second) {
      RETURN_IF_ERROR(FreeDevice(device));
    }
  }
  for (const auto& [device, commands] : plan.queues) {
    if (before_.count(device) > 0) continue;  // it stays as it is
    RETURN_IF_ERROR(TakeDevice(device));
    for (const Command& command : commands) RETURN_IF_ERROR(runner_->Run(command).status());
  }
  const absl::Status made = runner_->Run(InstallRules(plan)).status();
  // One that was killed at its deadline may have been done by then.
  has_table_ = has_table_ || made.ok() || absl::IsDeadlineExceeded(made);
  RETURN_IF_ERROR(made);
  installed_ = plan;
  return absl::OkStatus();
}

absl::Status KernelNetwork::Install(const KernelPlan& plan) {
  if (installed_.has_value() && *installed_ == plan) return absl::OkStatus();
  const absl::Status status = TryInstall(plan);
  if (status.ok()) return status;
  if (const absl::Status undone = Restore(); !undone.ok()) {
    spdlog::error("after a failed change of the network: {}", std::string(undone.message()));
  }
  return Explained(status);
}

absl::Status KernelNetwork::Restore() {
  absl::Status worst;
  installed_.reset();
  if (has_table_) {
    const absl::Status removed = runner_->Run(RemoveRules(table_)).status();
    has_table_ = !removed.ok();
    worst.Update(removed);
  }
  const std::map<std::string, std::string> ours = before_;
  for (const auto& [device, shown] : ours) worst.Update(FreeDevice(device));
  return worst;
}

}  // namespace semlink
