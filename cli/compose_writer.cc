#include "cli/compose_writer.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace semlink::cli::compose {

std::vector<NodeId> NodesOf(const Scenario& scenario) {
  std::vector<NodeId> nodes = MembersOf(scenario.K(), scenario.T());
  nodes.insert(nodes.begin(), NodeId::Coordinator());
  return nodes;
}

Words CoordinatorCommand() {
  return {"semlink-coordinator",
          "--scenario",
          kScenarioInside,
          "--runs",
          "runs",
          "--listen",
          absl::StrCat("0.0.0.0:", kControlPort),
          "--metrics",
          absl::StrCat("0.0.0.0:", kMetricsPort),
          "--tls",
          "certs"};
}

std::string Head(const std::string& about, const ComposeOptions& options) {
  std::string head;
  for (const absl::string_view line : absl::StrSplit(about, '\n')) {
    absl::StrAppend(&head, line.empty() ? "#" : "# ", line, "\n");
  }
  return absl::StrCat(head, "#\n# Made by: ", options.command, "\n\n");
}

void Writer::PutWords(const std::string& key, const Words& words) {
  out_ << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
  for (const std::string& word : words) {
    if (word.find_first_not_of("0123456789.") == std::string::npos) out_ << YAML::DoubleQuoted;
    out_ << word;
  }
  out_ << YAML::EndSeq;
}

}  // namespace semlink::cli::compose
