#include "common/data/dataset.h"

#include <filesystem>
#include <numeric>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/data/data_files.h"

namespace semlink::data {
namespace {

using ::testing::HasSubstr;
using Sources = std::vector<std::unique_ptr<ModalitySource>>;

constexpr auto kImage = ModalityKind::kImageFft;
constexpr auto kMel = ModalityKind::kMel;
constexpr auto kNoise = ModalityKind::kNoise;

// The three transmitters and tasks of the paper.
Scenario PaperScenario(const std::string& root) {
  Scenario scenario;
  scenario.seed = 11;
  scenario.data.source = DataSource::kAvMnist;
  scenario.data.root = root;
  scenario.transmitters.resize(3);
  scenario.transmitters[0].modalities = {kNoise, kNoise, kImage};
  scenario.transmitters[1].modalities = {kNoise, kImage, kMel};
  scenario.transmitters[2].modalities = {kImage, kMel, kNoise};
  scenario.receivers.resize(3);
  scenario.receivers[0].task = TaskKind::kParity;
  scenario.receivers[1].task = TaskKind::kRing;
  scenario.receivers[2].task = TaskKind::kDigit;
  return scenario;
}

class DatasetTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempDir();
    MakeAvMnist(folder_->path(), 60, 25);
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  DatasetTest() : scenario_(PaperScenario(folder_->path())) {}

  Sources Open(int k) {
    auto sources = OpenModalities(scenario_, k);
    EXPECT_TRUE(sources.ok()) << sources.status();
    return sources.ok() ? std::move(*sources) : Sources();
  }
  at::Tensor Labels(int t, Split split, const std::vector<RoundSamples>& rounds) {
    const auto labels = OpenLabels(scenario_, t);
    EXPECT_TRUE(labels.ok()) << labels.status();
    return (*labels)->Batch(split, rounds);
  }

