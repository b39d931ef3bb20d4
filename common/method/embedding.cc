#include "common/method/embedding.h"

#include "common/base/rng.h"

namespace semlink::method {
namespace {

enum EmbeddingId : uint64_t { kTask = 0, kModality = 1 };

at::Tensor Draw(uint64_t seed, EmbeddingId id, int64_t rows, int64_t dimension) {
  at::Tensor table = at::empty({rows, dimension}, at::kFloat);
  RandomStream(seed, Purpose::kEmbedding, 0, 0, id)
      .FillNormal(table.data_ptr<float>(), table.numel());
  return table.mul_(0.1);
}

}  // namespace

at::Tensor TaskEmbeddings(const Scenario& scenario) {
  return Draw(scenario.seed, kTask, scenario.T(), scenario.model.embedding);
}

at::Tensor ModalityEmbeddings(const Scenario& scenario) {
  return Draw(scenario.seed, kModality, scenario.J(), scenario.model.embedding);
}

}  // namespace semlink::method
