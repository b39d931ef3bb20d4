// Commands that people can copy into a shell.
#ifndef SEMLINK_COMMON_BASE_SHELL_H_
#define SEMLINK_COMMON_BASE_SHELL_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace semlink {

// One word for a POSIX shell: as it is if that is safe, else in single quotes.
inline std::string ShellQuoted(const std::string& text) {
  const bool plain = text.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                         "_-./=+:,@") == std::string::npos;
  if (plain && !text.empty()) return text;
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_SHELL_H_
