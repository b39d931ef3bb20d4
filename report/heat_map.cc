#include "report/heat_map.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "report/markup.h"
#include "report/series.h"

namespace semlink::report {
namespace {

constexpr double kCell = 11, kGap = 8, kMapTop = 96, kMapLeft = 52, kMapHeight = 220;
constexpr int kLevels = 20;  // steps of the colour

struct HeatRow {
  Bin bin;
  LineRange lines;
  std::vector<double> share;  // [receiver * J + slot]
};

// The windows of each row.
std::vector<Bin> BinsOf(const RunData& run, int most) {
  if (most > 0) return EqualBins(run.windows.back().window + 1, most);
  std::vector<Bin> bins;
  for (const WindowLine& line : run.windows) bins.push_back({line.window, line.window});
  return bins;
}

std::vector<HeatRow> RowsOf(const RunData& run, int most) {
  std::vector<HeatRow> rows;
  for (const Bin& bin : BinsOf(run, most)) {
    HeatRow row{bin, LinesOf(run, bin), {}};
    if (row.lines.begin == row.lines.end) continue;
    for (int t = 0; t < run.T(); ++t) {
      for (int slot = 0; slot < run.J(); ++slot) {
        std::vector<double> shares;
        for (size_t i = row.lines.begin; i < row.lines.end; ++i) {
          const WindowLine& line = run.windows[i];
          if (!line.selection.empty()) shares.push_back(line.selection[t][slot]);
        }
        row.share.push_back(MeanOf(shares));
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

class HeatMap {
 public:
  HeatMap(const RunData& run, std::vector<HeatRow> rows)
      : run_(run), rows_(std::move(rows)), step_(kMapHeight / static_cast<double>(rows_.size())) {}

  double width() const { return Column(run_.T() - 1, run_.J()) + 4; }
  double height() const { return kMapTop + kMapHeight + 18; }

  // One path per strength of colour: small, and no seams between the rows.
  std::string Cells() const {
    std::vector<std::string> paths(kLevels + 1);
    for (int t = 0; t < run_.T(); ++t) {
      for (int slot = 0; slot < run_.J(); ++slot) AppendColumn(t, slot, &paths);
    }
    std::string out;
    for (int level = 1; level <= kLevels; ++level) {
      if (paths[level].empty()) continue;
      absl::StrAppend(&out, "<path class=\"heat\" fill-opacity=\"",
                      absl::StrFormat("%.2f", static_cast<double>(level) / kLevels), "\" d=\"",
                      paths[level], "\"/>");
    }
    return out;
  }

  std::string Frames() const {
    std::string out;
    for (int t = 0; t < run_.T(); ++t) {
      const double x = Column(t, 0), width = kCell * run_.J();
      absl::StrAppend(&out, "<path class=\"frame\" d=\"M", Coordinate(x), " ", Coordinate(kMapTop),
                      "h", Coordinate(width), "v", Coordinate(kMapHeight), "h", Coordinate(-width),
                      "z\"/><text class=\"xlab\" x=\"", Coordinate(x + width / 2), "\" y=\"12\">",
                      t + 1, " ", Escape(run_.tasks[t]), "</text>");
      for (int k = 0; k < run_.K(); ++k) out += Labels(t, k);
    }
    return out;
  }

  std::string Times() const {
    std::string out;
    for (const double share : {0.0, 0.5, 1.0}) {
      const size_t i = std::min(rows_.size() - 1,
                                static_cast<size_t>(share * static_cast<double>(rows_.size())));
      const double y = kMapTop + share * kMapHeight + (share == 0 ? 8 : share == 1 ? 0 : 4);
      absl::StrAppend(&out, "<text class=\"ylab\" x=\"", Coordinate(kMapLeft - 6), "\" y=\"",
                      Coordinate(y), "\">", share == 1 ? rows_[i].bin.last : rows_[i].bin.first,
                      "</text>");
    }
    return out;
  }

  // A title per row, over all its cells.
  std::string Titles() const {
    std::string out;
    for (size_t i = 0; i < rows_.size(); ++i) {
      const HeatRow& row = rows_[i];
      const std::string source = SourceOf(
          run_, row.lines,
          run_.windows[row.lines.begin].selection_granted ? "/link" : "/selection_probability");
      absl::StrAppend(&out, "<rect class=\"touch\" x=\"", Coordinate(kMapLeft), "\" y=\"",
                      absl::StrFormat("%.2f", kMapTop + step_ * static_cast<double>(i)),
                      "\" width=\"", Coordinate(width() - kMapLeft), "\" height=\"",
                      absl::StrFormat("%.2f", step_), "\"", Attribute("data-source", source),
                      "><title>windows ", row.bin.first, " to ", row.bin.last, "</title></rect>");
    }
    return out;
  }

 private:
  double Column(int t, int slot) const {
    return kMapLeft + t * (run_.J() * kCell + kGap) + slot * kCell;
  }

  int Level(const HeatRow& row, int t, int slot) const {
    const double share = row.share[t * run_.J() + slot];
    if (!std::isfinite(share) || share <= 0) return 0;
    return std::clamp(static_cast<int>(std::lround(share * kLevels)), 0, kLevels);
  }

  // Rows of one strength in a row are one rectangle.
  void AppendColumn(int t, int slot, std::vector<std::string>* paths) const {
    for (size_t i = 0; i < rows_.size();) {
      const int level = Level(rows_[i], t, slot);
      size_t end = i + 1;
      while (end < rows_.size() && Level(rows_[end], t, slot) == level) ++end;
      absl::StrAppend(&(*paths)[level], "M", Coordinate(Column(t, slot)), " ",
                      absl::StrFormat("%.2f", kMapTop + step_ * static_cast<double>(i)), "h",
                      Coordinate(kCell), "v",
                      absl::StrFormat("%.2f", step_ * static_cast<double>(end - i)), "h",
                      Coordinate(-kCell), "z");
      i = end;
    }
  }

  // The transmitter's number over its columns, the modalities' names upright.
  std::string Labels(int t, int k) const {
    std::string out;
    const int modalities = static_cast<int>(run_.modalities[k].size());
    const double left = Column(t, run_.Slot(k, 0)), right = left + kCell * modalities;
    absl::StrAppend(&out, "<text class=\"xlab small\" x=\"", Coordinate((left + right) / 2),
                    "\" y=\"26\">", k + 1, "</text>");
    if (k > 0) {
      absl::StrAppend(&out, "<path class=\"rule\" d=\"M", Coordinate(left), " 18V",
                      Coordinate(kMapTop + kMapHeight), "\"/>");
    }
    for (int m = 0; m < modalities; ++m) {
      absl::StrAppend(&out, "<text class=\"turned\" transform=\"translate(",
                      Coordinate(Column(t, run_.Slot(k, m)) + 0.75 * kCell), " ",
                      Coordinate(kMapTop - 4), ") rotate(-90)\">", Escape(run_.modalities[k][m]),
                      "</text>");
    }
    return out;
  }

  const RunData& run_;
  std::vector<HeatRow> rows_;
  double step_;
};

}  // namespace

std::string RenderHeatMap(const RunData& run, const std::string& id, int rows) {
  if (run.windows.empty() || run.J() == 0) return "";
  const bool any = std::any_of(run.windows.begin(), run.windows.end(),
                               [](const WindowLine& line) { return !line.selection.empty(); });
  if (!any) return "";
  const HeatMap map(run, RowsOf(run, rows));
  return absl::StrCat(
      "<svg class=\"natural\" width=\"", Coordinate(map.width()), "\" height=\"",
      Coordinate(map.height()), "\" viewBox=\"0 0 ", Coordinate(map.width()), " ",
      Coordinate(map.height()), "\" role=\"img\" aria-labelledby=\"", id, "-t ", id,
      "-d\"><title id=\"", id, "-t\">Selection of ", Escape(run.name), "</title><desc id=\"", id,
      "-d\">Share of the rounds in which each link was selected, from the first window at the top "
      "to window ",
      run.windows.back().window,
      " at the bottom. One chunk per receiver; in it one column per modality, grouped by "
      "transmitter. The table beside it has the end of the training in figures.</desc>",
      map.Cells(), map.Frames(), map.Times(), map.Titles(), "<text class=\"ylab\" x=\"",
      Coordinate(kMapLeft - 6), "\" y=\"", Coordinate(kMapTop - 8), "\">window</text></svg>\n");
}

}  // namespace semlink::report
