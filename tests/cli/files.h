// Text files and scripts of tests.
#ifndef SEMLINK_TESTS_CLI_FILES_H_
#define SEMLINK_TESTS_CLI_FILES_H_

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/base/temp_dir.h"

namespace semlink::cli {

inline void WriteText(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string ReadText(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// An executable shell script.
inline void WriteScript(const std::string& path, const std::string& body) {
  WriteText(path, "#!/bin/sh\n" + body);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

}  // namespace semlink::cli

#endif  // SEMLINK_TESTS_CLI_FILES_H_
