// Small data files in the formats of the public files.
#ifndef SEMLINK_TESTS_DATA_DATA_FILES_H_
#define SEMLINK_TESTS_DATA_DATA_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/base/temp_dir.h"

namespace semlink::data {

// An IDX file with this header and these bytes, whether they fit together or not.
std::vector<uint8_t> IdxBytes(const std::vector<uint32_t>& dims, const std::vector<uint8_t>& data);

void WriteBytes(const std::string& path, const std::vector<uint8_t>& bytes);
void WriteGzip(const std::string& path, const std::vector<uint8_t>& bytes);
std::vector<uint8_t> ReadBytes(const std::string& path);

// 16-bit WAV; `samples` are interleaved.
void WriteWav(const std::string& path, const std::vector<float>& samples, int rate = 8000,
              int channels = 1);

// An AV-MNIST folder: `train` and `test` images of random digits, and for each digit and each of 2
// speakers recordings 0 to 7 (5 for the test, 3 for training), tones whose pitch says which
// recording it is. Plain files if not `gzip`.
void MakeAvMnist(const std::string& root, int train, int test, bool gzip = true);

}  // namespace semlink::data

#endif  // SEMLINK_TESTS_DATA_DATA_FILES_H_
