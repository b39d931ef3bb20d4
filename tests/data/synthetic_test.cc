#include <array>
#include <numeric>

#include "common/data/corpus.h"
#include "common/data/dataset.h"
#include "common/data/glyphs.h"
#include "common/data/speech.h"
#include "gtest/gtest.h"

namespace semlink::data {
namespace {

std::unique_ptr<Corpus> Open(uint64_t seed, double difficulty = 1) {
  DataOptions options;
  options.train_samples = 300;
  options.test_samples = 200;
  options.difficulty = difficulty;
  auto corpus = OpenSynthetic(options, seed);
  EXPECT_TRUE(corpus.ok()) << corpus.status();
  return std::move(*corpus);
}

TEST(Synthetic, FollowsFromTheSeed) {
  const auto a = Open(1), b = Open(1), c = Open(2);
  EXPECT_EQ(*a->Labels(Split::kTrain), *b->Labels(Split::kTrain));
  EXPECT_EQ(*a->Images(Split::kTrain), *b->Images(Split::kTrain));
  EXPECT_EQ(*a->Recording(Split::kTest, 3), *b->Recording(Split::kTest, 3));
  EXPECT_NE(*a->Labels(Split::kTrain), *c->Labels(Split::kTrain));
  EXPECT_NE(*a->Images(Split::kTrain), *c->Images(Split::kTrain));
  EXPECT_NE(*a->Recording(Split::kTest, 3), *c->Recording(Split::kTest, 3));
}

TEST(Synthetic, SplitsShareNothing) {
  const auto corpus = Open(1);
  EXPECT_EQ(corpus->Images(Split::kTrain)->size(), 300u * 784);
  EXPECT_EQ(corpus->Images(Split::kTest)->size(), 200u * 784);
  const std::vector<uint8_t> train = *corpus->Images(Split::kTrain);
  const std::vector<uint8_t> test = *corpus->Images(Split::kTest);
  for (int i = 0; i < 200; ++i) {
    for (int j = 0; j < 300; ++j) {
      ASSERT_FALSE(std::equal(test.begin() + i * 784, test.begin() + (i + 1) * 784,
                              train.begin() + j * 784));
    }
  }
  EXPECT_NE(*corpus->Recording(Split::kTrain, 0), *corpus->Recording(Split::kTest, 0));
}

TEST(Synthetic, WithoutDifficultyEveryDigitIsItsGlyph) {
  std::array<std::vector<uint8_t>, 10> bare;
  for (int digit = 0; digit < 10; ++digit) {
    for (uint64_t id = 0; id < 3; ++id) {
      RandomStream random(1, Purpose::kSynthetic, 0, 0, id);
      std::vector<uint8_t> image(784);
      DrawDigit(digit, 0, &random, image.data());
      if (id == 0) bare[digit] = image;
      EXPECT_EQ(image, bare[digit]);
      RandomStream voice(1, Purpose::kSynthetic, 0, 1, id);
      EXPECT_GT(SpeakDigit(digit, 0, &voice).size(), 1000u);
    }
    const int ink = std::accumulate(bare[digit].begin(), bare[digit].end(), 0) / 255;
    EXPECT_GT(ink, 40) << digit;
    EXPECT_LT(ink, 250) << digit;
    for (int other = 0; other < digit; ++other) EXPECT_NE(bare[digit], bare[other]);
  }
}

TEST(Synthetic, SoundsStayInRange) {
  for (uint64_t id = 0; id < 100; ++id) {
    RandomStream random(1, Purpose::kSynthetic, 0, 0, id);
    const std::vector<float> wave = SpeakDigit(static_cast<int>(id % 10), 3, &random);
    ASSERT_GT(wave.size(), 200u);
    ASSERT_LE(wave.size(), 8000u);
    for (const float x : wave) ASSERT_LE(std::abs(x), 1.0f);
  }
}

TEST(Synthetic, DifficultyIsChecked) {
  DataOptions options;
  options.difficulty = -1;
  EXPECT_EQ(OpenSynthetic(options, 1).status().code(), absl::StatusCode::kInvalidArgument);
}

// Accuracy of the nearest class mean, from 1 modality.
double NearestMean(ModalityKind kind, double difficulty) {
  Scenario scenario;
  scenario.data.train_samples = 1500;
  scenario.data.test_samples = 500;
  scenario.data.difficulty = difficulty;
  scenario.data.audio_variants = 1;
  scenario.transmitters.resize(1);
  scenario.transmitters[0].modalities = {kind};
  scenario.receivers.resize(1);
  scenario.receivers[0].task = TaskKind::kDigit;
  const auto sources = OpenModalities(scenario, 0);
  const auto labels = OpenLabels(scenario, 0);
  EXPECT_TRUE(sources.ok() && labels.ok());
  std::vector<int64_t> train(1500), test(500);
  std::iota(train.begin(), train.end(), 0);
  std::iota(test.begin(), test.end(), 0);
  const at::Tensor x = (*sources)[0]->Batch({Split::kTrain, 1, 0}, {{0, train}});
  const at::Tensor y = (*labels)->Batch(Split::kTrain, {{0, train}});
  std::vector<at::Tensor> means;
  for (int d = 0; d < 10; ++d) {
    const at::Tensor rows = at::nonzero(y == d).squeeze(1);
    EXPECT_GT(rows.size(0), 90) << "digit " << d;
    means.push_back(x.index_select(0, rows).mean(0));
  }
  const at::Tensor z = (*sources)[0]->Batch({Split::kTest, 1, 1}, {{0, test}});
  const at::Tensor guess = at::cdist(z, at::stack(means)).argmin(1);
  return (guess == (*labels)->Batch(Split::kTest, {{0, test}}))
      .to(at::kFloat)
      .mean()
      .item<double>();
}

TEST(Synthetic, ModalitiesTellTheDigitButNotAllOfIt) {
  const double image = NearestMean(ModalityKind::kImageFft, 1);
  const double sound = NearestMean(ModalityKind::kMel, 1);
  EXPECT_GT(image, 0.35);
  EXPECT_LT(image, 0.85);
  EXPECT_GT(sound, 0.35);
  EXPECT_LT(sound, 0.9);
  EXPECT_NEAR(NearestMean(ModalityKind::kNoise, 1), 0.1, 0.06);
  RecordProperty("image", std::to_string(image));
  RecordProperty("sound", std::to_string(sound));
}

TEST(Synthetic, DifficultyScales) {
  for (const ModalityKind kind : {ModalityKind::kImageFft, ModalityKind::kMel}) {
    const double easy = NearestMean(kind, 0.3);
    const double hard = NearestMean(kind, 2);
    EXPECT_GT(easy, 0.8) << Name(kind);
    EXPECT_LT(hard, easy - 0.2) << Name(kind);
  }
}

}  // namespace
}  // namespace semlink::data
