#include "common/data/extension_data.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/data/banks.h"

namespace semlink::data {
namespace {

constexpr Split kSplits[] = {Split::kTrain, Split::kTest};

const char* NameOf(Split split) { return split == Split::kTrain ? "training" : "test"; }

int64_t SizeOf(const SplitSizes& sizes, Split split) {
  return split == Split::kTrain ? sizes.train : sizes.test;
}

template <class T>
constexpr at::ScalarType kTypeOf = at::kFloat;
template <>
constexpr at::ScalarType kTypeOf<int64_t> = at::kLong;

// Rows of `width` values as a tensor [kept, width], evenly spread over those that are there.
template <class T>
absl::StatusOr<at::Tensor> KeptRows(std::vector<T> values, int64_t width, int64_t counted,
                                    int64_t kept, const std::string& what) {
  if (values.size() != static_cast<uint64_t>(counted * width)) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": ", values.size(), " values; expected ",
                                                   counted, " samples of ", width));
  }
  const at::Tensor rows = at::from_blob(values.data(), {counted, width}, kTypeOf<T>);
  return rows.index_select(0, at::arange(kept).mul_(counted).floor_divide_(kept));
}

// Both splits of what a data set returned.
template <class T>
absl::StatusOr<SplitTensors> KeptSplits(const Scenario& scenario, const DataSetExtension& set,
                                        SplitValues<T> values, int64_t width,
                                        const std::string& what) {
  ASSIGN_OR_RETURN(const SampleCounts counts, set.count(scenario.data));
  ASSIGN_OR_RETURN(const SplitSizes sizes, ReadSplitSizes(scenario.data));
  SplitTensors tensors;
  ASSIGN_OR_RETURN(tensors[Index(Split::kTrain)],
                   KeptRows(std::move(values.train), width, counts.train, sizes.train,
                            absl::StrCat(what, ", training split")));
  ASSIGN_OR_RETURN(tensors[Index(Split::kTest)],
                   KeptRows(std::move(values.test), width, counts.test, sizes.test,
                            absl::StrCat(what, ", test split")));
  return tensors;
}

}  // namespace

absl::StatusOr<SplitTensors> PictureFeatures(Corpus* corpus, const ModalityExtension& modality) {
  if (modality.from_image == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("modality ", modality.name, ": it can't be computed from pictures"));
  }
  SplitTensors features;
  for (const Split split : kSplits) {
    constexpr int64_t kPixels = int64_t{kImageSide} * kImageSide;
    ASSIGN_OR_RETURN(const std::vector<uint8_t> images, corpus->Images(split));
    const int64_t n = SizeOf(corpus->sizes(), split);
    at::Tensor rows = at::empty({n, modality.size}, at::kFloat);
    for (int64_t i = 0; i < n; ++i) {
      modality.from_image(images.data() + i * kPixels, rows.data_ptr<float>() + i * modality.size);
    }
    features[Index(split)] = rows;
  }
  return features;
}

absl::StatusOr<SplitTensors> ReadFeatures(const Scenario& scenario, const DataSetExtension& set,
                                          ModalityKind kind) {
  ASSIGN_OR_RETURN(SplitValues<float> values, set.features(scenario, Name(kind)));
  const std::string what = absl::StrCat("data set ", set.name, ": modality ", Name(kind));
  ASSIGN_OR_RETURN(SplitTensors features,
                   KeptSplits(scenario, set, std::move(values), ModalitySize(kind), what));
  for (const Split split : kSplits) {
    if (at::isfinite(features[Index(split)]).all().item<bool>()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(what, ", ", NameOf(split), " split: not all values are finite"));
  }
  return features;
}

absl::StatusOr<SplitTensors> ReadLabels(const Scenario& scenario, const DataSetExtension& set,
                                        TaskKind task) {
  ASSIGN_OR_RETURN(SplitValues<int64_t> values, set.labels(scenario, Name(task)));
  const std::string what = absl::StrCat("data set ", set.name, ": task ", Name(task));
  ASSIGN_OR_RETURN(SplitTensors labels, KeptSplits(scenario, set, std::move(values), 1, what));
  for (at::Tensor& split : labels) {
    split = split.flatten();
    if (split.min().item<int64_t>() < 0 || split.max().item<int64_t>() >= TaskClasses(task)) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, ": a label outside 0 to ", TaskClasses(task) - 1));
    }
  }
  return labels;
}

}  // namespace semlink::data