  static TempDir* folder_;
  Scenario scenario_;
};
TempDir* DatasetTest::folder_ = nullptr;

std::vector<RoundSamples> ThreeRounds() {
  return {TrainSamples(1, 2, 4, 6, 60), TrainSamples(1, 2, 0, 6, 60), TrainSamples(1, 2, 9, 6, 60)};
}

TEST_F(DatasetTest, OpensWhatTheScenarioSaysInOrder) {
  for (int k = 0; k < 3; ++k) {
    const Sources sources = Open(k);
    ASSERT_EQ(sources.size(), 3u);
    for (int m = 0; m < 3; ++m) {
      EXPECT_EQ(sources[m]->kind(), scenario_.transmitters[k].modalities[m]);
      EXPECT_EQ(sources[m]->size(Split::kTrain), 60);
      EXPECT_EQ(sources[m]->size(Split::kTest), 25);
      const at::Tensor batch = sources[m]->Batch({Split::kTrain, 1, 2}, ThreeRounds());
      EXPECT_EQ(batch.scalar_type(), at::kFloat);
      EXPECT_EQ(batch.size(0), 18);
      EXPECT_EQ(batch.size(1), ModalitySize(sources[m]->kind()));
      EXPECT_EQ(sources[m]->Batch({Split::kTrain, 1, 2}, {}).size(0), 0);
    }
  }
}

TEST_F(DatasetTest, RowsDependOnKeyRoundAndSampleOnly) {
  const std::vector<RoundSamples> rounds = ThreeRounds();
  for (const auto& source : Open(2)) {
    const BatchKey key{Split::kTrain, 5, 7};
    const at::Tensor all = source->Batch(key, rounds);
    // One round only, another order, and one sample of a round.
    EXPECT_TRUE(at::equal(source->Batch(key, {rounds[1]}), all.narrow(0, 6, 6)));
    const at::Tensor turned = source->Batch(key, {rounds[2], rounds[0]});
    EXPECT_TRUE(at::equal(turned, at::cat({all.narrow(0, 12, 6), all.narrow(0, 0, 6)})));
    const RoundSamples one{rounds[2].round, {rounds[2].samples[3]}};
    EXPECT_TRUE(at::equal(source->Batch(key, {one}), all.narrow(0, 15, 1)));
  }
}

TEST_F(DatasetTest, NoiseIsFreshForEveryKeyPart) {
  const Sources sources = Open(0);
  const RoundSamples round{3, {7, 8}};
  const auto draw = [&](int m, Split split, uint64_t seed, uint64_t window, uint32_t r) {
    return sources[m]->Batch({split, seed, window}, {{r, round.samples}});
  };
  const at::Tensor base = draw(0, Split::kTrain, 1, 2, 3);
  EXPECT_TRUE(at::equal(base, draw(0, Split::kTrain, 1, 2, 3)));
  EXPECT_FALSE(at::equal(base[0], base[1]));
  // Another slot, split, seed, window, round: nothing in common.
  for (const at::Tensor& other : {draw(1, Split::kTrain, 1, 2, 3), draw(0, Split::kTest, 1, 2, 3),
                                  draw(0, Split::kTrain, 2, 2, 3), draw(0, Split::kTrain, 1, 3, 3),
                                  draw(0, Split::kTrain, 1, 2, 4)}) {
    EXPECT_LT((base == other).sum().item<int64_t>(), 3);
  }
  // Transmitter 2's noise is another slot too.
  EXPECT_LT((base == Open(1)[0]->Batch({Split::kTrain, 1, 2}, {round})).sum().item<int64_t>(), 3);
  EXPECT_GE(base.min().item<float>(), 0);
  EXPECT_LT(base.max().item<float>(), 1);
  EXPECT_NEAR(base.mean().item<float>(), 0.5, 0.08);
}

TEST_F(DatasetTest, TransmittersSeeTheSameSample) {
  const std::vector<RoundSamples> rounds = ThreeRounds();
  for (const Split split : {Split::kTrain, Split::kTest}) {
    std::vector<RoundSamples> used = rounds;
    if (split == Split::kTest) used = {{0, {0, 5, 24}}};
    const BatchKey key{split, 5, 7};
    EXPECT_TRUE(at::equal(Open(0)[2]->Batch(key, used), Open(2)[0]->Batch(key, used)));
    EXPECT_TRUE(at::equal(Open(1)[2]->Batch(key, used), Open(2)[1]->Batch(key, used)));
  }
}

TEST_F(DatasetTest, AugmentationChangesTrainingSoundsOnly) {
  const Sources sources = Open(2);
  const auto at_window = [&](int m, Split split, uint64_t window) {
    return sources[m]->Batch({split, 5, window}, {{0, {0, 1, 2, 3, 4, 5}}});
  };
  EXPECT_TRUE(at::equal(at_window(0, Split::kTrain, 1), at_window(0, Split::kTrain, 2)));
  EXPECT_FALSE(at::equal(at_window(1, Split::kTrain, 1), at_window(1, Split::kTrain, 2)));
  EXPECT_TRUE(at::equal(at_window(0, Split::kTest, 1), at_window(0, Split::kTest, 2)));
  EXPECT_TRUE(at::equal(at_window(1, Split::kTest, 1), at_window(1, Split::kTest, 2)));
}

TEST_F(DatasetTest, MelIsStandardisedAndImagesAreScaled) {
  const Sources sources = Open(2);
  const at::Tensor mel = sources[1]->Batch({Split::kTrain, 5, 7}, ThreeRounds());
  EXPECT_TRUE(at::allclose(mel.mean(1), at::zeros({18}), 0, 1e-4));
  EXPECT_TRUE(at::allclose(mel.std(1), at::ones({18}), 1e-3));
  const at::Tensor image = sources[0]->Batch({Split::kTrain, 5, 7}, ThreeRounds());
  EXPECT_TRUE(at::equal(image.amin({1}), at::zeros({18})));
  EXPECT_TRUE(at::equal(image.amax({1}), at::ones({18})));
}

TEST_F(DatasetTest, ImageScaleOfABatchIsThatOfItsRound) {
  scenario_.data.image_scale = ImageScale::kBatch;
  const std::vector<RoundSamples> rounds = ThreeRounds();
  const Sources sources = Open(2);
  const at::Tensor image = sources[0]->Batch({Split::kTrain, 5, 7}, rounds);
  for (int r = 0; r < 3; ++r) {
    const at::Tensor part = image.narrow(0, 6 * r, 6);
    EXPECT_EQ(part.min().item<float>(), 0);
    EXPECT_EQ(part.max().item<float>(), 1);
    EXPECT_TRUE(at::equal(part, sources[0]->Batch({Split::kTrain, 5, 7}, {rounds[r]})));
  }
  EXPECT_LT(image.amax({1}).min().item<float>(), 1);
}

TEST_F(DatasetTest, LabelsAreThoseOfTheTask) {
  std::vector<int64_t> all(60);
  std::iota(all.begin(), all.end(), 0);
  const at::Tensor digit = Labels(2, Split::kTrain, {{0, all}});
  const at::Tensor parity = Labels(0, Split::kTrain, {{0, all}});
  const at::Tensor ring = Labels(1, Split::kTrain, {{0, all}});
  EXPECT_EQ(digit.scalar_type(), at::kLong);
  const int64_t expected_ring[] = {0, 5, 5, 5, 1, 5, 2, 5, 3, 4};
  std::set<int64_t> seen;
  for (int i = 0; i < 60; ++i) {
    const auto d = digit[i].item<int64_t>();
    seen.insert(d);
    EXPECT_EQ(parity[i].item<int64_t>(), d % 2);
    EXPECT_EQ(ring[i].item<int64_t>(), expected_ring[d]);
  }
  EXPECT_EQ(seen.size(), 10u);
  // Stacked in the order of the rounds.
  const at::Tensor some = Labels(2, Split::kTrain, {{0, {4, 2}}, {1, {9}}});
  EXPECT_TRUE(at::equal(some, digit.index_select(0, at::tensor({4, 2, 9}, at::kLong))));
}

TEST_F(DatasetTest, FewerSamplesAreSpreadOverTheFile) {
  const at::Tensor all = Labels(2, Split::kTest, {{0, {0, 5, 10, 15, 20}}});
  scenario_.data.test_samples = 5;
  EXPECT_EQ((*OpenLabels(scenario_, 2))->size(Split::kTest), 5);
  EXPECT_TRUE(at::equal(Labels(2, Split::kTest, {{0, {0, 1, 2, 3, 4}}}), all));
  for (const auto& source : Open(2)) EXPECT_EQ(source->size(Split::kTest), 5);
}

TEST_F(DatasetTest, IndexOutOfRangeIsRefused) {
  for (const auto& source : Open(2)) {
    for (const int64_t wrong : {-1, 60}) {
      EXPECT_THROW(source->Batch({Split::kTrain, 1, 1}, {{0, {wrong}}}), c10::IndexError);
    }
    EXPECT_THROW(source->Batch({Split::kTest, 1, 1}, {{0, {25}}}), c10::IndexError);
  }
  EXPECT_THROW(Labels(0, Split::kTest, {{0, {25}}}), c10::IndexError);
}

TEST_F(DatasetTest, NodeThatIsNotInTheScenario) {
  EXPECT_EQ(OpenModalities(scenario_, 3).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenLabels(scenario_, -1).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(TrainSamples, AreUniformAndTheSameEverywhere) {
  const RoundSamples a = TrainSamples(3, 5, 7, 20, 60000);
  EXPECT_EQ(a.round, 7u);
  EXPECT_EQ(a.samples, TrainSamples(3, 5, 7, 20, 60000).samples);
  EXPECT_NE(a.samples, TrainSamples(4, 5, 7, 20, 60000).samples);
  EXPECT_NE(a.samples, TrainSamples(3, 6, 7, 20, 60000).samples);
  EXPECT_NE(a.samples, TrainSamples(3, 5, 8, 20, 60000).samples);
  std::vector<int> count(10, 0);
  for (int w = 0; w < 500; ++w) {
    for (const int64_t s : TrainSamples(1, w, 0, 20, 1000).samples) {
      ASSERT_GE(s, 0);
      ASSERT_LT(s, 1000);
      ++count[s / 100];
    }
  }
  for (const int c : count) EXPECT_NEAR(c, 1000, 150);  // 5 standard deviations
}

// A node reads no file that it does not need: the others may be missing.
TEST(NeedToKnow, OnlyNeededFilesAreOpened) {
  const TempDir folder;
  MakeAvMnist(folder.path(), 12, 8);
  Scenario scenario = PaperScenario(folder.path());
  scenario.transmitters[0].modalities = {kImage, kNoise};
  scenario.transmitters[1].modalities = {kMel};
  std::filesystem::rename(folder / "fsdd", folder / "away");
  EXPECT_TRUE(OpenModalities(scenario, 0).ok());
  EXPECT_TRUE(OpenLabels(scenario, 0).ok());
  const auto no_sound = OpenModalities(scenario, 1).status();
  EXPECT_EQ(no_sound.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(no_sound.message()), HasSubstr("fsdd/recordings"));
  std::filesystem::rename(folder / "away", folder / "fsdd");
  std::filesystem::remove(folder / "mnist/train-images-idx3-ubyte.gz");
  EXPECT_TRUE(OpenModalities(scenario, 1).ok());
  EXPECT_TRUE(OpenLabels(scenario, 0).ok());
  const auto no_image = OpenModalities(scenario, 0).status();
  EXPECT_EQ(no_image.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(no_image.message()), HasSubstr("train-images-idx3-ubyte.gz"));
}

class WrongFolderTest : public ::testing::Test {
 protected:
  WrongFolderTest() : scenario_(PaperScenario(folder_.path())) {
    MakeAvMnist(folder_.path(), 12, 8);
  }
  void ExpectError(absl::StatusCode code, const std::string& part) {
    const auto sources = OpenModalities(scenario_, 2);
    EXPECT_EQ(sources.status().code(), code) << sources.status();
    EXPECT_THAT(std::string(sources.status().message()), HasSubstr(part));
  }

  TempDir folder_;
  Scenario scenario_;
};

TEST_F(WrongFolderTest, LabelsAndImagesDoNotFit) {
  WriteGzip(folder_ / "mnist/train-labels-idx1-ubyte.gz",
            IdxBytes({11}, std::vector<uint8_t>(11, 1)));
  ExpectError(absl::StatusCode::kInvalidArgument, "12 items, but there are 11 labels");
}

TEST_F(WrongFolderTest, LabelThatIsNoDigit) {
  std::vector<uint8_t> labels(12, 3);
  labels[4] = 10;
  WriteGzip(folder_ / "mnist/train-labels-idx1-ubyte.gz", IdxBytes({12}, labels));
  ExpectError(absl::StatusCode::kInvalidArgument, "label 10, expected 0-9");
}

TEST_F(WrongFolderTest, ImagesOfAnotherSize) {
  WriteGzip(folder_ / "mnist/t10k-images-idx3-ubyte.gz",
            IdxBytes({8, 2, 2}, std::vector<uint8_t>(32, 1)));
  ExpectError(absl::StatusCode::kInvalidArgument, "8x2x2, expected images of 28x28");
}

TEST_F(WrongFolderTest, DigitWithoutTestRecording) {
  for (const char* speaker : {"ann", "bob"}) {
    for (int index = 0; index < 5; ++index) {
      std::filesystem::remove(folder_ / "fsdd/recordings/6_" + speaker + "_" +
                              std::to_string(index) + ".wav");
    }
  }
  ExpectError(absl::StatusCode::kNotFound, "no recording of digit 6 for the test split");
}

TEST_F(WrongFolderTest, DamagedRecording) {
  WriteWav(folder_ / "fsdd/recordings/6_bob_2.wav", std::vector<float>(50, .1f), 22050);
  ExpectError(absl::StatusCode::kInvalidArgument, "6_bob_2.wav: 22050 Hz");
}

TEST_F(WrongFolderTest, RootIsMissingOrNotSet) {
  scenario_.data.root = folder_ / "nowhere";
  ExpectError(absl::StatusCode::kNotFound, "nowhere: no such folder");
  scenario_.data.root = "";
  ExpectError(absl::StatusCode::kNotFound, "data.root: not set");
}

}  // namespace
}  // namespace semlink::data
