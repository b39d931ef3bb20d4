// Fixed embeddings: 0.1 * N(0, I), drawn once from the run's seed and never trained (design section
// 3, "Networks").
#ifndef SEMLINK_COMMON_METHOD_EMBEDDING_H_
#define SEMLINK_COMMON_METHOD_EMBEDDING_H_

#include <ATen/ATen.h>

#include "common/scenario/scenario.h"

namespace semlink::method {

// [T, d]: row t tells encoders and transmitter selectors which task they work for.
at::Tensor TaskEmbeddings(const Scenario& scenario);

// [J, d]: row Slot(k, m) tells a local decoder which modality it decodes.
at::Tensor ModalityEmbeddings(const Scenario& scenario);

}  // namespace semlink::method

#endif  // SEMLINK_COMMON_METHOD_EMBEDDING_H_
