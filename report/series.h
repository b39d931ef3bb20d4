// Figures over the windows of a run: means over bins of windows, and over seeds.
#ifndef SEMLINK_REPORT_SERIES_H_
#define SEMLINK_REPORT_SERIES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "report/groups.h"
#include "report/statistics.h"

namespace semlink::report {

// Something that every line of metrics.jsonl says.
struct Quantity {
  std::string key;    // of the line: "loss", "rate_nats"
  int receiver = -1;  // from 0; -1: one number for all
  double scale = 1;   // 100 for percent

  // NaN if the line does not have it. `key` "nce": minus the sum of the cross-entropies.
  // "log_likelihood" of all: the sum over the receivers.
  double Of(const WindowLine& line) const;
  std::string pointer() const;  // "/loss/0"
};

// The windows first..last (both included).
struct Bin {
  int64_t first = 0;
  int64_t last = 0;
  double middle() const { return 0.5 * static_cast<double>(first + last); }
};

// Covers the windows 0..windows-1 with at most `most` bins of the same width (the last may be
// narrower).
std::vector<Bin> EqualBins(int64_t windows, int most);
// Bins that get wider: the start of a training, where most happens, is seen finely.
std::vector<Bin> GrowingBins(int64_t windows, int most);

// The lines of a run that lie in a bin: indexes into RunData::windows, begin <= i < end.
struct LineRange {
  size_t begin = 0;
  size_t end = 0;
};
LineRange LinesOf(const RunData& run, const Bin& bin);
// "RUN/metrics.jsonl:12-31 POINTER"; "" if there are none.
std::string SourceOf(const RunData& run, const LineRange& lines, const std::string& pointer);

struct Point {
  double x = 0;  // window
  Estimate y;
  std::string source;
  Bin bin;
};

// Per bin the mean over each run's lines, then over the runs that have any. Bins without lines are
// left out.
std::vector<Point> SeriesOf(const std::vector<const RunData*>& runs, const Quantity& quantity,
                            const std::vector<Bin>& bins);

// The number of windows of the longest run.
int64_t MostWindows(const std::vector<Group>& groups);
// Whether any line of any run has it.
bool HasQuantity(const std::vector<Group>& groups, const Quantity& quantity);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_SERIES_H_
