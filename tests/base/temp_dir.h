// A folder that lives as long as the object.
#ifndef SEMLINK_TESTS_BASE_TEMP_DIR_H_
#define SEMLINK_TESTS_BASE_TEMP_DIR_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace semlink::testing {

class TempDir {
 public:
  TempDir() : path_(::testing::TempDir() + "semlink_test_XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "can't create " << path_;
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

}  // namespace semlink::testing

#endif  // SEMLINK_TESTS_BASE_TEMP_DIR_H_
