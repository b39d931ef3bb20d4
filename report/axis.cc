#include "report/axis.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace semlink::report {

std::string Axis::Label(double tick) const {
  const double magnitude = std::max(std::abs(low), std::abs(high));
  if (magnitude >= 1e7 || digits > 6) return absl::StrFormat("%.3g", tick);
  const std::string text = absl::StrFormat("%.*f", digits, std::abs(tick));
  const bool zero = text.find_first_not_of("0.") == std::string::npos;
  return tick < 0 && !zero ? "\u2212" + text : text;
}

Axis MakeAxis(double low, double high, int ticks) {
  if (!std::isfinite(low) || !std::isfinite(high) || std::abs(low) > 1e300 ||
      std::abs(high) > 1e300) {
    low = 0;
    high = 1;
  }
  if (low > high) std::swap(low, high);
  // A range that is nothing beside the numbers themselves can't be drawn.
  const double least = std::max(1e-9 * std::max(std::abs(low), std::abs(high)), 1e-12);
  if (high - low < least) {
    const double pad = std::max(0.5 * std::abs(high), least) * 0.1 + least;
    low -= pad;
    high += pad;
  }
  const double rough = (high - low) / std::max(ticks, 1);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = power;
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    step = factor * power;
    if (step >= rough * 0.999) break;
  }
  Axis axis;
  const double first = std::floor(low / step + 1e-6), last = std::ceil(high / step - 1e-6);
  axis.low = first * step;
  axis.high = last * step;
  for (double i = first; i <= last; ++i) axis.ticks.push_back(i * step);
  axis.digits = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  return axis;
}

}  // namespace semlink::report
