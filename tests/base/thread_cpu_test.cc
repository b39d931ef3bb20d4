#include "common/base/thread_cpu.h"

#include <gtest/gtest.h>

namespace semlink {
namespace {

void Burn(double seconds) {
  const double end = ThreadCpuSeconds() + seconds;
  while (ThreadCpuSeconds() < end) {
  }
}

TEST(CpuMeterTest, CanBeReadInsideTheScopeThatItMeasures) {
  CpuMeter meter;
  const CpuMeter::Scope scope(&meter);
  Burn(0.01);
  EXPECT_GE(meter.Take(), 0.01);
}

TEST(CpuMeterTest, AddsScopesAndNothingBetweenThem) {
  CpuMeter meter;
  for (int i = 0; i < 3; ++i) {
    {
      const CpuMeter::Scope scope(&meter);
      Burn(0.005);
    }
    Burn(0.05);
  }
  const CpuMeter::Scope scope(&meter);
  const double taken = meter.Take();
  EXPECT_GE(taken, 0.015);
  EXPECT_LT(taken, 0.05);
}

TEST(CpuMeterTest, WorkAfterTakeCountsForTheNext) {
  CpuMeter meter;
  {
    const CpuMeter::Scope scope(&meter);
    Burn(0.05);
    meter.Take();
    Burn(0.005);
  }
  const CpuMeter::Scope scope(&meter);
  const double taken = meter.Take();
  EXPECT_GE(taken, 0.005);
  EXPECT_LT(taken, 0.05);
}

}  // namespace
}  // namespace semlink
