#include "common/data/wav.h"

#include <sndfile.h>

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/data/data_files.h"

namespace semlink::data {
namespace {

using ::testing::HasSubstr;

void ExpectError(const std::string& path, absl::StatusCode code, const std::string& part) {
  const auto wave = ReadWav(path, 8000);
  ASSERT_FALSE(wave.ok()) << path;
  EXPECT_EQ(wave.status().code(), code) << wave.status();
  EXPECT_THAT(std::string(wave.status().message()), HasSubstr(path));
  EXPECT_THAT(std::string(wave.status().message()), HasSubstr(part));
}

TEST(Wav, ReadsSamplesUpToTheLimit) {
  const TempDir folder;
  const std::vector<float> wave = {0, 0.5f, -0.5f, 0.25f, -1};
  WriteWav(folder / "a.wav", wave);
  const auto all = ReadWav(folder / "a.wav", 100);
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 5u);
  for (int i = 0; i < 5; ++i) EXPECT_NEAR((*all)[i], wave[i], 1e-4);
  const auto some = ReadWav(folder / "a.wav", 3);
  ASSERT_TRUE(some.ok()) << some.status();
  EXPECT_EQ(*some, std::vector<float>(all->begin(), all->begin() + 3));
}

TEST(Wav, WrongRateAndStereoSayWhatWasFound) {
  const TempDir folder;
  WriteWav(folder / "fast.wav", std::vector<float>(100), 16000);
  ExpectError(folder / "fast.wav", absl::StatusCode::kInvalidArgument,
              "16000 Hz, 1 channels; expected 8000 Hz, 1 channel");
  WriteWav(folder / "two.wav", std::vector<float>(100), 8000, 2);
  ExpectError(folder / "two.wav", absl::StatusCode::kInvalidArgument, "8000 Hz, 2 channels");
}

TEST(Wav, SamplesOutsideTheRangeAreRefused) {
  const TempDir folder;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), 1.5f, -1e30f}) {
    SF_INFO info = {};
    info.samplerate = 8000;
    info.channels = 1;
    info.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
    SNDFILE* file = sf_open((folder / "float.wav").c_str(), SFM_WRITE, &info);
    ASSERT_NE(file, nullptr);
    const std::vector<float> wave = {0, 1, -1, bad};
    EXPECT_EQ(sf_writef_float(file, wave.data(), 4), 4);
    sf_close(file);
    ExpectError(folder / "float.wav", absl::StatusCode::kInvalidArgument, "sample 4 is ");
  }
}

TEST(Wav, TruncatedFileIsAnError) {
  const TempDir folder;
  WriteWav(folder / "a.wav", std::vector<float>(1000, 0.1f));
  std::vector<uint8_t> bytes = ReadBytes(folder / "a.wav");
  bytes.resize(bytes.size() - 200);
  WriteBytes(folder / "a.wav", bytes);
  ExpectError(folder / "a.wav", absl::StatusCode::kDataLoss, "its header says");
}

TEST(Wav, NotAWavFile) {
  const TempDir folder;
  ExpectError(folder / "none.wav", absl::StatusCode::kNotFound, "no such file");
  WriteBytes(folder / "empty.wav", {});
  ExpectError(folder / "empty.wav", absl::StatusCode::kInvalidArgument, "not a WAV file");
  WriteBytes(folder / "text.wav", std::vector<uint8_t>(100, 'x'));
  ExpectError(folder / "text.wav", absl::StatusCode::kInvalidArgument, "not a WAV file");
  WriteWav(folder / "silent.wav", {});
  ExpectError(folder / "silent.wav", absl::StatusCode::kInvalidArgument, "no samples");
}

}  // namespace
}  // namespace semlink::data
