#include "common/faults/kernel_plan.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/faults/fault_spec.h"
#include "common/transport/protocol.h"

namespace semlink {
namespace {

constexpr int kMillion = 1'000'000;
constexpr char kNoRate[] = "100gbit";  // of a class that is not to be slowed down
// What a link's buffer holds beyond its burst: so long at its rate, or so many packets.
constexpr double kBufferSeconds = 0.2;
constexpr int kBufferPackets = 16;
constexpr int kPacket = 1500;
constexpr int kHeaders = 2000;  // more than any link layer adds
// netem lets packets overtake only those that wait.
constexpr double kReorderWait = 0.01;

bool Names(const google::protobuf::RepeatedPtrField<v1::NodeName>& names, const NodeId& node) {
  return std::any_of(names.begin(), names.end(),
                     [&](const v1::NodeName& name) { return FromProto(name) == node; });
}

std::string Port(int port) { return port == kUnknownPort ? "<port>" : absl::StrCat(port); }

// Packets to the peer, or from it.
std::string Match(const LinkEnds& ends, bool out) {
  const char* family = ends.peer_host.find(':') == std::string::npos ? "ip" : "ip6";
  std::string text = absl::StrCat(family, out ? " daddr " : " saddr ", ends.peer_host);
  const int source = out ? ends.own_port : ends.peer_port;
  const int target = out ? ends.peer_port : ends.own_port;
  if (source != 0) absl::StrAppend(&text, " tcp sport ", Port(source));
  if (target != 0) absl::StrAppend(&text, " tcp dport ", Port(target));
  if (source == 0 && target == 0) absl::StrAppend(&text, " meta l4proto tcp");
  return text;
}

std::string Loses(double probability) {
  const auto hits = static_cast<int64_t>(std::lround(probability * kMillion));
  if (hits >= kMillion) return "counter drop";
  return absl::StrCat("numgen random mod ", kMillion, " < ", std::max<int64_t>(hits, 1),
                      " counter drop");
}

// Everything that the queue of one peer does.
struct Queue {
  double bytes_per_second = 0;  // 0: no limit
  double delay = 0;
  double jitter = 0;
  double duplicate = 0;
  double reorder = 0;
  double corrupt = 0;
  bool netem = false;

  void Add(const v1::Fault& fault) {
    const auto either = [](double a, double b) { return 1 - (1 - a) * (1 - b); };
    const double p = fault.probability();
    netem |= NeedsNetem(fault.kind());
    if (fault.kind() == v1::Fault::THROTTLE) {
      const double rate = fault.bytes_per_second();
      bytes_per_second = bytes_per_second > 0 ? std::min(bytes_per_second, rate) : rate;
    } else if (fault.kind() == v1::Fault::DELAY) {
      delay = std::max(delay, fault.delay_seconds());
      jitter = std::max(jitter, fault.jitter_seconds());
    } else if (fault.kind() == v1::Fault::DUPLICATE) {
      duplicate = either(duplicate, p);
    } else if (fault.kind() == v1::Fault::REORDER) {
      reorder = either(reorder, p);
    } else if (fault.kind() == v1::Fault::CORRUPT) {
      corrupt = either(corrupt, p);
    }
  }
};

int64_t BurstBytes(const Queue& queue, int mtu) {
  return std::max<int64_t>(mtu + kHeaders, std::llround(queue.bytes_per_second * 0.01));
}

std::string Bits(double bytes_per_second) {
  return absl::StrFormat("%.0fbit", std::max(8.0, bytes_per_second * 8));
}

std::string Micros(double seconds) { return absl::StrFormat("%.0fus", seconds * kMillion); }

std::string Percent(double probability) { return absl::StrFormat("%.6g%%", probability * 100); }

void Append(std::vector<std::string>* words, std::vector<std::string> more) {
  words->insert(words->end(), more.begin(), more.end());
}

std::vector<std::string> NetemWords(const Queue& queue) {
  std::vector<std::string> words = {"netem", "limit", "10000"};
  const double wait = queue.reorder > 0 ? std::max(queue.delay, kReorderWait) : queue.delay;
  // tc means "delay - jitter to delay + jitter", a fault "delay to delay + jitter".
  if (wait > 0 || queue.jitter > 0) Append(&words, {"delay", Micros(wait + queue.jitter / 2)});
  if (queue.jitter > 0) words.push_back(Micros(queue.jitter / 2));
  if (queue.duplicate > 0) Append(&words, {"duplicate", Percent(queue.duplicate)});
  if (queue.corrupt > 0) Append(&words, {"corrupt", Percent(queue.corrupt)});
  if (queue.reorder > 0) Append(&words, {"reorder", Percent(queue.reorder)});
  return words;
}

// A class and what is in it. netem shapes nothing, so then the class itself keeps to the rate.
std::vector<Command> QueueCommands(const std::string& class_id, const KernelRoute& route,
                                   const Queue& queue) {
  const int64_t burst = BurstBytes(queue, route.mtu);
  std::vector<std::string> make_class = {"tc",         "class",  "add",       "dev",
                                         route.device, "parent", kRootHandle, "classid",
                                         class_id,     "htb",    "rate"};
  if (queue.netem && queue.bytes_per_second > 0) {
    const std::string bytes = absl::StrCat(burst);
    Append(&make_class, {Bits(queue.bytes_per_second), "burst", bytes, "cburst", bytes});
  } else {
    make_class.push_back(kNoRate);
  }
  Append(&make_class, {"quantum", "60000"});
  std::vector<std::string> fill = {"tc", "qdisc", "add", "dev", route.device, "parent", class_id};
  if (queue.netem) {
    Append(&fill, NetemWords(queue));
  } else {
    const int64_t buffer =
        std::max<int64_t>({std::llround(queue.bytes_per_second * kBufferSeconds),
                           kBufferPackets * std::min(route.mtu, kPacket), route.mtu});
    Append(&fill, {"tbf", "rate", Bits(queue.bytes_per_second), "burst", absl::StrCat(burst),
                   "limit", absl::StrCat(burst + buffer)});
  }
  return {{std::move(make_class), ""}, {std::move(fill), ""}};
}

// To delete what is not there is an error, to add what is there is none.
std::string DeleteTable(absl::string_view table) {
  return absl::StrCat("add table inet ", table, "\ndelete table inet ", table, "\n");
}

class Planner {
 public:
  Planner(const NodeId& self, absl::string_view table, const std::vector<v1::Fault>& faults)
      : self_(self), faults_(faults) {
    plan_.table = std::string(table);
  }

