// What the writers of compose files share: YAML in the form that is wanted there, and the names
// inside the containers.
#ifndef SEMLINK_CLI_COMPOSE_WRITER_H_
#define SEMLINK_CLI_COMPOSE_WRITER_H_

#include <string>
#include <vector>

#include "cli/compose_file.h"
#include "common/base/ids.h"
#include "common/scenario/scenario.h"
#include "yaml-cpp/yaml.h"

namespace semlink::cli::compose {

using Words = std::vector<std::string>;

inline constexpr char kControlPort[] = "7433";
inline constexpr char kDataPort[] = "7001";
inline constexpr char kMetricsPort[] = "9464";  // as deploy/monitoring/prometheus.yml has it
inline constexpr char kScenarioInside[] = "/etc/semlink/scenario.yaml";
inline constexpr char kHome[] = "/var/lib/semlink";  // certs/, and runs/ or state/: a volume each

// The coordinator, then transmitters, then receivers.
std::vector<NodeId> NodesOf(const Scenario& scenario);

Words CoordinatorCommand();

// The comment at the beginning of a file. `about` may have several lines.
std::string Head(const std::string& about, const ComposeOptions& options);

// The parts of a compose file, in the order in which they are called.
class Writer {
 public:
  void Comment(const std::string& text) { out_ << YAML::Comment(text) << YAML::Newline; }
  void Note(const std::string& text) { out_ << YAML::Comment(text); }  // behind the last value
  void Gap() { out_ << YAML::Newline << YAML::Newline; }
  void Begin() { out_ << YAML::BeginMap; }
  void Begin(const std::string& key) { out_ << YAML::Key << key << YAML::Value << YAML::BeginMap; }
  void BeginAnchored(const std::string& key, const std::string& anchor) {
    out_ << YAML::Key << key << YAML::Value << YAML::Anchor(anchor) << YAML::BeginMap;
  }
  void End() { out_ << YAML::EndMap; }
  void Merge(const std::string& anchor) {
    out_ << YAML::Key << "<<" << YAML::Value << YAML::Alias(anchor);
  }
  void Put(const std::string& key, const std::string& value) {
    out_ << YAML::Key << key << YAML::Value << value;
  }
  void Put(const std::string& key, int value) { out_ << YAML::Key << key << YAML::Value << value; }
  void PutTrue(const std::string& key) { out_ << YAML::Key << key << YAML::Value << true; }
  void PutNothing(const std::string& key) {
    out_ << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginMap << YAML::EndMap;
  }
  // A list on one line. Compose wants strings, also where they look like numbers.
  void PutWords(const std::string& key, const Words& words);
  // One below the other.
  void PutLines(const std::string& key, const Words& lines) {
    out_ << YAML::Key << key << YAML::Value << YAML::Block << lines;
  }
  // A list of one map, which End() and EndList() close.
  void BeginList(const std::string& key) {
    out_ << YAML::Key << key << YAML::Value << YAML::BeginSeq << YAML::BeginMap;
  }
  void EndList() { out_ << YAML::EndSeq; }
  std::string Text() const { return std::string(out_.c_str()) + "\n"; }

 private:
  YAML::Emitter out_;
};

}  // namespace semlink::cli::compose

#endif  // SEMLINK_CLI_COMPOSE_WRITER_H_
