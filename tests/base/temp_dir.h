// A folder that lives as long as the object.
#ifndef SEMLINK_TESTS_BASE_TEMP_DIR_H_
#define SEMLINK_TESTS_BASE_TEMP_DIR_H_

#include <stdlib.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace semlink {

// Needs no GoogleTest: the fuzzers use it too.
class TempDir {
 public:
  TempDir() : path_(std::filesystem::temp_directory_path() / "semlink-test-XXXXXX") {
    if (mkdtemp(path_.data()) != nullptr) return;
    std::perror(path_.c_str());
    std::abort();
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace semlink

#endif  // SEMLINK_TESTS_BASE_TEMP_DIR_H_
