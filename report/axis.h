// Ticks that people would choose.
#ifndef SEMLINK_REPORT_AXIS_H_
#define SEMLINK_REPORT_AXIS_H_

#include <string>
#include <vector>

namespace semlink::report {

struct Axis {
  double low = 0;  // of the drawn range, low < high
  double high = 1;
  std::vector<double> ticks;  // multiples of 1, 2 or 5 times a power of ten, inside the range
  int digits = 0;             // decimals that tell the ticks apart

  // 0 at low, 1 at high.
  double Share(double value) const { return (value - low) / (high - low); }
  std::string Label(double tick) const;
};

// Covers low..high (swapped, equal or not finite is fine) with about `ticks` steps; the ends are
// ticks themselves.
Axis MakeAxis(double low, double high, int ticks);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_AXIS_H_
