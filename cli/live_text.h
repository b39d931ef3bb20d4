// Shows a text of several lines that changes: in place on a terminal, one after the other
// elsewhere.
#ifndef SEMLINK_CLI_LIVE_TEXT_H_
#define SEMLINK_CLI_LIVE_TEXT_H_

#include <ostream>
#include <string>

namespace semlink::cli {

class LiveText {
 public:
  struct Terminal {
    int rows = 0;  // 0: no terminal
    int columns = 0;
  };

  // `out` must outlive the object.
  LiveText(std::ostream& out, const Terminal& terminal) : out_(out), terminal_(terminal) {}
  // With the size of the terminal, if standard output is one.
  static LiveText OnStandardOutput();

  // Replaces what was shown before. On a terminal, lines are cut at its width, and those that it
  // has no room for are left out.
  void Show(const std::string& text);

 private:
  std::ostream& out_;
  Terminal terminal_;
  int shown_ = 0;  // lines on the terminal
  bool first_ = true;
};

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_LIVE_TEXT_H_
