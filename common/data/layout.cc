#include "common/data/layout.h"

#include <zlib.h>

#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/data/idx.h"
#include "common/data/recordings.h"
#include "common/data/wav.h"
#include "common/scenario/extensions.h"

namespace semlink::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDiffers = "differs from the published file";

// SHA-256 of the published MNIST files, uncompressed.
struct MnistFile {
  const char* name;
  int rank;
  const char* content_sha256;
};
constexpr MnistFile kMnistFiles[] = {
    {"train-images-idx3-ubyte", 3,
     "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
    {"train-labels-idx1-ubyte", 1,
     "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
    {"t10k-images-idx3-ubyte", 3,
     "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
    {"t10k-labels-idx1-ubyte", 1,
     "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
};
// FSDD 1.0.10 (3000 recordings, 6 speakers): SHA-256 of the sorted "sha256  name" list.
constexpr const char* kRecordingsSha256 =
    "1801eae019c063377d98f831d3f93574f259475df7332bb0e3d1b080fb5e6959";

std::string MnistPath(const std::string& root, const char* name) {
  const fs::path plain = fs::path(root) / "mnist" / name;
  const fs::path gzip = plain.string() + ".gz";
  std::error_code error;
  return !fs::exists(gzip, error) && fs::exists(plain, error) ? plain.string() : gzip.string();
}

std::string Describe(const std::vector<uint32_t>& dims) {
  if (dims.size() == 1) return absl::StrCat(dims[0], " labels");
  return absl::StrCat(dims[0], " images of ", dims[1], "x", dims[2]);
}

// SHA-256 of what a gzip file holds, or of the file itself if it is not gzip.
absl::StatusOr<std::string> Sha256OfContent(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": can't be read"));
  Sha256 hash;
  std::vector<char> chunk(1 << 18);
  while (true) {
    const int got = gzread(file.get(), chunk.data(), static_cast<unsigned>(chunk.size()));
    int code = Z_OK;
    gzerror(file.get(), &code);
    if (got < 0 || code == Z_BUF_ERROR) {
      return absl::DataLossError(absl::StrCat(path, ": damaged gzip file"));
    }
    if (got == 0) return hash.Finish();
    hash.Update(absl::string_view(chunk.data(), static_cast<std::size_t>(got)));
  }
}

CheckedFile CheckMnist(const std::string& root, const MnistFile& expected) {
  const std::string path = MnistPath(root, expected.name);
  CheckedFile row;
  row.path = fs::relative(path, root).string();
  std::error_code error;
  if (!fs::exists(path, error)) {
    row.verdict = "missing";
    return row;
  }
  row.bytes = fs::file_size(path, error);
  const auto sha256 = Sha256OfFile(path);
  const auto array = ReadIdx(path, expected.rank);
  if (sha256.ok()) row.sha256 = *sha256;
  if (!sha256.ok() || !array.ok()) {
    row.verdict = std::string((sha256.ok() ? array.status() : sha256.status()).message());
    return row;
  }
  row.what = Describe(array->dims);
  const auto content = Sha256OfContent(path);
  row.ok = content.ok() && *content == expected.content_sha256;
  row.verdict = row.ok ? "ok" : kDiffers;
  return row;
}

// Reads every recording; fills in what was found and returns the first fault.
absl::Status ReadRecordings(const std::string& dir, CheckedFile* row) {
  ASSIGN_OR_RETURN(const std::vector<RecordingName> names, ListRecordings(dir));
  std::string list;
  int64_t test = 0;
  absl::Status first_fault;
  for (const RecordingName& name : names) {
    const std::string path = (fs::path(dir) / name.file).string();
    const auto wave = ReadWav(path, kSampleRate);
    first_fault.Update(wave.status());
    ASSIGN_OR_RETURN(const std::string sha256, Sha256OfFile(path));
    absl::StrAppend(&list, sha256, "  ", name.file, "\n");
    std::error_code error;
    row->bytes += fs::file_size(path, error);
    test += name.split() == Split::kTest;
  }
  row->sha256 = Sha256Hex(list);
  row->what =
      absl::StrCat(names.size(), " recordings, ", kSampleRate, " Hz, mono: ", names.size() - test,
                   " for training, ", test, " for the test");
  if (!first_fault.ok()) row->what = absl::StrCat(names.size(), " recordings");
  return first_fault;
}

CheckedFile CheckRecordings(const std::string& root) {
  CheckedFile row;
  row.path = "fsdd/recordings";
  std::error_code error;
  if (!fs::exists(RecordingsDir(root), error)) {
    row.verdict = "missing";
    return row;
  }
  const absl::Status status = ReadRecordings(RecordingsDir(root), &row);
  row.ok = status.ok() && row.sha256 == kRecordingsSha256;
  row.verdict = row.ok ? "ok" : status.ok() ? kDiffers : std::string(status.message());
  return row;
}

absl::StatusOr<int64_t> MnistSize(const std::string& root, Split split) {
  ASSIGN_OR_RETURN(const std::vector<uint32_t> dims, ReadIdxDims(LabelsPath(root, split), 1));
  return dims[0];
}

}  // namespace

std::string RecordingsDir(const std::string& root) {
  return (fs::path(root) / "fsdd" / "recordings").string();
}

std::string ImagesPath(const std::string& root, Split split) {
  return MnistPath(root, kMnistFiles[split == Split::kTrain ? 0 : 2].name);
}

std::string LabelsPath(const std::string& root, Split split) {
  return MnistPath(root, kMnistFiles[split == Split::kTrain ? 1 : 3].name);
}

absl::StatusOr<int64_t> UsedSamples(int wanted, int64_t available, Split split) {
  if (wanted < 0 || wanted > available) {
    const char* key = split == Split::kTrain ? "data.train_samples" : "data.test_samples";
    return absl::InvalidArgumentError(
        absl::StrCat(key, ": ", wanted, ", expected 0 (all) to ", available));
  }
  return wanted == 0 ? available : wanted;
}

absl::StatusOr<SplitSizes> ReadSplitSizes(const DataOptions& options) {
  SplitSizes sizes;
  if (options.source == DataSource::kSynthetic) {
    // Generated: as many as are asked for.
    sizes.train = options.train_samples > 0 ? options.train_samples : kSyntheticTrain;
    sizes.test = options.test_samples > 0 ? options.test_samples : kSyntheticTest;
    return sizes;
  }
  SampleCounts available;
  if (const DataSetExtension* extension = ExtensionOf(options.source); extension != nullptr) {
    ASSIGN_OR_RETURN(available, extension->count(options));
    if (available.train < 1 || available.test < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("data set ", extension->name, ": ", available.train, " training and ",
                       available.test, " test samples; expected at least one of each"));
    }
  } else {
    ASSIGN_OR_RETURN(available.train, MnistSize(options.root, Split::kTrain));
    ASSIGN_OR_RETURN(available.test, MnistSize(options.root, Split::kTest));
  }
  ASSIGN_OR_RETURN(sizes.train, UsedSamples(options.train_samples, available.train, Split::kTrain));
  ASSIGN_OR_RETURN(sizes.test, UsedSamples(options.test_samples, available.test, Split::kTest));
  return sizes;
}

absl::StatusOr<std::vector<CheckedFile>> CheckFolder(const std::string& dir) {
  std::error_code error;
  if (!fs::is_directory(dir, error)) {
    return absl::NotFoundError(absl::StrCat(dir, ": no such folder"));
  }
  std::vector<CheckedFile> rows;
  for (const MnistFile& file : kMnistFiles) rows.push_back(CheckMnist(dir, file));
  rows.push_back(CheckRecordings(dir));
  return rows;
}

}  // namespace semlink::data
