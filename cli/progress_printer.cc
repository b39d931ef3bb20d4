#include "cli/progress_printer.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace semlink::cli {
namespace {

constexpr absl::Duration kPlainInterval = absl::Seconds(5);

}  // namespace

ProgressPrinter ProgressPrinter::OnStandardError(Clock* clock) {
  winsize size = {};
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const bool known = terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return ProgressPrinter(stderr, terminal, known ? size.ws_col : 80, clock);
}

void ProgressPrinter::Show(const std::string& line) {
  if (line == shown_) return;
  if (terminal_) {
    // A line that is wider than the terminal could not be rewritten.
    std::fprintf(out_, "\r\x1b[K%s", line.substr(0, static_cast<size_t>(width_ - 1)).c_str());
  } else {
    if (clock_->Now() - shown_at_ < kPlainInterval) return;
    std::fprintf(out_, "%s\n", line.c_str());
  }
  std::fflush(out_);
  shown_ = line;
  shown_at_ = clock_->Now();
}

void ProgressPrinter::Finish() {
  if (terminal_ && !shown_.empty()) std::fprintf(out_, "\n");
  std::fflush(out_);
  shown_.clear();
}

}  // namespace semlink::cli
