// Shows a line of progress: rewritten in place on a terminal, repeated now and then anywhere else.
#ifndef SEMLINK_CLI_PROGRESS_PRINTER_H_
#define SEMLINK_CLI_PROGRESS_PRINTER_H_

#include <cstdio>
#include <string>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace semlink::cli {

class ProgressPrinter {
 public:
  // `terminal`: whether `out` is one. `width`: columns of the terminal. Neither pointer is owned.
  ProgressPrinter(std::FILE* out, bool terminal, int width, Clock* clock)
      : out_(out), terminal_(terminal), width_(width), clock_(clock) {}

  // On standard error, with the terminal's width.
  static ProgressPrinter OnStandardError(Clock* clock);

  void Show(const std::string& line);
  // Leaves the last line standing; what is printed next starts on a new line.
  void Finish();

 private:
  std::FILE* out_;
  bool terminal_;
  int width_;
  Clock* clock_;
  std::string shown_;
  absl::Duration shown_at_ = -absl::InfiniteDuration();
};

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_PROGRESS_PRINTER_H_
