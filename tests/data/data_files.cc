#include "tests/data/data_files.h"

#include <sndfile.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "common/base/rng.h"
#include "gtest/gtest.h"

namespace semlink::data {
namespace {

namespace fs = std::filesystem;

void WriteIdx(const std::string& path, const std::vector<uint8_t>& bytes, bool gzip) {
  gzip ? WriteGzip(path + ".gz", bytes) : WriteBytes(path, bytes);
}

void WriteSplit(const std::string& mnist, const std::string& name, int n, bool gzip,
                RandomStream* random) {
  std::vector<uint8_t> labels(n);
  std::vector<uint8_t> pixels(n * 784);
  for (int i = 0; i < n; ++i) {
    labels[i] = static_cast<uint8_t>(random->UniformInt(10));
    for (int p = 0; p < 784; ++p) {
      pixels[i * 784 + p] = static_cast<uint8_t>(random->UniformInt(256));
    }
  }
  const auto count = static_cast<uint32_t>(n);
  WriteIdx(absl::StrCat(mnist, "/", name, "-images-idx3-ubyte"), IdxBytes({count, 28, 28}, pixels),
           gzip);
  WriteIdx(absl::StrCat(mnist, "/", name, "-labels-idx1-ubyte"), IdxBytes({count}, labels), gzip);
}

}  // namespace

std::vector<uint8_t> IdxBytes(const std::vector<uint32_t>& dims, const std::vector<uint8_t>& data) {
  std::vector<uint8_t> bytes = {0, 0, 8, static_cast<uint8_t>(dims.size())};
  for (const uint32_t d : dims) {
    for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<uint8_t>(d >> shift));
  }
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

void WriteBytes(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.good()) << path;
}

void WriteGzip(const std::string& path, const std::vector<uint8_t>& bytes) {
  const gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr) << path;
  const auto n = static_cast<unsigned>(bytes.size());
  EXPECT_EQ(gzwrite(file, bytes.data(), n), static_cast<int>(n));
  ASSERT_EQ(gzclose(file), Z_OK);
}

std::vector<uint8_t> ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void WriteWav(const std::string& path, const std::vector<float>& samples, int rate, int channels) {
  SF_INFO info = {};
  info.samplerate = rate;
  info.channels = channels;
  info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  ASSERT_NE(file, nullptr) << path;
  const auto n = static_cast<sf_count_t>(samples.size());
  EXPECT_EQ(sf_write_float(file, samples.data(), n), n);
  sf_close(file);
}

void MakeAvMnist(const std::string& root, int train, int test, bool gzip) {
  const std::string mnist = root + "/mnist";
  const std::string recordings = root + "/fsdd/recordings";
  fs::create_directories(mnist);
  fs::create_directories(recordings);
  RandomStream random(5, Purpose::kSynthetic);
  WriteSplit(mnist, "train", train, gzip, &random);
  WriteSplit(mnist, "t10k", test, gzip, &random);
  int number = 0;
  for (int digit = 0; digit < 10; ++digit) {
    for (const char* speaker : {"ann", "bob"}) {
      for (int index = 0; index < 8; ++index) {
        const double hz = 100 + 20 * ++number;
        std::vector<float> wave(2000 + 10 * number);
        for (std::size_t i = 0; i < wave.size(); ++i) {
          wave[i] =
              static_cast<float>(0.5 * std::sin(2 * M_PI * hz * static_cast<double>(i) / 8000));
        }
        WriteWav(absl::StrCat(recordings, "/", digit, "_", speaker, "_", index, ".wav"), wave);
      }
    }
  }
}

}  // namespace semlink::data
