#include "cli/port_file.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "tests/cli/files.h"

namespace semlink::cli {
namespace {

TEST(PortFileTest, HoldsAPortOrAnAddress) {
  TempDir run;
  EXPECT_EQ(ReadCoordinatorAddress(run.path()).status().code(), absl::StatusCode::kNotFound);
  WriteText(PortFile(run.path()), "4711\n");
  EXPECT_EQ(*ReadCoordinatorAddress(run.path()), "127.0.0.1:4711");
  WriteText(PortFile(run.path()), "10.0.0.5:4711");
  EXPECT_EQ(*ReadCoordinatorAddress(run.path()), "10.0.0.5:4711");
  WriteText(PortFile(run.path()), "");
  EXPECT_FALSE(ReadCoordinatorAddress(run.path()).ok());
}

TEST(PortFileTest, FindsTheNewestRun) {
  TempDir runs;
  EXPECT_FALSE(FindNewestRun(runs.path()).ok());
  EXPECT_FALSE(FindNewestRun(runs / "missing").ok());
  for (const char* name : {"a", "b", "c"}) std::filesystem::create_directory(runs / name);
  WriteText(PortFile(runs / "a"), "1");
  WriteText(PortFile(runs / "b"), "2");  // c has none
  const auto later = std::filesystem::last_write_time(PortFile(runs / "b")) + std::chrono::hours(1);
  std::filesystem::last_write_time(PortFile(runs / "a"), later);
  EXPECT_EQ(*FindNewestRun(runs.path()), runs / "a");
}

}  // namespace
}  // namespace semlink::cli
