#include "report/series.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "report/statistics.h"

namespace semlink::report {
namespace {

// Over the receivers; NaN if the line does not have it.
double SumOf(const WindowLine& line, const std::string& key) {
  const auto found = line.per_receiver.find(key);
  if (found == line.per_receiver.end()) return kNone;
  return std::accumulate(found->second.begin(), found->second.end(), 0.0);
}

}  // namespace

double Quantity::Of(const WindowLine& line) const {
  if (key == "nce") return -SumOf(line, "cross_entropy");
  if (key == "log_likelihood" && receiver < 0) return scale * SumOf(line, key);
  if (receiver < 0) {
    const auto found = line.scalars.find(key);
    return found == line.scalars.end() ? kNone : scale * found->second;
  }
  const auto found = line.per_receiver.find(key);
  if (found == line.per_receiver.end() || receiver >= static_cast<int>(found->second.size())) {
    return kNone;
  }
  return scale * found->second[receiver];
}

std::string Quantity::pointer() const {
  if (key == "nce") return "/cross_entropy";
  return receiver < 0 ? absl::StrCat("/", key) : absl::StrCat("/", key, "/", receiver);
}

std::vector<Bin> EqualBins(int64_t windows, int most) {
  std::vector<Bin> bins;
  const int64_t width = std::max<int64_t>(1, (windows + most - 1) / std::max(most, 1));
  for (int64_t first = 0; first < windows; first += width) {
    bins.push_back({first, std::min(first + width, windows) - 1});
  }
  return bins;
}

std::vector<Bin> GrowingBins(int64_t windows, int most) {
  std::vector<Bin> bins;
  if (windows < 1) return bins;
  // Edges 0, 1, ... as powers of a common ratio, at least one window apart.
  const double ratio = std::pow(static_cast<double>(windows), 1.0 / std::max(most, 1));
  double edge = 1;
  for (int64_t first = 0; first < windows;) {
    edge *= ratio;
    const int64_t next = std::clamp<int64_t>(std::llround(edge), first + 1, windows);
    bins.push_back({first, next - 1});
    first = next;
  }
  return bins;
}

LineRange LinesOf(const RunData& run, const Bin& bin) {
  const auto before = [](const WindowLine& line, int64_t window) { return line.window < window; };
  const auto begin = std::lower_bound(run.windows.begin(), run.windows.end(), bin.first, before);
  const auto end = std::lower_bound(begin, run.windows.end(), bin.last + 1, before);
  return {static_cast<size_t>(begin - run.windows.begin()),
          static_cast<size_t>(end - run.windows.begin())};
}

std::string SourceOf(const RunData& run, const LineRange& lines, const std::string& pointer) {
  if (lines.begin >= lines.end) return "";
  const int first = run.windows[lines.begin].line, last = run.windows[lines.end - 1].line;
  std::string place = run.Place("metrics.jsonl", first);
  if (last != first) absl::StrAppend(&place, "-", last);
  return absl::StrCat(place, " ", pointer);
}

std::vector<Point> SeriesOf(const std::vector<const RunData*>& runs, const Quantity& quantity,
                            const std::vector<Bin>& bins) {
  std::vector<Point> points;
  for (const Bin& bin : bins) {
    std::vector<double> means;
    std::vector<std::string> sources;
    for (const RunData* run : runs) {
      const LineRange lines = LinesOf(*run, bin);
      std::vector<double> values;
      for (size_t i = lines.begin; i < lines.end; ++i) {
        values.push_back(quantity.Of(run->windows[i]));
      }
      const double mean = MeanOf(values);
      if (std::isnan(mean)) continue;
      means.push_back(mean);
      sources.push_back(SourceOf(*run, lines, quantity.pointer()));
    }
    if (means.empty()) continue;
    points.push_back({bin.middle(), MeanWithInterval(means), absl::StrJoin(sources, "; "), bin});
  }
  return points;
}

int64_t MostWindows(const std::vector<Group>& groups) {
  int64_t most = 0;
  for (const Group& group : groups) {
    for (const RunData* run : group.runs) {
      if (!run->windows.empty()) most = std::max(most, run->windows.back().window + 1);
    }
  }
  return most;
}

bool HasQuantity(const std::vector<Group>& groups, const Quantity& quantity) {
  for (const Group& group : groups) {
    for (const RunData* run : group.runs) {
      for (const WindowLine& line : run->windows) {
        if (!std::isnan(quantity.Of(line))) return true;
      }
    }
  }
  return false;
}

}  // namespace semlink::report
