#include "common/data/dataset.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/data/augment.h"
#include "common/data/banks.h"
#include "common/data/corpus.h"
#include "common/data/extension_data.h"
#include "common/data/spectra.h"

namespace semlink::data {
namespace {

constexpr int kNoiseSize = 196;

int64_t CountSamples(const std::vector<RoundSamples>& rounds) {
  int64_t n = 0;
  for (const RoundSamples& round : rounds) n += static_cast<int64_t>(round.samples.size());
  return n;
}

void CheckIndex(int64_t sample, int64_t size) {
  TORCH_CHECK_INDEX(sample >= 0 && sample < size, "sample ", sample, ", expected 0 to ", size - 1);
}

// All samples of the rounds, stacked: int64 [n].
at::Tensor StackedIndices(const std::vector<RoundSamples>& rounds, int64_t size) {
  at::Tensor indices = at::empty({CountSamples(rounds)}, at::kLong);
  int64_t* out = indices.data_ptr<int64_t>();
  for (const RoundSamples& round : rounds) {
    for (const int64_t sample : round.samples) {
      CheckIndex(sample, size);
      *out++ = sample;
    }
  }
  return indices;
}

// Modality A.
class ImageSource : public ModalitySource {
 public:
  ImageSource(std::shared_ptr<const ImageBank> bank, ImageScale scale)
      : bank_(std::move(bank)), scale_(scale) {}

  ModalityKind kind() const override { return ModalityKind::kImageFft; }
  int64_t size(Split split) const override { return bank_->magnitude[Index(split)].size(0); }

  at::Tensor Batch(const BatchKey& key, const std::vector<RoundSamples>& rounds) override {
    const at::Tensor rows =
        bank_->magnitude[Index(key.split)].index_select(0, StackedIndices(rounds, size(key.split)));
    if (scale_ == ImageScale::kSample) return ScaleRows(rows);
    int64_t first = 0;
    for (const RoundSamples& round : rounds) {
      const auto n = static_cast<int64_t>(round.samples.size());
      if (n == 0) continue;
      const at::Tensor part = rows.narrow(0, first, n);
      part.copy_(ScaleTogether(part));
      first += n;
    }
    return rows;
  }

 private:
  std::shared_ptr<const ImageBank> bank_;
  ImageScale scale_;
};

// Modality B.
class MelSource : public ModalitySource {
 public:
  explicit MelSource(std::shared_ptr<const MelBank> bank) : bank_(std::move(bank)) {}

  ModalityKind kind() const override { return ModalityKind::kMel; }
  int64_t size(Split split) const override {
    return static_cast<int64_t>(bank_->recording[Index(split)].size());
  }

  at::Tensor Batch(const BatchKey& key, const std::vector<RoundSamples>& rounds) override {
    const bool train = key.split == Split::kTrain;
    const int variants = bank_->variants[Index(key.split)];
    const std::vector<int32_t>& recording = bank_->recording[Index(key.split)];
    const int64_t n = CountSamples(rounds);
    at::Tensor indices = at::empty({n}, at::kLong);
    std::vector<MelMask> masks(train ? n : 0);
    int64_t row = 0;
    for (const RoundSamples& round : rounds) {
      for (const int64_t sample : round.samples) {
        CheckIndex(sample, size(key.split));
        int64_t variant = 0;
        if (train) {
          // Keyed by the sample and not by the transmitter: all that hear this sample hear the
          // same.
          RandomStream random(key.seed, Purpose::kAugmentation, key.window, round.round, sample);
          variant = random.UniformInt(variants);
          masks[row] = DrawMask(options_, &random);
        }
        indices.data_ptr<int64_t>()[row++] = int64_t{recording[sample]} * variants + variant;
      }
    }
    const at::Tensor mel = bank_->power[Index(key.split)].index_select(0, indices);
    for (std::size_t i = 0; i < masks.size(); ++i) {
      ApplyMask(masks[i], mel.data_ptr<float>() + i * kMelSize);
    }
    return StandardiseRows(mel);
  }

 private:
  const AugmentOptions options_;
  std::shared_ptr<const MelBank> bank_;
};

// Modality C: tells nothing about the digit.
class NoiseSource : public ModalitySource {
 public:
  NoiseSource(SplitSizes sizes, int slot) : sizes_(sizes), slot_(slot) {}

