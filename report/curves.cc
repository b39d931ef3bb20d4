#include "report/curves.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "report/results.h"
#include "report/series.h"
#include "report/statistics.h"

namespace semlink::report {
namespace {

constexpr int kCurvePoints = 60, kPlanePoints = 36, kTableRows = 8;

struct CurveKind {
  Quantity quantity;
  std::string id, title, unit;
  double low = kNone;
  double high = kNone;
};

// The receivers' tasks differ between groups only if somebody mixes scenarios: named by the first.
std::vector<CurveKind> KindsOf(const std::vector<Group>& groups) {
  size_t receivers = 0;
  for (const Group& group : groups) receivers = std::max(receivers, group.first().tasks.size());
  std::vector<CurveKind> kinds;
  const auto per_receiver = [&](const char* key, const char* title, const char* unit, double scale,
                                double low, double high) {
    for (size_t t = 0; t < receivers; ++t) {
      const std::vector<std::string>& tasks = groups.front().first().tasks;
      const std::string task = t < tasks.size() ? absl::StrCat(": ", tasks[t]) : "";
      kinds.push_back({{key, static_cast<int>(t), scale},
                       absl::StrCat("curve-", key, "-", t + 1),
                       absl::StrCat(title, ", receiver ", t + 1, task),
                       unit,
                       low,
                       high});
    }
  };
  per_receiver("accuracy", "Accuracy", "%", 100, 0, 100);
  per_receiver("mpjpe_mm", "MPJPE", "mm", 1, 0, kNone);
  per_receiver("loss", "Loss", "nats", 1, kNone, kNone);
  kinds.push_back({{"rate_nats", -1, 1}, "curve-rate", "Sum-rate", "nats per sample", 0, kNone});
  kinds.push_back({{"links_total", -1, 1}, "curve-links", "Links per round", "links", 0, kNone});
  kinds.push_back({{"log_likelihood", -1, 1},
                   "curve-likelihood",
                   "Log-likelihood of the selection (eq. 26)",
                   "nats²",
                   kNone,
                   kNone});
  per_receiver("log_likelihood", "Log-likelihood of the selection", "nats²", 1, kNone, kNone);
  per_receiver("selection_entropy", "Entropy of the selection", "nats", 1, 0, kNone);
  return kinds;
}

std::string RunsOf(const Group& group) {
  return group.runs.size() == 1 ? "1 seed" : absl::StrCat(group.runs.size(), " seeds");
}

// Evenly spaced points and the last one: a table of all would be long.
std::vector<size_t> Sampled(size_t n) {
  std::vector<size_t> chosen;
  const size_t step = std::max<size_t>(1, (n + kTableRows - 1) / kTableRows);
  for (size_t i = 0; i < n; i += step) chosen.push_back(i);
  if (n > 0 && chosen.back() != n - 1) chosen.push_back(n - 1);
  return chosen;
}

int DigitsFor(const std::string& unit) { return unit == "%" || unit == "mm" ? 2 : 3; }

// The point of that bin, or nullptr: bins without a figure have none.
const Point* PointAt(const std::vector<Point>& points, const Bin& bin) {
  const auto found = std::find_if(points.begin(), points.end(),
                                  [&](const Point& point) { return point.bin.first == bin.first; });
  return found == points.end() ? nullptr : &*found;
}

ReportTable TableOf(const CurveKind& kind, const std::vector<Group>& groups,
                    const std::vector<Bin>& bins, const std::vector<std::vector<Point>>& curves) {
  ReportTable table = EmptyTable(kind.id, kind.title, "windows", {});
  for (const Group& group : groups) table.columns.push_back({group.label, kind.unit});
  for (const size_t i : Sampled(bins.size())) {
    Row row;
    row.head = bins[i].first == bins[i].last ? absl::StrCat(bins[i].first)
                                             : absl::StrCat(bins[i].first, "–", bins[i].last);
    for (const std::vector<Point>& curve : curves) {
      const Point* point = PointAt(curve, bins[i]);
      row.cells.push_back(point == nullptr
                              ? TextCell("-")
                              : NumberCell(point->y, DigitsFor(kind.unit), point->source));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

// All lines of the runs.
std::string WholeSource(const Group& group, const std::string& pointer) {
  std::string source;
  for (const RunData* run : group.runs) {
    const std::string of_run = SourceOf(*run, {0, run->windows.size()}, pointer);
    if (!of_run.empty()) absl::StrAppend(&source, source.empty() ? "" : "; ", of_run);
  }
  return source;
}

Picture Curve(const CurveKind& kind, const std::vector<Group>& groups,
              const std::vector<Bin>& bins) {
  Picture picture;
  picture.plot.id = kind.id;
  picture.plot.title = kind.title;
  picture.plot.x_label = "window";
  picture.plot.y_label = kind.unit;
  picture.plot.y_low = kind.low;
  picture.plot.y_high = kind.high;
  std::string ends;
  std::vector<std::vector<Point>> curves;
  for (size_t g = 0; g < groups.size(); ++g) {
    curves.push_back(SeriesOf(groups[g].runs, kind.quantity, bins));
    if (curves.back().empty()) continue;
    PlotSeries series;
    series.label = absl::StrCat(groups[g].label, " (", RunsOf(groups[g]), ")");
    series.style = static_cast<int>(g);
    series.band = groups[g].runs.size() > 1;
    series.source = WholeSource(groups[g], kind.quantity.pointer());
    for (const Point& point : curves.back()) {
      series.points.push_back({point.x, point.y.mean, 0, point.y.half, "", ""});
    }
    const Point& last = curves.back().back();
    absl::StrAppend(&ends, " ", groups[g].label, " ends at ",
                    FormatEstimate(last.y.mean, last.y.half, DigitsFor(kind.unit)), ".");
    picture.plot.series.push_back(std::move(series));
  }
  const int64_t width = bins.empty() ? 1 : bins.front().last - bins.front().first + 1;
  picture.plot.description = absl::StrCat("Over the training windows, means over ", width,
                                          width == 1 ? " window" : " windows",
                                          "; bands are 95 % intervals over the seeds.", ends);
  picture.table = TableOf(kind, groups, bins, curves);
  return picture;
}

// Sum-rate to the right, N-CE upwards; its table is not begun.
Picture EmptyPlane(const std::string& id, const std::string& title,
                   const std::string& description) {
  Picture picture;
  picture.plot.id = id;
  picture.plot.title = title;
  picture.plot.description = description;
  picture.plot.x_label = "sum-rate, nats per sample";
  picture.plot.y_label = "N-CE, nats";
  return picture;
}

// A run's way through the plane.
PlotSeries Trajectory(const Group& group, const RunData& run, int style,
                      const std::vector<Bin>& bins, ReportTable* table) {
  const std::vector<Point> rates = SeriesOf({&run}, {"rate_nats", -1, 1}, bins);
  const std::vector<Point> relevances = SeriesOf({&run}, {"nce", -1, 1}, bins);
  PlotSeries series;
  series.label = group.label;  // once in the legend: its seeds look alike
  series.marker_size = 0.5;
  series.style = style;
  series.markers = true;
  std::vector<Row> rows;
  for (const Point& rate : rates) {
    const Point* nce = PointAt(relevances, rate.bin);
    if (nce == nullptr) continue;
    series.points.push_back({rate.y.mean, nce->y.mean, 0, 0,
                             absl::StrCat(run.name, ", windows ", rate.bin.first, " to ",
                                          rate.bin.last, ": ", FormatEstimate(rate.y.mean, NAN, 1),
                                          " nats, N-CE ", FormatEstimate(nce->y.mean, NAN, 3)),
                             absl::StrCat(rate.source, "; ", nce->source)});
    Row row;
    row.head = run.name;
    row.cells = {TextCell(absl::StrCat(rate.bin.first, "–", rate.bin.last)),
                 NumberCell(rate.y, 2, rate.source), NumberCell(nce->y, 3, nce->source)};
    rows.push_back(std::move(row));
  }
  for (const size_t i : Sampled(rows.size())) table->rows.push_back(std::move(rows[i]));
  return series;
}

PlotPoint Relevance(const Group& group, const Cell& rate, const Cell& nce) {
  return {*rate.value,
          *nce.value,
          rate.half,
          nce.half,
          absl::StrCat(group.label, ": ", rate.text, " nats, N-CE ", nce.text),
          absl::StrCat(rate.source, "; ", nce.source)};
}

// In the colour of our points of that method.
void AddPublishedPoints(const std::vector<Group>& groups,
                        const std::map<std::string, int>& style_of_method, Picture* picture) {
  std::set<const PublishedRow*> shown;
  for (const Group& group : groups) {
    const PublishedRow* published = PublishedFor(group);
    if (published == nullptr || group.finished.empty() || !shown.insert(published).second) continue;
    PlotSeries series;
    series.label = absl::StrCat(published->method, " (", published->setting, "), published");
    const auto style = style_of_method.find(published->method);
    series.style = style == style_of_method.end() ? 0 : style->second;
    series.line = false;
    series.markers = series.crosses = series.hollow = true;
    const Printed &rate = published->rate_nats, &nce = published->nce;
    series.points.push_back({rate.value, nce.value, rate.half, nce.half,
                             absl::StrCat(series.label, ": ", FormatEstimate(rate.value, NAN, 2),
                                          " nats, N-CE ", FormatEstimate(nce.value, NAN, 2)),
                             published->citation});
    Row row;
    row.head = absl::StrCat(series.label, ": ", published->citation);
    row.published = true;
    row.cells = {TextCell("-"), TextCell("-"), PublishedCell(rate, 2, published->citation),
                 PublishedCell(nce, 2, published->citation)};
    picture->table.rows.push_back(std::move(row));
    picture->plot.series.push_back(std::move(series));
  }
}

}  // namespace

std::vector<Picture> TrainingCurves(const std::vector<Group>& groups) {
  std::vector<Picture> pictures;
  const std::vector<Bin> bins = EqualBins(MostWindows(groups), kCurvePoints);
  if (bins.empty()) return pictures;
  for (const CurveKind& kind : KindsOf(groups)) {
    if (HasQuantity(groups, kind.quantity)) pictures.push_back(Curve(kind, groups, bins));
  }
  return pictures;
}

Picture InformationPlane(const std::vector<Group>& groups) {
  Picture picture = EmptyPlane(
      "information-plane", "Information plane",
      "Trajectories of the training: sum-rate to the right, negative cross-entropy upwards. The "
      "markers lie closer where the training is slower; the first windows are averaged least.");
  picture.table = EmptyTable(picture.plot.id, picture.plot.title, "run",
                             {{"windows", ""}, {"sum-rate", "nats"}, {"N-CE", "nats"}});
  const std::vector<Bin> bins = GrowingBins(MostWindows(groups), kPlanePoints);
  for (size_t g = 0; g < groups.size(); ++g) {
    for (const RunData* run : groups[g].runs) {
      PlotSeries series = Trajectory(groups[g], *run, static_cast<int>(g), bins, &picture.table);
      if (!series.points.empty()) picture.plot.series.push_back(std::move(series));
    }
  }
  return picture;
}

Picture RateRelevance(const std::vector<Group>& groups) {
  Picture picture = EmptyPlane(
      "rate-relevance", "Rate and relevance of the trained models",
      "One point per method and setting, with 95 % intervals over the seeds in both directions. "
      "Outlined points are the published ones. Further to the upper left is better.");
  picture.table = EmptyTable(picture.plot.id, picture.plot.title, "method",
                             {{"beta", ""}, {"seeds", ""}, {"sum-rate", "nats"}, {"N-CE", "nats"}});
  std::map<std::string, size_t> curve_of;
  std::map<std::string, int> style_of_method;
  for (const Group& group : groups) {
    const Cell rate = SummaryCell(group, "/rate_nats", 2), nce = SummaryCell(group, "/nce", 3);
    if (!rate.value.has_value() || !nce.value.has_value()) continue;
    // Groups that are alike but for beta belong to one curve.
    const auto [found, added] =
        curve_of.emplace(SettingKey(group.first(), "training.beta"), picture.plot.series.size());
    if (added) {
      PlotSeries series;
      series.label = group.label;
      series.style = static_cast<int>(curve_of.size()) - 1;
      series.markers = series.crosses = true;
      style_of_method.emplace(group.method(), series.style);
      if (const PublishedRow* row = PublishedFor(group))
        style_of_method.emplace(row->method, series.style);
      picture.plot.series.push_back(std::move(series));
    }
    PlotSeries& series = picture.plot.series[found->second];
    if (!added) series.label = absl::StrCat(group.method(), " over beta");
    series.points.push_back(Relevance(group, rate, nce));
    Row row;
    row.head = group.label;
    row.cells = {TextCell(group.first().Value("training.beta")),
                 TextCell(absl::StrCat(group.finished.size())), rate, nce};
    picture.table.rows.push_back(std::move(row));
  }
  for (PlotSeries& series : picture.plot.series) {
    std::sort(series.points.begin(), series.points.end(),
              [](const PlotPoint& a, const PlotPoint& b) { return a.x < b.x; });
    series.line = series.points.size() > 1;
  }
  AddPublishedPoints(groups, style_of_method, &picture);
  return picture;
}

}  // namespace semlink::report
