#include "bench/window_flops.h"

#include <set>

#include "common/base/rng.h"
#include "common/nn/base_network.h"

namespace semlink::bench {

const WindowFlops::Shape& WindowFlops::ShapeOf(int64_t in, int64_t out) {
  const auto found = shapes_.find({in, out});
  if (found != shapes_.end()) return found->second;
  const nn::BaseNetworkOptions options = {in, out, scenario_.model.hidden1,
                                          scenario_.model.hidden2};
  const nn::BaseNetwork network(options, RandomStream(1, Purpose::kParameters, 0, 0, 0), at::kCPU);
  // The first block's first linear map and its shortcut, unless the latter is the identity.
  const double outputs = static_cast<double>(options.hidden1) * (in == options.hidden1 ? 1 : 2);
  Shape shape;
  shape.first_per_column = 2 * outputs;
  shape.rest = network.ForwardFlops(1) - shape.first_per_column * static_cast<double>(in);
  return shapes_[{in, out}] = shape;
}

double WindowFlops::Dense(int64_t in, int64_t out, double rows, bool input_gradient) {
  const Shape& shape = ShapeOf(in, out);
  const double first = shape.first_per_column * static_cast<double>(in);
  return rows * (3 * shape.rest + (input_gradient ? 3 : 2) * first);
}

double WindowFlops::Encoders(const std::vector<v1::LinkRounds>& links) {
  const int64_t d = scenario_.model.embedding;
  const double batch = scenario_.training.batch_size;
  std::map<std::pair<uint32_t, uint32_t>, std::set<uint32_t>> unique;  // (k, m) -> rounds
  double total = 0;
  for (const v1::LinkRounds& link : links) {
    unique[{link.transmitter(), link.modality()}].insert(link.round().begin(), link.round().end());
    const int64_t size =
        ModalitySize(scenario_.transmitters[link.transmitter()].modalities[link.modality()]);
    const Shape& shape = ShapeOf(size + d, 2 * d);
    const double embedding = shape.first_per_column * static_cast<double>(d);
    total += batch * link.round_size() * (3 * shape.rest + 2 * embedding);
  }
  for (const auto& [encoder, rounds] : unique) {
    const int64_t size =
        ModalitySize(scenario_.transmitters[encoder.first].modalities[encoder.second]);
    const double rows = batch * static_cast<double>(rounds.size());
    total += 2 * rows * ShapeOf(size + d, 2 * d).first_per_column * static_cast<double>(size);
  }
  return total;
}

double WindowFlops::Decoders(const std::vector<v1::LinkRounds>& links) {
  const int64_t d = scenario_.model.embedding;
  const double batch = scenario_.training.batch_size;
  const int64_t width = d + (scenario_.model.missing_slot_learned ? 1 : 0);
  double total = 0;
  for (int t = 0; t < scenario_.T(); ++t) {
    const int64_t classes = TaskClasses(scenario_.receivers[t].task);
    double link_rows = 0;
    for (const v1::LinkRounds& link : links) {
      if (static_cast<int>(link.task()) == t) link_rows += batch * link.round_size();
    }
    const Shape& fused = ShapeOf(scenario_.J() * width, classes);
    total += batch * scenario_.training.rounds_per_window * 3 * fused.rest;
    total += 3 * link_rows * fused.first_per_column * static_cast<double>(width);
    total += Dense(2 * d, classes, link_rows, /*input_gradient=*/true);
  }
  return total;
}

double WindowFlops::Selectors(const std::vector<int64_t>& requests) {
  const int64_t d = scenario_.model.embedding;
  const double rounds = scenario_.training.rounds_per_window;
  double total = scenario_.T() * Dense(d, scenario_.limits.e_t + scenario_.K(), rounds, false);
  for (int k = 0; k < scenario_.K(); ++k) {
    total += Dense(2 * d, 2 * scenario_.M(k), static_cast<double>(requests[k]), false);
  }
  return total;
}

double WindowFlops::Count(const std::vector<v1::LinkRounds>& links,
                          const std::vector<int64_t>& requests) {
  return Encoders(links) + Decoders(links) + Selectors(requests);
}

}  // namespace semlink::bench
