#include "common/base/resource_usage.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

#include "common/base/rng.h"

namespace semlink {
namespace {

void Work(double seconds) {
  RandomStream stream(1, Purpose::kSynthetic);
  volatile uint32_t sink = 0;
  const double start = ProcessCpuSeconds();
  while (ProcessCpuSeconds() - start < seconds) {
    for (int i = 0; i < 1000; ++i) sink = sink + stream.NextU32();
  }
}

TEST(ResourceUsageTest, CpuTimeCountsWorkOfEveryThread) {
  const double before = ProcessCpuSeconds();
  std::thread worker([] { Work(0.02); });
  worker.join();
  EXPECT_GE(ProcessCpuSeconds() - before, 0.02);
}

TEST(ResourceUsageTest, CpuTimeDoesNotCountSleep) {
  const double before = ProcessCpuSeconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LT(ProcessCpuSeconds() - before, 0.1);
}

TEST(ResourceUsageTest, PeakMemoryGrowsWithUseAndStays) {
  constexpr size_t kSize = size_t{64} << 20;
  const uint64_t before = PeakRssBytes();
  EXPECT_GT(before, uint64_t{1} << 20);
  {
    const std::unique_ptr<char[]> block(new char[kSize]);
    std::memset(block.get(), 1, kSize);
    volatile char sink = block[kSize / 2];
    (void)sink;
  }
  const uint64_t after = PeakRssBytes();
  EXPECT_GT(after, before + kSize / 2);
  EXPECT_LT(after, before + 4 * kSize);
}

}  // namespace
}  // namespace semlink
