// What one checkpoint costs a node, with networks as AV-MNIST's, against the cheapest way to put as
// many bytes on the disk: one write and one sync.
//
//   checkpoint_cost [FOLDER]
//
// FOLDER: where to write; a folder in the present one if it is left out. `peak`: how much memory
// the node needs for a while, beyond what it holds, to write its state.
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/file_system.h"
#include "common/base/resource_usage.h"
#include "common/method/node_state.h"
#include "common/nn/process_setup.h"
#include "common/scenario/scenario.h"
#include "common/store/checkpoint.h"

namespace semlink {
namespace {

constexpr int kRepeats = 7;

// A node's learners, by the sizes of their networks.
class Networks {
 public:
  void Add(const std::string& name, int64_t in, int64_t out) {
    const ModelOptions model;
    networks_.push_back(std::make_unique<nn::BaseNetwork>(
        nn::BaseNetworkOptions{in, out, model.hidden1, model.hidden2},
        RandomStream(1, Purpose::kParameters, 0, 0, networks_.size()), at::kCPU));
    optimizers_.push_back(
        std::make_unique<nn::AdamW>(networks_.back()->parameters(), nn::AdamWOptions()));
    state_.learners.push_back({name, networks_.back().get(), optimizers_.back().get()});
  }
  method::NodeState& state() { return state_; }

 private:
  std::vector<std::unique_ptr<nn::BaseNetwork>> networks_;
  std::vector<std::unique_ptr<nn::AdamW>> optimizers_;
  method::NodeState state_;
};

// The median of a few runs, milliseconds.
template <typename Work>
double Milliseconds(Work work) {
  RealClock clock;
  std::vector<double> times;
  for (int i = 0; i < kRepeats; ++i) {
    const absl::Duration start = clock.Now();
    work();
    times.push_back(absl::ToDoubleMilliseconds(clock.Now() - start));
  }
  std::sort(times.begin(), times.end());
  return times[kRepeats / 2];
}

// How far the memory of this process rises above where it stands, MB.
template <typename Work>
double PeakMegabytes(Work work) {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << 5 << std::flush;  // the peak counts from here
  const uint64_t before = PeakRssBytes();
  work();
  return static_cast<double>(PeakRssBytes() - before) / 1e6;
}

void Measure(const std::string& node, Networks* networks, const std::string& folder) {
  const store::CheckpointOwner owner = {node, 1, std::string(64, 'a')};
  auto checkpoints = store::CheckpointFolder::Open(folder + "/" + node, owner).value();
  store::CheckpointFolder::Written written;
  const double peak = PeakMegabytes(
      [&] { (void)checkpoints.Write(50, method::SaveState(networks->state())).value(); });
  const double write = Milliseconds(
      [&] { written = checkpoints.Write(50, method::SaveState(networks->state())).value(); });
  const std::string bytes(written.bytes, 'x');
  const double plain =
      Milliseconds([&] { (void)WriteFileAtomically(folder + "/" + node + "/plain", bytes); });
  const double list = Milliseconds([&] {
    std::vector<std::string> complaints;
    (void)store::CheckpointFolder::Open(folder + "/" + node, owner)->List(&complaints);
  });
  const double restore = Milliseconds([&] {
    (void)method::RestoreState(checkpoints.Read(written.id).value(), &networks->state());
  });
  std::printf(
      "%-12s %8.1f MB   write %7.1f ms (plain %7.1f), peak %6.1f MB   verify %7.1f ms   restore "
      "%7.1f ms\n",
      node.c_str(), static_cast<double>(written.bytes) / 1e6, write, plain, peak, list, restore);
}

}  // namespace
}  // namespace semlink

int main(int argc, char** argv) {
  using namespace semlink;
  nn::TuneAllocator();
  nn::UseOneThread();
  const std::string folder = argc > 1 ? argv[1] : "checkpoint_cost.tmp";
  const int d = ModelOptions().embedding;
  Networks transmitter, receiver;
  for (const ModalityKind kind :
       {ModalityKind::kImageFft, ModalityKind::kMel, ModalityKind::kNoise}) {
    transmitter.Add(absl::StrCat("encoder", static_cast<int>(kind) + 1), ModalitySize(kind) + d,
                    2 * d);
  }
  transmitter.Add("selector", 2 * d, 6);
  receiver.Add("decoder", 9 * (d + 1), TaskClasses(TaskKind::kDigit));
  receiver.Add("local_decoder", 2 * d, TaskClasses(TaskKind::kDigit));
  receiver.Add("selector", d, 5);
  Measure("transmitter", &transmitter, folder);
  Measure("receiver", &receiver, folder);
  if (argc < 2) std::filesystem::remove_all(folder);
  return 0;
}
