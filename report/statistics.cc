#include "report/statistics.h"

#include <cmath>

namespace semlink::report {
namespace {

// Quantiles for 1 to 30 degrees of freedom.
constexpr double kT975[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060,
                            2.2622,  2.2281, 2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199,
                            2.1098,  2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639,
                            2.0595,  2.0555, 2.0518, 2.0484, 2.0452, 2.0423};
constexpr int kTabulated = sizeof(kT975) / sizeof(kT975[0]);
constexpr double kNormal = 1.959964;

}  // namespace

double StudentT975(int degrees) {
  if (degrees < 1) return kNone;
  if (degrees <= kTabulated) return kT975[degrees - 1];
  // Cornish-Fisher expansion around the normal quantile: four digits are right from 30 on.
  const double z = kNormal, v = degrees;
  return z + (z * z * z + z) / (4 * v) +
         (5 * std::pow(z, 5) + 16 * z * z * z + 3 * z) / (96 * v * v);
}

double MeanOf(const std::vector<double>& values) {
  double sum = 0;
  int n = 0;
  for (double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++n;
  }
  return n > 0 ? sum / n : kNone;
}

Estimate MeanWithInterval(const std::vector<double>& values) {
  Estimate estimate;
  estimate.mean = MeanOf(values);
  double squares = 0;
  for (double value : values) {
    if (std::isnan(value)) continue;
    ++estimate.n;
    squares += (value - estimate.mean) * (value - estimate.mean);
  }
  if (estimate.n >= 2) {
    const double n = estimate.n;
    estimate.half = StudentT975(estimate.n - 1) * std::sqrt(squares / (n - 1) / n);
  }
  return estimate;
}

}  // namespace semlink::report
