#include "cli/progress_printer.h"

#include <gtest/gtest.h>

#include "tests/cli/files.h"

namespace semlink::cli {
namespace {

class ProgressPrinterTest : public testing::Test {
 protected:
  ProgressPrinterTest() : file_(std::fopen((folder_ / "out").c_str(), "w")) {}
  ~ProgressPrinterTest() override { std::fclose(file_); }
  std::string Printed() { return ReadText(folder_ / "out"); }

  TempDir folder_;
  std::FILE* file_;
  FakeClock clock_;
};

TEST_F(ProgressPrinterTest, RewritesTheLineOnATerminal) {
  ProgressPrinter printer(file_, true, 20, &clock_);
  printer.Show("one");
  printer.Show("one");
  printer.Show("a line that is far too long");
  printer.Finish();
  EXPECT_EQ(Printed(), "\r\x1b[Kone\r\x1b[Ka line that is far \n");
}

TEST_F(ProgressPrinterTest, PrintsALineEveryFewSecondsElsewhere) {
  ProgressPrinter printer(file_, false, 20, &clock_);
  printer.Show("one");
  clock_.Advance(absl::Seconds(1));
  printer.Show("two");
  clock_.Advance(absl::Seconds(5));
  printer.Show("a line that is far too long");
  printer.Finish();
  EXPECT_EQ(Printed(), "one\na line that is far too long\n");
}

}  // namespace
}  // namespace semlink::cli
