#include "bench/training_probe.h"

#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/sgemm_peak.h"
#include "bench/window_flops.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/base/thread_cpu.h"
#include "common/data/layout.h"
#include "common/transport/inproc_network.h"
#include "coordinator/coordinator_node.h"
#include "receiver/receiver_node.h"
#include "transmitter/transmitter_node.h"

namespace semlink::bench {
namespace {

double ProcessSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Collects what passes between the coordinator and the nodes, and what their calls take.
class Observer {
 public:
  explicit Observer(const Scenario& scenario)
      : rounds_(scenario.training.rounds_per_window),
        flops_(scenario),
        requests_(scenario.K(), 0) {}

  // The coordinator sends `message` to `to`.
  void Sent(const NodeId& to, const v1::Message& message) {
    // The parameters are fetched after the last training window.
    if (message.has_parameters_request()) EndWindow();
    if (message.has_open_window() && to == NodeId::Transmitter(0)) Open(message.open_window());
    if (message.has_grant() && to.role == Role::kTransmitter) {
      links_.insert(links_.end(), message.grant().link().begin(), message.grant().link().end());
    }
  }

  // The coordinator gets `message`.
  void Received(const NodeId& from, const v1::Message& message) {
    if (!message.has_report() || from.role != Role::kReceiver) return;
    const auto& probability = message.report().transmitter_probability();
    for (int k = 0; k < probability.size(); ++k) {
      requests_[k] += std::llround(probability[k] * rounds_);
    }
  }

  double* seconds(Role role) { return &seconds_[role]; }
  std::vector<WindowCost> windows() const { return windows_; }

 private:
  void Open(const v1::OpenWindow& open) {
    EndWindow();
    training_ = open.kind() == v1::TRAIN;
    links_.clear();
    std::fill(requests_.begin(), requests_.end(), 0);
    seconds_at_open_ = seconds_;
    const double before = ThreadCpuSeconds();
    pace_ = MeasureGemm({512, 512, 512}, 3).seam;
    // This runs inside the coordinator's call, whose time is added when it returns.
    seconds_at_open_[Role::kCoordinator] += ThreadCpuSeconds() - before;
    opened_at_ = ProcessSeconds();
  }

  void EndWindow() {
    const double now = ProcessSeconds();
    if (!training_) return;
    training_ = false;
    WindowCost cost;
    cost.pace = pace_;
    cost.cpu = now - opened_at_;
    cost.transmitters = seconds_[Role::kTransmitter] - seconds_at_open_[Role::kTransmitter];
    cost.receivers = seconds_[Role::kReceiver] - seconds_at_open_[Role::kReceiver];
    cost.coordinator = seconds_[Role::kCoordinator] - seconds_at_open_[Role::kCoordinator];
    for (const v1::LinkRounds& link : links_) cost.links += link.round_size();
    cost.links /= rounds_;
    cost.gflop = 1e-9 * flops_.Count(links_, requests_);
    windows_.push_back(cost);
  }

  int rounds_;
  WindowFlops flops_;
  bool training_ = false;
  double opened_at_ = 0;
  double pace_ = 0;
  std::vector<v1::LinkRounds> links_;
  std::vector<int64_t> requests_;  // by transmitter
  std::map<Role, double> seconds_, seconds_at_open_;
  std::vector<WindowCost> windows_;
};

// The coordinator's transport, watched.
class WatchedTransport : public Transport {
 public:
  WatchedTransport(Transport* transport, Observer* observer)
      : transport_(transport), observer_(observer) {}

  absl::Status Connect(const NodeId& to, const std::string& address) override {
    return transport_->Connect(to, address);
  }
  absl::Status Send(const NodeId& to, v1::Message message) override {
    observer_->Sent(to, message);
    return transport_->Send(to, std::move(message));
  }
  std::vector<v1::Traffic> TrafficSnapshot() const override {
    return transport_->TrafficSnapshot();
  }
  std::vector<v1::Wire> WireSnapshot() const override { return transport_->WireSnapshot(); }