  KernelPlan Plan(const std::map<NodeId, KernelPeer>& peers) {
    int number = 0;
    for (const auto& [id, peer] : peers) AddPeer(id, peer, ++number);
    plan_.rules = absl::StrCat("table inet ", plan_.table, " {\n");
    AddChain("leaving", "output", out_);
    AddChain("arriving", "input", in_);
    absl::StrAppend(&plan_.rules, "}\n");
    return std::move(plan_);
  }

 private:
  void AddPeer(const NodeId& id, const KernelPeer& peer, int number) {
    Queue queue;
    bool queued = false;
    for (const v1::Fault& fault : faults_) {
      if (!IsKernelFault(fault)) continue;
      const std::string why =
          absl::StrCat(" comment \"fault ", fault.id(), ": ", FaultKindName(fault.kind()), "\"\n");
      for (const bool out : {true, false}) {
        const NodeId& from = out ? self_ : id;
        const NodeId& to = out ? id : self_;
        if (!CarriesOut(fault, self_, from, to)) continue;
        if (NeedsQueue(fault.kind())) {
          queue.Add(fault);
          queued = true;
        } else {
          const bool cut = fault.kind() == v1::Fault::CUT;
          absl::StrAppend(out ? &out_ : &in_, "    ", Match(peer.ends, out), " ",
                          cut ? "counter drop" : Loses(fault.probability()), why);
        }
      }
    }
    if (queued) AddQueue(id, peer, queue, number);
  }

  void AddQueue(const NodeId& id, const KernelPeer& peer, const Queue& queue, int number) {
    const std::string class_id = absl::StrCat(kRootHandle, absl::Hex(number));
    absl::StrAppend(&out_, "    ", Match(peer.ends, true), " counter meta priority set \"",
                    class_id, "\" comment \"to ", id.ToString(), "\"\n");
    std::vector<Command>& commands = plan_.queues[peer.route.device];
    if (commands.empty()) {
      commands.push_back(
          {{"tc", "qdisc", "add", "dev", peer.route.device, "root", "handle", kRootHandle, "htb"},
           ""});
    }
    for (Command& command : QueueCommands(class_id, peer.route, queue)) {
      commands.push_back(std::move(command));
    }
  }

  void AddChain(const char* name, const char* hook, const std::string& rules) {
    if (rules.empty()) return;
    absl::StrAppend(&plan_.rules, "  chain ", name, " {\n    type filter hook ", hook,
                    " priority -10; policy accept;\n", rules, "  }\n");
  }

  const NodeId self_;
  const std::vector<v1::Fault>& faults_;
  KernelPlan plan_;
  std::string out_, in_;  // rules
};

}  // namespace

NodeId ActingNode(v1::Fault::Kind kind, const NodeId& from, const NodeId& to) {
  const NodeId coordinator = NodeId::Coordinator();
  if (kind == v1::Fault::DROP) return to;
  if (kind == v1::Fault::CUT && to == coordinator) return to;
  return from;
}

bool CarriesOut(const v1::Fault& fault, const NodeId& self, const NodeId& from, const NodeId& to) {
  return Names(fault.from(), from) && Names(fault.to(), to) &&
         ActingNode(fault.kind(), from, to) == self;
}

bool NeedsNetem(v1::Fault::Kind kind) {
  return kind == v1::Fault::DELAY || kind == v1::Fault::DUPLICATE || kind == v1::Fault::REORDER ||
         kind == v1::Fault::CORRUPT;
}

bool NeedsQueue(v1::Fault::Kind kind) { return kind == v1::Fault::THROTTLE || NeedsNetem(kind); }

KernelPlan MakeKernelPlan(const NodeId& self, absl::string_view table,
                          const std::vector<v1::Fault>& faults,
                          const std::map<NodeId, KernelPeer>& peers) {
  return Planner(self, table, faults).Plan(peers);
}

Command InstallRules(const KernelPlan& plan) {
  // One transaction: the table that may be there is replaced, with no moment in between.
  return {{"nft", "-f", "-"}, absl::StrCat(DeleteTable(plan.table), plan.rules)};
}

Command RemoveRules(absl::string_view table) { return {{"nft", "-f", "-"}, DeleteTable(table)}; }

Command RemoveQueues(const std::string& device) {
  return {{"tc", "qdisc", "del", "dev", device, "root", "handle", kRootHandle}, ""};
}

std::vector<Command> CommandsOf(const KernelPlan& plan) {
  std::vector<Command> all;
  for (const auto& [device, commands] : plan.queues) {
    all.insert(all.end(), commands.begin(), commands.end());
  }
  all.push_back(InstallRules(plan));
  return all;
}

std::vector<Command> CommandsToUndo(const KernelPlan& plan) {
  std::vector<Command> all = {RemoveRules(plan.table)};
  for (const auto& [device, commands] : plan.queues) all.push_back(RemoveQueues(device));
  return all;
}

}  // namespace semlink
