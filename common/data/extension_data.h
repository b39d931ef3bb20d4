// What extensions (common/scenario/extensions.h) observe and tell, as tensors: computed once, when
// a node opens its data.
#ifndef SEMLINK_COMMON_DATA_EXTENSION_DATA_H_
#define SEMLINK_COMMON_DATA_EXTENSION_DATA_H_

#include <ATen/ATen.h>

#include <array>

#include "absl/status/statusor.h"
#include "common/data/corpus.h"
#include "common/scenario/extensions.h"

namespace semlink::data {

// By split.
using SplitTensors = std::array<at::Tensor, 2>;

// A modality of an extension, computed from every picture: float32 [size, ModalitySize]. NOT_FOUND
// if it can't be computed from pictures.
absl::StatusOr<SplitTensors> PictureFeatures(Corpus* corpus, const ModalityExtension& modality);

// A modality of an extension's data set: float32 [size, ModalitySize(kind)], after
// data.train_samples and data.test_samples, which keep samples evenly spread over a split.
// INVALID_ARGUMENT if the data set returns another amount than it counts, or what is no number.
absl::StatusOr<SplitTensors> ReadFeatures(const Scenario& scenario, const DataSetExtension& set,
                                          ModalityKind kind);

// The labels of a task in an extension's data set: int64 [size]. INVALID_ARGUMENT as above, or if
// one is no class of the task.
absl::StatusOr<SplitTensors> ReadLabels(const Scenario& scenario, const DataSetExtension& set,
                                        TaskKind task);

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_EXTENSION_DATA_H_