  ModalityKind kind() const override { return ModalityKind::kNoise; }
  int64_t size(Split split) const override {
    return split == Split::kTrain ? sizes_.train : sizes_.test;
  }

  at::Tensor Batch(const BatchKey& key, const std::vector<RoundSamples>& rounds) override {
    at::Tensor noise = at::empty({CountSamples(rounds), kNoiseSize}, at::kFloat);
    float* out = noise.data_ptr<float>();
    for (const RoundSamples& round : rounds) {
      for (const int64_t sample : round.samples) {
        CheckIndex(sample, size(key.split));
        // Sample, split and slot in one word: 2^47 samples, 2^16 slots.
        const uint64_t id = static_cast<uint64_t>(sample) << 17 |
                            static_cast<uint64_t>(Index(key.split)) << 16 |
                            static_cast<uint64_t>(slot_);
        RandomStream random(key.seed, Purpose::kModalityNoise, key.window, round.round, id);
        random.FillUniform(out, kNoiseSize);
        out += kNoiseSize;
      }
    }
    return noise;
  }

 private:
  SplitSizes sizes_;
  int slot_;
};

// A modality of an extension, or of an extension's data set: rows that never change.
class FixedSource : public ModalitySource {
 public:
  FixedSource(ModalityKind kind, SplitTensors rows) : kind_(kind), rows_(std::move(rows)) {}

  ModalityKind kind() const override { return kind_; }
  int64_t size(Split split) const override { return rows_[Index(split)].size(0); }
  at::Tensor Batch(const BatchKey& key, const std::vector<RoundSamples>& rounds) override {
    return rows_[Index(key.split)].index_select(0, StackedIndices(rounds, size(key.split)));
  }

 private:
  ModalityKind kind_;
  SplitTensors rows_;  // [size, ModalitySize(kind)], by split
};

class TaskLabels : public LabelSource {
 public:
  explicit TaskLabels(SplitTensors labels) : labels_(std::move(labels)) {}

  int64_t size(Split split) const override { return labels_[Index(split)].size(0); }
  at::Tensor Batch(Split split, const std::vector<RoundSamples>& rounds) const override {
    return labels_[Index(split)].index_select(0, StackedIndices(rounds, size(split)));
  }

