// AV-MNIST from its published files: MNIST's IDX files and FSDD's recordings.
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/data/corpus.h"
#include "common/data/idx.h"
#include "common/data/recordings.h"
#include "common/data/wav.h"

namespace semlink::data {
namespace {

class AvMnist : public Corpus {
 public:
  AvMnist(DataOptions options, SplitSizes sizes) : options_(std::move(options)), sizes_(sizes) {}

  const SplitSizes& sizes() const override { return sizes_; }

  absl::StatusOr<std::vector<uint8_t>> Labels(Split split) override {
    const std::string path = LabelsPath(options_.root, split);
    ASSIGN_OR_RETURN(IdxArray array, ReadIdx(path, 1));
    for (const uint8_t label : array.bytes) {
      if (label >= kDigits) {
        return absl::InvalidArgumentError(absl::StrCat(path, ": label ", label, ", expected 0-9"));
      }
    }
    return Thin(path, std::move(array), 1, split);
  }

  absl::StatusOr<std::vector<uint8_t>> Images(Split split) override {
    const std::string path = ImagesPath(options_.root, split);
    ASSIGN_OR_RETURN(IdxArray array, ReadIdx(path, 3));
    if (array.dims[1] != kImageSide || array.dims[2] != kImageSide) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": dimensions ", absl::StrJoin(array.dims, "x"), ", expected images of 28x28"));
    }
    return Thin(path, std::move(array), kImageSide * kImageSide, split);
  }

  absl::StatusOr<std::vector<uint8_t>> RecordingDigits(Split split) override {
    RETURN_IF_ERROR(ListOnce());
    std::vector<uint8_t> digits;
    std::vector<int> count(kDigits, 0);
    for (const RecordingName& name : names_[Index(split)]) {
      digits.push_back(static_cast<uint8_t>(name.digit));
      ++count[name.digit];
    }
    for (int digit = 0; digit < kDigits; ++digit) {
      if (count[digit] > 0) continue;
      return absl::NotFoundError(absl::StrCat(
          RecordingsDir(options_.root), ": no recording of digit ", digit, " for the ",
          split == Split::kTrain ? "training split (index 5 and up)" : "test split (index 0-4)"));
    }
    return digits;
  }

  absl::StatusOr<std::vector<float>> Recording(Split split, int i) override {
    RETURN_IF_ERROR(ListOnce());
    const std::filesystem::path dir = RecordingsDir(options_.root);
    return ReadWav((dir / names_[Index(split)][i].file).string(), kWaveSamples);
  }

 private:
  static int Index(Split split) { return split == Split::kTrain ? 0 : 1; }

  absl::Status ListOnce() {
    if (listed_) return absl::OkStatus();
    ASSIGN_OR_RETURN(const auto names, ListRecordings(RecordingsDir(options_.root)));
    for (const RecordingName& name : names) names_[Index(name.split())].push_back(name);
    listed_ = true;
    return absl::OkStatus();
  }

  // Keeps `size` items, evenly spread over the file: MNIST's files are not in random order (the
  // first half of its test file is the easier one).
  absl::StatusOr<std::vector<uint8_t>> Thin(const std::string& path, IdxArray array, int item,
                                            Split split) const {
    ASSIGN_OR_RETURN(const auto dims, ReadIdxDims(LabelsPath(options_.root, split), 1));
    if (array.dims[0] != dims[0]) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": ", array.dims[0], " items, but there are ", dims[0], " labels"));
    }
    const int64_t size = split == Split::kTrain ? sizes_.train : sizes_.test;
    const int64_t available = array.dims[0];
    if (size == available) return std::move(array.bytes);
    std::vector<uint8_t> kept;
    kept.reserve(size * item);
    for (int64_t i = 0; i < size; ++i) {
      const auto from = array.bytes.begin() + i * available / size * item;
      kept.insert(kept.end(), from, from + item);
    }
    return kept;
  }

  DataOptions options_;
  SplitSizes sizes_;
  bool listed_ = false;
  std::vector<RecordingName> names_[2];  // by split
};

}  // namespace

absl::StatusOr<std::unique_ptr<Corpus>> OpenAvMnist(const DataOptions& options) {
  std::error_code error;
  if (!std::filesystem::is_directory(options.root, error)) {
    return absl::NotFoundError(absl::StrCat(
        "data.root: ", options.root.empty() ? "not set" : options.root + ": no such folder",
        "; expected the folder with mnist/ and fsdd/ (scripts/fetch_data.sh makes one)"));
  }
  ASSIGN_OR_RETURN(const SplitSizes sizes, ReadSplitSizes(options));
  return std::unique_ptr<Corpus>(std::make_unique<AvMnist>(options, sizes));
}

}  // namespace semlink::data