 private:
  Transport* transport_;
  Observer* observer_;
};

// A node, with its calls timed and, for the coordinator, watched.
class WatchedNode : public Node {
 public:
  WatchedNode(std::unique_ptr<Node> node, Role role, Observer* observer)
      : node_(std::move(node)), role_(role), observer_(observer) {}

  absl::Status Handle(const NodeId& from, const v1::Message& message) override {
    if (role_ == Role::kCoordinator) observer_->Received(from, message);
    const double start = ThreadCpuSeconds();
    absl::Status status = node_->Handle(from, message);
    *observer_->seconds(role_) += ThreadCpuSeconds() - start;
    return status;
  }
  absl::Status PeerUp(const NodeId& peer) override { return node_->PeerUp(peer); }
  absl::Status PeerDown(const NodeId& peer, const absl::Status& why) override {
    return node_->PeerDown(peer, why);
  }
  bool done() const override { return node_->done(); }

 private:
  std::unique_ptr<Node> node_;
  Role role_;
  Observer* observer_;
};

class TemporaryFolder {
 public:
  TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "semlink-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~TemporaryFolder() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

absl::Status RunNodes(const Scenario& scenario, const std::string& out, Observer* observer) {
  coordinator::CoordinatorOptions options;
  options.scenario = scenario;
  options.out_dir = out;
  ASSIGN_OR_RETURN(const data::SplitSizes sizes, data::ReadSplitSizes(scenario.data));
  options.job.test_size = sizes.test;

  InprocNetwork network;
  RealClock clock;
  WatchedTransport watched(network.TransportFor(NodeId::Coordinator()), observer);
  ASSIGN_OR_RETURN(std::unique_ptr<coordinator::CoordinatorNode> coordinator,
                   coordinator::CoordinatorNode::Create(options, &watched, &clock));
  coordinator::CoordinatorNode* result = coordinator.get();
  std::vector<std::unique_ptr<WatchedNode>> nodes;
  const auto add = [&](const NodeId& id, std::unique_ptr<Node> node) {
    nodes.push_back(std::make_unique<WatchedNode>(std::move(node), id.role, observer));
    return network.Add(id, nodes.back().get());
  };
  RETURN_IF_ERROR(add(NodeId::Coordinator(), std::move(coordinator)));
  for (int k = 0; k < scenario.K(); ++k) {
    const NodeId id = NodeId::Transmitter(k);
    RETURN_IF_ERROR(
        add(id, std::make_unique<transmitter::TransmitterNode>(k, network.TransportFor(id))));
  }
  for (int t = 0; t < scenario.T(); ++t) {
    const NodeId id = NodeId::Receiver(t);
    RETURN_IF_ERROR(
        add(id, std::make_unique<receiver::ReceiverNode>(t, network.TransportFor(id), &clock)));
  }
  const absl::Status status = network.Run();
  return result->result().ok() ? status : result->result();
}

}  // namespace

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

absl::StatusOr<std::vector<WindowCost>> MeasureWindows(Scenario scenario, int warmup, int windows) {
  scenario.training.windows = warmup + windows;
  scenario.evaluation.cr_draws = 1;
  scenario.evaluation.samples = scenario.training.batch_size;
  const TemporaryFolder folder;
  if (folder.path().empty()) return absl::UnavailableError("no temporary folder can be made");
  Observer observer(scenario);
  RETURN_IF_ERROR(RunNodes(scenario, folder.path() + "/run", &observer));
  std::vector<WindowCost> costs = observer.windows();
  if (static_cast<int>(costs.size()) != warmup + windows) {
    return absl::InternalError(
        absl::StrCat("saw ", costs.size(), " training windows, expected ", warmup + windows));
  }
  costs.erase(costs.begin(), costs.begin() + warmup);
  return costs;
}

}  // namespace semlink::bench