 private:
  SplitTensors labels_;  // int64 [size], by split
};

int64_t ClassOf(TaskKind task, uint8_t digit) {
  // Ring digits 0, 4, 6, 8, 9 are classes 0 to 4; the others are class 5.
  static constexpr int64_t kRing[kDigits] = {0, 5, 5, 5, 1, 5, 2, 5, 3, 4};
  switch (task) {
    case TaskKind::kParity:
      return digit % 2;
    case TaskKind::kRing:
      return kRing[digit];
    case TaskKind::kDigit:
      return digit;
  }
  return ExtensionOf(task)->class_of_digit(digit);
}

absl::StatusOr<std::unique_ptr<Corpus>> OpenCorpus(const Scenario& scenario) {
  return scenario.data.source == DataSource::kAvMnist ? OpenAvMnist(scenario.data)
                                                      : OpenSynthetic(scenario.data, scenario.seed);
}

// Transmitter k, where the data set is an extension.
absl::StatusOr<std::vector<std::unique_ptr<ModalitySource>>> OpenExtension(
    const Scenario& scenario, const DataSetExtension& set, int k) {
  ASSIGN_OR_RETURN(const SplitSizes sizes, ReadSplitSizes(scenario.data));
  std::vector<std::unique_ptr<ModalitySource>> sources;
  for (int m = 0; m < scenario.M(k); ++m) {
    const ModalityKind kind = scenario.transmitters[k].modalities[m];
    if (kind == ModalityKind::kNoise) {
      sources.push_back(std::make_unique<NoiseSource>(sizes, scenario.Slot(k, m)));
      continue;
    }
    ASSIGN_OR_RETURN(SplitTensors rows, ReadFeatures(scenario, set, kind));
    sources.push_back(std::make_unique<FixedSource>(kind, std::move(rows)));
  }
  return sources;
}

absl::StatusOr<std::vector<std::unique_ptr<ModalitySource>>> OpenAll(const Scenario& scenario,
                                                                     int k) {
  if (const DataSetExtension* set = ExtensionOf(scenario.data.source); set != nullptr) {
    return OpenExtension(scenario, *set, k);
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Corpus> corpus, OpenCorpus(scenario));
  std::shared_ptr<const ImageBank> images;
  std::shared_ptr<const MelBank> mel;
  std::vector<std::unique_ptr<ModalitySource>> sources;
  for (int m = 0; m < scenario.M(k); ++m) {
    const ModalityKind kind = scenario.transmitters[k].modalities[m];
    if (const ModalityExtension* extension = ExtensionOf(kind); extension != nullptr) {
      ASSIGN_OR_RETURN(SplitTensors rows, PictureFeatures(corpus.get(), *extension));
      sources.push_back(std::make_unique<FixedSource>(kind, std::move(rows)));
      continue;
    }
    switch (kind) {
      case ModalityKind::kImageFft:
        if (!images) {
          ASSIGN_OR_RETURN(ImageBank bank, BuildImageBank(corpus.get()));
          images = std::make_shared<ImageBank>(std::move(bank));
        }
        sources.push_back(std::make_unique<ImageSource>(images, scenario.data.image_scale));
        break;
      case ModalityKind::kMel:
        if (!mel) {
          ASSIGN_OR_RETURN(MelBank bank, BuildMelBank(corpus.get(), scenario.data, scenario.seed));
          mel = std::make_shared<MelBank>(std::move(bank));
        }
        sources.push_back(std::make_unique<MelSource>(mel));
        break;
      case ModalityKind::kNoise:
        sources.push_back(std::make_unique<NoiseSource>(corpus->sizes(), scenario.Slot(k, m)));
        break;
    }
  }
  return sources;
}

absl::StatusOr<at::Tensor> LabelsOfDigits(Corpus* corpus, Split split, TaskKind task) {
  ASSIGN_OR_RETURN(const std::vector<uint8_t> digits, corpus->Labels(split));
  at::Tensor labels = at::empty({static_cast<int64_t>(digits.size())}, at::kLong);
  int64_t* out = labels.data_ptr<int64_t>();
  for (std::size_t i = 0; i < digits.size(); ++i) out[i] = ClassOf(task, digits[i]);
  return labels;
}

absl::StatusOr<SplitTensors> OpenTask(const Scenario& scenario, TaskKind task) {
  if (const DataSetExtension* set = ExtensionOf(scenario.data.source); set != nullptr) {
    return ReadLabels(scenario, *set, task);
  }
  const TaskExtension* extension = ExtensionOf(task);
  if (extension != nullptr && extension->class_of_digit == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("task ", extension->name, ": it is no question about digits"));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Corpus> corpus, OpenCorpus(scenario));
  SplitTensors labels;
  for (const Split split : {Split::kTrain, Split::kTest}) {
    ASSIGN_OR_RETURN(labels[Index(split)], LabelsOfDigits(corpus.get(), split, task));
  }
  return labels;
}

absl::Status LibraryFailure(const std::exception& error) {
  return absl::InternalError(absl::StrCat("computing features: ", error.what()));
}

}  // namespace

RoundSamples TrainSamples(uint64_t seed, uint64_t window, uint32_t round, int batch,
                          int64_t train_size) {
  RandomStream random(seed, Purpose::kSamples, window, round);
  RoundSamples samples;
  samples.round = round;
  samples.samples.resize(batch);
  for (int64_t& sample : samples.samples) {
    sample = random.UniformInt(static_cast<uint32_t>(train_size));
  }
  return samples;
}

absl::StatusOr<std::vector<std::unique_ptr<ModalitySource>>> OpenModalities(
    const Scenario& scenario, int k) {
  if (k < 0 || k >= scenario.K()) {
    return absl::InvalidArgumentError(
        absl::StrCat("transmitter ", k + 1, ", but the scenario has ", scenario.K()));
  }
  try {
    return OpenAll(scenario, k);
  } catch (const std::exception& error) {
    return LibraryFailure(error);
  }
}

absl::StatusOr<std::unique_ptr<LabelSource>> OpenLabels(const Scenario& scenario, int t) {
  if (t < 0 || t >= scenario.T()) {
    return absl::InvalidArgumentError(
        absl::StrCat("receiver ", t + 1, ", but the scenario has ", scenario.T()));
  }
  try {
    ASSIGN_OR_RETURN(SplitTensors labels, OpenTask(scenario, scenario.receivers[t].task));
    return std::unique_ptr<LabelSource>(std::make_unique<TaskLabels>(std::move(labels)));
  } catch (const std::exception& error) {
    return LibraryFailure(error);
  }
}

}  // namespace semlink::data
