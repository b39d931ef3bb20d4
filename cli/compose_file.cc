#include "cli/compose_file.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/compose_writer.h"

namespace semlink::cli {
namespace compose {
namespace {

constexpr char kMemberAnchor[] = "node";

// A name that only the data network knows: the bare one could lead over the control network.
std::string DataName(const NodeId& node) { return node.ToString() + ".data"; }

// A path without a leading "./" would be the name of a volume.
std::string HostPath(const std::string& path) {
  return absl::StartsWith(path, "/") || absl::StartsWith(path, ".") ? path : "./" + path;
}

std::string Image(const ComposeOptions& options) {
  return absl::StrCat("${SEMLINK_IMAGE:-", options.image.empty() ? "semlink" : options.image, "}");
}

std::string ScenarioMount(const ComposeOptions& options) {
  return absl::StrCat("${SEMLINK_SCENARIO:-", HostPath(options.scenario_path),
                      "}:", kScenarioInside, ":ro");
}

void PutDependency(Writer* out, const std::string& service, const std::string& condition) {
  out->Begin(service);
  out->Put("condition", condition);
  out->End();
}

// What all containers of nodes have in common.
void PutCommonParts(Writer* out, const ComposeOptions& options) {
  out->BeginAnchored("x-semlink", "semlink");
  out->Put("image", Image(options));
  out->PutTrue("init");
  out->Note("a process that is number 1 could neither kill nor stop itself, as faults want");
  out->Put("restart", "on-failure:20");
  out->Put("stop_grace_period", "15s");
  out->PutWords("cap_drop", {"ALL"});
  out->PutWords("security_opt", {"no-new-privileges:true"});
  out->Begin("logging");
  out->Put("driver", "json-file");
  out->Begin("options");
  out->Put("max-size", "10m");
  out->End();
  out->End();
  out->Begin("depends_on");
  PutDependency(out, "certs", "service_completed_successfully");
  out->End();
  out->End();
  out->Gap();
  out->BeginAnchored("x-node", kMemberAnchor);
  out->Merge("semlink");
  out->Begin("depends_on");
  PutDependency(out, "certs", "service_completed_successfully");
  PutDependency(out, "coordinator", "service_started");
  out->End();
  out->End();
}

void PutHealth(Writer* out, const Words& question) {
  Words test = {"CMD", "semlink", "health"};
  test.insert(test.end(), question.begin(), question.end());
  test.insert(test.end(), {"--tls", "certs"});
  out->Begin("healthcheck");
  out->PutWords("test", test);
  out->Put("interval", "30s");
  out->Put("timeout", "10s");
  out->Put("retries", 3);
  out->Put("start_period", "60s");
  out->End();
}

// Makes the certificates, once. The CA's key stays in a volume that no node sees, and each node
// finds its own key in its own volume.
void PutCerts(Writer* out, const Scenario& scenario, const ComposeOptions& options) {
  out->Begin("certs");
  out->Put("image", Image(options));
  if (options.image.empty()) {
    out->Begin("build");
    out->Put("context", ".");
    out->Put("dockerfile", "deploy/Dockerfile");
    out->End();
  }
  out->Put("user", "root");
  out->Note("it gives each volume to the user that the nodes run as");
  out->Put("network_mode", "none");
  out->PutWords("cap_drop", {"ALL"});
  out->PutWords("cap_add", {"CHOWN", "DAC_OVERRIDE"});
  out->PutLines("command",
                {"sh", "-ec",
                 absl::StrCat("semlink certs /ca --scenario ", kScenarioInside,
                              " --bundles /nodes; chown semlink:semlink /nodes/*; chown -R "
                              "semlink:semlink /nodes/*/certs")});
  Words mounts = {ScenarioMount(options), "ca:/ca"};
  for (const NodeId& node : NodesOf(scenario)) {
    mounts.push_back(absl::StrCat(node.ToString(), ":/nodes/", node.ToString()));
  }
  out->PutLines("volumes", mounts);
  out->End();
}

void PutCoordinator(Writer* out, const ComposeOptions& options) {
  out->Begin("coordinator");
  out->Merge("semlink");
  out->PutWords("command", CoordinatorCommand());
  PutHealth(out, {"coordinator", absl::StrCat("127.0.0.1:", kControlPort)});
  out->PutWords("networks", {"control"});
  out->PutLines("volumes", {ScenarioMount(options), absl::StrCat("coordinator:", kHome)});
  out->End();
}

Words MemberCommand(const NodeId& node) {
  Words command = {
      absl::StrCat("semlink-", node.role == Role::kTransmitter ? "transmitter" : "receiver"),
      "--coordinator", absl::StrCat("coordinator:", kControlPort), "--index",
      absl::StrCat(node.index + 1)};
  if (node.role == Role::kTransmitter) {
    command.insert(command.end(), {"--listen", absl::StrCat("0.0.0.0:", kDataPort), "--advertise",
                                   absl::StrCat(DataName(node), ":", kDataPort)});
  }
  command.insert(command.end(), {"--state", "state", "--metrics",
                                 absl::StrCat("0.0.0.0:", kMetricsPort), "--tls", "certs"});
  return command;
}

void PutMember(Writer* out, const NodeId& node) {
  const std::string name = node.ToString();
  const bool transmitter = node.role == Role::kTransmitter;
  out->Begin(name);
  out->Merge(kMemberAnchor);
  out->PutWords("command", MemberCommand(node));
  if (transmitter) {
    PutHealth(out, {name, absl::StrCat("127.0.0.1:", kDataPort)});
  } else {  // nobody dials a receiver: it is well if the coordinator takes its calls
    PutHealth(out, {"coordinator", absl::StrCat("coordinator:", kControlPort), "--as", name});
  }
  if (transmitter) {
    out->Begin("networks");
    out->PutNothing("control");
    out->Begin("data");
    out->PutWords("aliases", {DataName(node)});
    out->End();
    out->End();
  } else {
    out->PutWords("networks", {"control", "data"});
  }
  out->PutLines("volumes", {absl::StrCat(name, ":", kHome)});
  out->End();
}

void PutNetworksAndVolumes(Writer* out, const Scenario& scenario) {
  out->Gap();
  out->Begin("networks");
  for (const char* name : {"control", "data"}) {
    out->Begin(name);
    out->PutTrue("internal");
    out->End();
  }
  out->End();
  out->Gap();
  out->Begin("volumes");
  out->PutNothing("ca");
  for (const NodeId& node : NodesOf(scenario)) out->PutNothing(node.ToString());
  out->End();
}

}  // namespace
}  // namespace compose

std::string ComposeFile(const Scenario& scenario, const ComposeOptions& options) {
  using namespace compose;
  Writer out;
  out.Begin();
  PutCommonParts(&out, options);
  out.Gap();
  out.Begin("services");
  PutCerts(&out, scenario, options);
  out.Gap();
  PutCoordinator(&out, options);
  for (const NodeId& node : MembersOf(scenario.K(), scenario.T())) {
    out.Gap();
    PutMember(&out, node);
  }
  out.End();
  PutNetworksAndVolumes(&out, scenario);
  out.End();
  return absl::StrCat(
      Head(absl::StrCat(
               "The testbed: a coordinator, ", scenario.K(), " transmitters and ", scenario.T(),
               " receivers, each in a container of its own (docs/testbed.md).\n\n",
               "  docker compose up                 trains; the coordinator's log ends with the "
               "result\n"
               "  docker compose exec coordinator semlink status\n"
               "  docker compose down               removes containers and networks; with -v also "
               "the results\n\n"
               "Connections are encrypted and nodes prove who they are. What each node may reach: "
               "all the control network,\n"
               "transmitters and receivers the data network too, nobody anything else."),
           options),
      out.Text());
}

}  // namespace semlink::cli
