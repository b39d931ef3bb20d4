// The overlays: what docker-compose.yml becomes with real data, GPUs, faults in the kernel, ...
#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/compose_file.h"
#include "cli/compose_writer.h"

namespace semlink::cli {
namespace compose {
namespace {

// An overlay: the same changes to several services.
template <class Change>
void ForEach(Writer* out, const std::vector<NodeId>& nodes, const Change& change) {
  for (const NodeId& node : nodes) {
    out->Begin(node.ToString());
    change(node);
    out->End();
  }
}

void PutDataOverlay(Writer* out, const Scenario& scenario) {
  const std::string mount =
      "${SEMLINK_DATA:?say with SEMLINK_DATA which folder holds mnist/ and fsdd/}:/data:ro";
  ForEach(out, NodesOf(scenario), [&](const NodeId& node) {
    if (node == NodeId::Coordinator()) {
      Words command = CoordinatorCommand();
      command.insert(command.end(), {"--set", "data.root=/data"});
      out->PutWords("command", command);
    }
    out->PutLines("volumes", {mount});
  });
}

// NET_ADMIN for the process of the node and for the tc and nft that it starts, though it isn't
// root: as an ambient capability. The rest is for what stays root beside the node: the container's
// init, which hands signals on, and `semlink health` and `semlink status`, which read its keys.
void PutFaultsOverlay(Writer* out, const Scenario& scenario) {
  ForEach(out, NodesOf(scenario), [&](const NodeId&) {
    out->Put("user", "root");
    out->PutWords("cap_add", {"DAC_OVERRIDE", "KILL", "NET_ADMIN", "SETGID", "SETPCAP", "SETUID"});
    out->PutWords("entrypoint", {"setpriv", "--reuid=semlink", "--regid=semlink", "--clear-groups",
                                 "--inh-caps=-all,+net_admin", "--ambient-caps=-all,+net_admin",
                                 "--bounding-set=-all,+net_admin", "--"});
  });
}

void PutGpuOverlay(Writer* out, const Scenario& scenario) {
  const std::string image = "${SEMLINK_IMAGE:-semlink:cuda}";
  out->Begin("certs");
  out->Put("image", image);
  out->Begin("build");
  out->Begin("args");
  out->Put("BASE_IMAGE", "${SEMLINK_BASE_IMAGE:-nvidia/cuda:12.6.3-base-ubuntu24.04}");
  out->Put("BUILD_IMAGE", "${SEMLINK_BUILD_IMAGE:-nvidia/cuda:12.6.3-devel-ubuntu24.04}");
  out->Put("TORCH_URL",
           "${SEMLINK_TORCH_URL:-https://download.pytorch.org/libtorch/cu126/"
           "libtorch-cxx11-abi-shared-with-deps-2.6.0%2Bcu126.zip}");
  out->End();
  out->End();
  out->End();
  ForEach(out, NodesOf(scenario), [&](const NodeId& node) {
    out->Put("image", image);
    if (node == NodeId::Coordinator()) return;  // computes nothing
    out->Begin("deploy");
    out->Begin("resources");
    out->Begin("reservations");
    out->BeginList("devices");
    out->Put("driver", "nvidia");
    out->Put("count", "all");
    out->Note("cuda:1 in the scenario is the machine's second");
    out->PutWords("capabilities", {"gpu"});
    out->End();
    out->EndList();
    out->End();
    out->End();
    out->End();
  });
}

// Both can be reached from this machine, and from nowhere else.
void PutMonitoringOverlay(Writer* out, const Scenario&) {
  out->Begin("prometheus");
  out->Put("image", "${SEMLINK_PROMETHEUS:-prom/prometheus:v2.53.1}");
  out->Put("restart", "unless-stopped");
  out->PutWords("networks", {"control", "monitoring"});
  out->PutWords("ports", {"127.0.0.1:9090:9090"});
  out->PutLines("volumes", {"./deploy/monitoring/prometheus.yml:/etc/prometheus/prometheus.yml:ro",
                            "prometheus:/prometheus"});
  out->End();
  out->Gap();
  out->Begin("grafana");
  out->Put("image", "${SEMLINK_GRAFANA:-grafana/grafana:11.1.0}");
  out->Put("restart", "unless-stopped");
  out->PutLines("environment",
                {"GF_AUTH_ANONYMOUS_ENABLED=true", "GF_AUTH_ANONYMOUS_ORG_ROLE=Viewer"});
  out->PutWords("networks", {"monitoring"});
  out->PutWords("ports", {"127.0.0.1:3000:3000"});
  out->PutLines("volumes", {"./deploy/monitoring/grafana:/etc/grafana/provisioning:ro",
                            "grafana:/var/lib/grafana"});
  out->End();
}

void PutMonitoringEnds(Writer* out) {
  for (const auto& [kind, names] :
       {std::pair<const char*, Words>{"networks", {"monitoring"}},
        std::pair<const char*, Words>{"volumes", {"grafana", "prometheus"}}}) {
    out->Gap();
    out->Begin(kind);
    for (const std::string& name : names) out->PutNothing(name);
    out->End();
  }
}

using PutOverlay = void (*)(Writer*, const Scenario&);
struct Overlay {
  const char* name;
  const char* about;
  PutOverlay put;
  void (*put_more)(Writer*) = nullptr;  // beside `services`
};

constexpr Overlay kOverlays[] = {
    {"data",
     "Real data, mounted read-only into every node. The scenario says `data.source: av_mnist`.\n"
     "  SEMLINK_DATA=./data SEMLINK_SCENARIO=./configs/av_mnist_pom2dib.yaml docker compose ...",
     PutDataOverlay},
    {"faults",
     "Lets every node break its own network in the kernel: `semlink fault add ... --level "
     "kernel`.\n"
     "Gives NET_ADMIN in the container's own network to the node and to the tools that it starts.",
     PutFaultsOverlay},
    {"gpu",
     "GPUs for transmitters and receivers. A node uses one where the scenario says `device: "
     "cuda`.\n"
     "Needs NVIDIA's container toolkit. Not run by semlink's tests, which have no GPU.",
     PutGpuOverlay},
    {"monitoring",
     "Prometheus at http://127.0.0.1:9090 and Grafana at http://127.0.0.1:3000, with the dashboard "
     "of deploy/monitoring.",
     PutMonitoringOverlay, PutMonitoringEnds},
};

}  // namespace
}  // namespace compose

std::vector<std::string> OverlayNames() {
  std::vector<std::string> names;
  for (const compose::Overlay& overlay : compose::kOverlays) names.push_back(overlay.name);
  return names;
}

absl::StatusOr<std::string> ComposeOverlay(const std::string& name, const Scenario& scenario,
                                           const ComposeOptions& options) {
  const auto* overlay = std::find_if(std::begin(compose::kOverlays), std::end(compose::kOverlays),
                                     [&](const compose::Overlay& o) { return name == o.name; });
  if (overlay == std::end(compose::kOverlays)) {
    return absl::InvalidArgumentError(absl::StrCat("found overlay '", name, "'; expected one of ",
                                                   absl::StrJoin(OverlayNames(), ", ")));
  }
  compose::Writer out;
  out.Begin();
  out.Begin("services");
  overlay->put(&out, scenario);
  out.End();
  if (overlay->put_more != nullptr) overlay->put_more(&out);
  out.End();
  const std::string about =
      absl::StrCat(overlay->about, "\n\n  docker compose -f docker-compose.yml -f deploy/compose.",
                   name, ".yaml up");
  return absl::StrCat(compose::Head(about, options), out.Text());
}

}  // namespace semlink::cli
