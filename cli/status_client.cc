#include "cli/status_client.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/table.h"
#include "semlink/v1/services.grpc.pb.h"

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

}  // namespace

absl::StatusOr<v1::StatusReply> FetchStatus(const std::string& address, absl::Duration timeout) {
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  const auto stub = v1::Operator::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout));
  v1::StatusReply reply;
  const grpc::Status status = stub->GetStatus(&context, v1::StatusRequest(), &reply);
  if (status.ok()) return reply;
  return absl::Status(
      static_cast<absl::StatusCode>(status.error_code()),
      absl::StrCat("no coordinator answers at ", address, ": ", status.error_message(),
                   "; give its address with --coordinator HOST:PORT"));
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
                  "\nrefused: ", reply.refusals(), "\n\n");
  Table table({{"node"},
               {"state"},
               {"address"},
               {"process", Align::kRight},
               {"memory", Align::kRight},
               {"refused", Align::kRight}});
  for (const v1::NodeStatus& node : reply.node()) {
    table.AddRow({NodeTitle(node.node()), node.up() ? "up" : "down", node.address(),
                  node.pid() > 0 ? absl::StrCat(node.pid()) : "",
                  FormatBytes(static_cast<double>(node.peak_rss_bytes())),
                  absl::StrCat(node.refusals())});
  }
  return out + table.ToString();
}

nlohmann::ordered_json StatusJson(const v1::StatusReply& reply) {
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (const v1::NodeStatus& node : reply.node()) {
    nodes.push_back({{"node", NodeTitle(node.node())},
                     {"up", node.up()},
                     {"address", node.address()},
                     {"pid", node.pid()},
                     {"refusals", node.refusals()},
                     {"peak_rss_bytes", node.peak_rss_bytes()}});
  }
  return {{"run_id", reply.run_id()},
          {"scenario", reply.scenario()},
          {"phase", reply.phase()},
          {"window", reply.window()},
          {"windows", reply.windows()},
          {"seconds_per_window", reply.seconds_per_window()},
          {"accuracy", std::vector<double>(reply.accuracy().begin(), reply.accuracy().end())},
          {"refusals", reply.refusals()},
          {"nodes", std::move(nodes)}};
}

}  // namespace semlink::cli
