#include "cli/status_report.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/table.h"
#include "common/faults/fault_spec.h"

namespace semlink::cli {
namespace {

const char* RoleName(v1::Role role) {
  switch (role) {
    case v1::COORDINATOR:
      return "coordinator";
    case v1::TRANSMITTER:
      return "transmitter";
    case v1::RECEIVER:
      return "receiver";
    case v1::OPERATOR:
      return "operator";
    default:
      return "node";
  }
}

std::string NodeTitle(const v1::NodeName& node) {
  const bool numbered = node.role() == v1::TRANSMITTER || node.role() == v1::RECEIVER;
  return numbered ? absl::StrCat(RoleName(node.role()), node.index() + 1) : RoleName(node.role());
}

std::string StateText(const v1::NodeStatus& node) {
  if (!node.state().empty()) return node.state();
  return node.up() ? "up" : "down";
}

Json CutJson(const v1::StatusReply& reply) {
  Json cut = Json::array();
  for (const v1::Pair& pair : reply.cut()) {
    cut.push_back({{"transmitter", pair.transmitter() + 1}, {"receiver", pair.receiver() + 1}});
  }
  return cut;
}

}  // namespace

std::string FaultsText(const ActiveFaults& faults) {
  Table table({{"fault", Align::kRight}, {"left", Align::kRight}, {"what"}});
  for (const v1::ActiveFault& active : faults) {
    const double left = active.seconds_left();
    table.AddRow({absl::StrCat(active.fault().id()),
                  left > 0 ? absl::StrFormat("%.1f s", left) : "until cleared",
                  FaultText(active.fault())});
  }
  return table.ToString();
}

Json FaultsJson(const ActiveFaults& faults) {
  Json list = Json::array();
  for (const v1::ActiveFault& active : faults) {
    Json item = {{"id", active.fault().id()},
                 {"kind", FaultKindName(active.fault().kind())},
                 {"fault", FaultText(active.fault())},
                 {"seconds_left", nullptr}};
    if (active.seconds_left() > 0) item["seconds_left"] = active.seconds_left();
    list.push_back(std::move(item));
  }
  return list;
}

std::string StatusText(const v1::StatusReply& reply) {
  std::string out = absl::StrFormat("%s (run %s): %s, %d of %d windows", reply.scenario(),
                                    reply.run_id(), reply.phase(), reply.window(), reply.windows());
  if (reply.seconds_per_window() > 0) {
    absl::StrAppendFormat(&out, ", %.3f s per window", reply.seconds_per_window());
  }
  const std::vector<double> accuracy(reply.accuracy().begin(), reply.accuracy().end());
  absl::StrAppend(&out, "\naccuracy over the last windows: ",
                  absl::StrJoin(accuracy, ", ",
                                [](std::string* text, double share) {
                                  absl::StrAppend(text, FormatPercent(share));
                                }),
                  "\nrefused: ", reply.refusals());
  for (const v1::IdentityRefusal& refusal : reply.identity_refusal()) {
    absl::StrAppend(&out, ", of these ", refusal.count(), " for ", refusal.reason());
  }
  absl::StrAppend(&out, "\nlast checkpoint: ",
                  reply.has_checkpoint() ? absl::StrCat("window ", reply.checkpoint()) : "none");
  if (!reply.cut().empty()) {
    absl::StrAppend(&out, "\nwithout a connection: ",
                    absl::StrJoin(reply.cut(), ", ", [](std::string* text, const v1::Pair& pair) {
                      absl::StrAppend(text, "transmitter", pair.transmitter() + 1, ":receiver",
                                      pair.receiver() + 1);
                    }));
  }
  absl::StrAppend(&out, "\n\n");
  Table table({{"node"},
               {"state"},
               {"for", Align::kRight},
               {"address"},
               {"process", Align::kRight},
               {"memory", Align::kRight},
               {"refused", Align::kRight}});
  for (const v1::NodeStatus& node : reply.node()) {
    table.AddRow(
        {NodeTitle(node.node()), StateText(node), FormatTime(absl::Seconds(node.state_seconds())),
         node.address(), node.pid() > 0 ? absl::StrCat(node.pid()) : "",
         FormatBytes(static_cast<double>(node.peak_rss_bytes())), absl::StrCat(node.refusals())});
  }
  absl::StrAppend(&out, table.ToString());
  if (!reply.fault().empty()) absl::StrAppend(&out, "\n", FaultsText(reply.fault()));
  return out;
}

Json StatusJson(const v1::StatusReply& reply) {
  Json nodes = Json::array();
  for (const v1::NodeStatus& node : reply.node()) {
    nodes.push_back({{"node", NodeTitle(node.node())},
                     {"up", node.up()},
                     {"state", StateText(node)},
                     {"state_seconds", node.state_seconds()},
                     {"address", node.address()},
                     {"pid", node.pid()},
                     {"refusals", node.refusals()},
                     {"peak_rss_bytes", node.peak_rss_bytes()}});
  }
  Json identity = Json::object();
  for (const v1::IdentityRefusal& refusal : reply.identity_refusal()) {
    identity[refusal.reason()] = refusal.count();
  }
  const Json checkpoint = reply.has_checkpoint() ? Json(reply.checkpoint()) : nullptr;
  return {{"run_id", reply.run_id()},
          {"scenario", reply.scenario()},
          {"phase", reply.phase()},
          {"window", reply.window()},
          {"windows", reply.windows()},
          {"seconds_per_window", reply.seconds_per_window()},
          {"accuracy", std::vector<double>(reply.accuracy().begin(), reply.accuracy().end())},
          {"refusals", reply.refusals()},
          {"identity_refusals", std::move(identity)},
          {"checkpoint", checkpoint},
          {"cut", CutJson(reply)},
          {"faults", FaultsJson(reply.fault())},
          {"nodes", std::move(nodes)}};
}

}  // namespace semlink::cli
