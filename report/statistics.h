// Means over seeds with their 95 % intervals.
#ifndef SEMLINK_REPORT_STATISTICS_H_
#define SEMLINK_REPORT_STATISTICS_H_

#include <limits>
#include <vector>

namespace semlink::report {

// Stands for a number that is not there.
inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// The 0.975 quantile of Student's t with that many degrees of freedom (1 or more).
double StudentT975(int degrees);

struct Estimate {
  double mean = kNone;
  // Half width of the 95 % interval of the mean, by Student's t; NaN for fewer than two values.
  double half = kNone;
  int n = 0;
};

// Of independent values. NaNs are left out.
Estimate MeanWithInterval(const std::vector<double>& values);

// NaNs are left out; NaN if nothing is left.
double MeanOf(const std::vector<double>& values);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_STATISTICS_H_
