#include "cli/live_text.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace semlink::cli {
namespace {

// At most `columns` characters of a UTF-8 text.
std::string Cut(const std::string& line, int columns) {
  size_t end = 0;
  for (int shown = 0; end < line.size() && shown < columns; ++shown) {
    do ++end;
    while (end < line.size() && (line[end] & 0xC0) == 0x80);
  }
  return line.substr(0, end);
}

}  // namespace

LiveText LiveText::OnStandardOutput() {
  winsize size = {};
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  if (!terminal) return LiveText(std::cout, Terminal{});
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
  return LiveText(std::cout, known ? Terminal{size.ws_row, size.ws_col} : Terminal{24, 80});
}

void LiveText::Show(const std::string& text) {
  if (terminal_.rows == 0) {
    out_ << (first_ ? "" : "\n") << text << std::flush;
    first_ = false;
    return;
  }
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  // The cursor stands on a line of its own below.
  const size_t room = static_cast<size_t>(std::max(terminal_.rows - 1, 1));
  if (lines.size() > room) {
    const size_t left_out = lines.size() - room + 1;
    lines.resize(room - 1);
    lines.push_back(absl::StrCat("... and ", left_out, " lines more: make the terminal higher"));
  }
  std::string frame;
  if (shown_ > 0) absl::StrAppend(&frame, "\x1b[", shown_, "A");  // up
  for (const std::string& line : lines) {
    absl::StrAppend(&frame, "\r", Cut(line, terminal_.columns), "\x1b[K\n");
  }
  absl::StrAppend(&frame, "\x1b[J");  // what was longer before
  out_ << frame << std::flush;
  shown_ = static_cast<int>(lines.size());
}

}  // namespace semlink::cli
