#include "report/plot.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "report/axis.h"
#include "report/markup.h"

namespace semlink::report {
namespace {

// Room on the left for tick labels such as "-0.215" beside the axis's own.
constexpr double kWidth = 372, kHeight = 240, kLeft = 64, kRight = 352, kTop = 12, kBottom = 196;
constexpr int kColours = 8, kDashes = 4;

struct Frame {
  Axis x, y;
  double X(double value) const { return kLeft + x.Share(value) * (kRight - kLeft); }
  double Y(double value) const { return kBottom - y.Share(value) * (kBottom - kTop); }
};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void Take(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

Frame FrameOf(const Plot& plot) {
  Range x, y;
  for (const PlotSeries& series : plot.series) {
    for (const PlotPoint& point : series.points) {
      x.Take(point.x);
      y.Take(point.y);
      if (series.crosses) {
        x.Take(point.x - point.x_half);
        x.Take(point.x + point.x_half);
      }
      if (series.crosses || series.band) {
        y.Take(point.y - point.y_half);
        y.Take(point.y + point.y_half);
      }
    }
  }
  if (std::isfinite(plot.y_low)) y.low = std::max(y.low, plot.y_low);
  if (std::isfinite(plot.y_high)) y.high = std::min(y.high, plot.y_high);
  return {MakeAxis(x.low, x.high, 5), MakeAxis(y.low, y.high, 5)};
}

std::string Grid(const Frame& frame, const Plot& plot) {
  std::string out = "<g class=\"grid\">";
  for (const double tick : frame.y.ticks) {
    const std::string y = Coordinate(frame.Y(tick));
    absl::StrAppend(&out, "<path d=\"M", Coordinate(kLeft), " ", y, "H", Coordinate(kRight),
                    "\"/><text class=\"ylab\" x=\"", Coordinate(kLeft - 5), "\" y=\"", y, "\">",
                    Escape(frame.y.Label(tick)), "</text>");
  }
  for (const double tick : frame.x.ticks) {
    const std::string x = Coordinate(frame.X(tick));
    absl::StrAppend(&out, "<path d=\"M", x, " ", Coordinate(kBottom),
                    "v4\"/><text class=\"xlab\" x=\"", x, "\" y=\"", Coordinate(kBottom + 16),
                    "\">", Escape(frame.x.Label(tick)), "</text>");
  }
  absl::StrAppend(&out, "</g><text class=\"xlab\" x=\"", Coordinate((kLeft + kRight) / 2),
                  "\" y=\"", Coordinate(kHeight - 8), "\">", Escape(plot.x_label), "</text>");
  absl::StrAppend(&out, "<text class=\"xlab\" transform=\"translate(12 ",
                  Coordinate((kTop + kBottom) / 2), ") rotate(-90)\">", Escape(plot.y_label),
                  "</text>");
  return out;
}

double Clamped(double value, const Axis& axis) { return std::clamp(value, axis.low, axis.high); }

// There along the upper edge, back along the lower one.
std::string Band(const Frame& frame, const PlotSeries& series) {
  std::string out, back;
  const auto flush = [&] {
    if (!out.empty()) out += back + "Z";
    back.clear();
  };
  std::string all;
  for (const PlotPoint& point : series.points) {
    if (!std::isfinite(point.y) || !std::isfinite(point.y_half)) {
      flush();
      all += out;
      out.clear();
      continue;
    }
    const std::string x = Coordinate(frame.X(point.x));
    absl::StrAppend(&out, out.empty() ? "M" : "L", x, " ",
                    Coordinate(frame.Y(Clamped(point.y + point.y_half, frame.y))));
    back = absl::StrCat("L", x, " ", Coordinate(frame.Y(Clamped(point.y - point.y_half, frame.y))),
                        back);
  }
  flush();
  all += out;
  if (all.empty()) return "";
  return absl::StrCat("<path class=\"band ", StyleClasses(series.style), "\" d=\"", all, "\"/>");
}

std::string Line(const Frame& frame, const PlotSeries& series) {
  std::string d;
  bool open = false;
  for (const PlotPoint& point : series.points) {
    if (!std::isfinite(point.x) || !std::isfinite(point.y)) {
      open = false;
      continue;
    }
    absl::StrAppend(&d, open ? "L" : "M", Coordinate(frame.X(point.x)), " ",
                    Coordinate(frame.Y(Clamped(point.y, frame.y))));
    open = true;
  }
  if (d.empty()) return "";
  return absl::StrCat("<path class=\"line ", StyleClasses(series.style), "\" d=\"", d, "\"",
                      Attribute("data-source", series.source), "><title>", Escape(series.label),
                      "</title></path>");
}

std::string Cross(const Frame& frame, const PlotSeries& series, const PlotPoint& point) {
  std::string d;
  if (std::isfinite(point.x_half)) {
    absl::StrAppend(&d, "M", Coordinate(frame.X(point.x - point.x_half)), " ",
                    Coordinate(frame.Y(point.y)), "H", Coordinate(frame.X(point.x + point.x_half)));
  }
  if (std::isfinite(point.y_half)) {
    absl::StrAppend(&d, "M", Coordinate(frame.X(point.x)), " ",
                    Coordinate(frame.Y(point.y - point.y_half)), "V",
                    Coordinate(frame.Y(point.y + point.y_half)));
  }
  if (d.empty()) return "";
  return absl::StrCat("<path class=\"cross ", StyleClasses(series.style), "\" d=\"", d, "\"/>");
}

std::string Markers(const Frame& frame, const PlotSeries& series) {
  std::string out;
  for (const PlotPoint& point : series.points) {
    if (!std::isfinite(point.x) || !std::isfinite(point.y)) continue;
    if (series.crosses) out += Cross(frame, series, point);
    if (!series.markers) continue;
    out += RenderMarker(frame.X(point.x), frame.Y(Clamped(point.y, frame.y)), series.style,
                        series.hollow, point.title, point.source, series.marker_size);
  }
  return out;
}

}  // namespace

std::string StyleClasses(int style) {
  const int dash = (style / kColours + style) % kDashes;
  return absl::StrCat("s", style % kColours, dash > 0 ? absl::StrCat(" d", dash) : "");
}

std::string RenderMarker(double x, double y, int style, bool hollow, const std::string& title,
                         const std::string& source, double size) {
  // Outlines around the centre, for a radius of about 4.
  const std::vector<std::pair<double, double>> kShapes[] = {
      {{-3.5, -3.5}, {3.5, -3.5}, {3.5, 3.5}, {-3.5, 3.5}},
      {{0, -4.5}, {4.2, 3}, {-4.2, 3}},
      {{0, -4.8}, {4.8, 0}, {0, 4.8}, {-4.8, 0}},
      {{0, 4.5}, {4.2, -3}, {-4.2, -3}}};
  constexpr int kNumber = sizeof(kShapes) / sizeof(kShapes[0]);
  const std::string rest =
      absl::StrCat(" class=\"mark s", style % kColours, hollow ? " hollow\"" : "\"",
                   Attribute("data-source", source));
  std::string out;
  if (style % (kNumber + 1) == 0) {
    out = absl::StrCat("<circle", rest, " cx=\"", Coordinate(x), "\" cy=\"", Coordinate(y),
                       "\" r=\"", Coordinate(4 * size), "\"");
  } else {
    std::string d;
    for (const auto& [dx, dy] : kShapes[style % (kNumber + 1) - 1]) {
      absl::StrAppend(&d, d.empty() ? "M" : "L", Coordinate(x + size * dx), " ",
                      Coordinate(y + size * dy));
    }
    out = absl::StrCat("<path", rest, " d=\"", d, "Z\"");
  }
  if (title.empty()) return out + "/>";
  return absl::StrCat(out, "><title>", Escape(title), "</title>",
                      style % (kNumber + 1) == 0 ? "</circle>" : "</path>");
}

std::string RenderPlot(const Plot& plot) {
  const Frame frame = FrameOf(plot);
  std::string out =
      absl::StrCat("<svg viewBox=\"0 0 ", Coordinate(kWidth), " ", Coordinate(kHeight),
                   "\" role=\"img\" aria-labelledby=\"", plot.id, "-t ", plot.id,
                   "-d\"><title id=\"", plot.id, "-t\">", Escape(plot.title), "</title><desc id=\"",
                   plot.id, "-d\">", Escape(plot.description), "</desc>", Grid(frame, plot));
  for (const PlotSeries& series : plot.series) {
    if (series.band) out += Band(frame, series);
  }
  for (const PlotSeries& series : plot.series) {
    if (series.line) out += Line(frame, series);
  }
  for (const PlotSeries& series : plot.series) out += Markers(frame, series);
  return out + "</svg>\n";
}

std::string RenderLegend(const std::vector<PlotSeries>& series) {
  std::string out = "<ul class=\"legend\">";
  std::set<std::string> shown;
  for (const PlotSeries& one : series) {
    if (!shown.insert(one.label).second) continue;
    absl::StrAppend(&out, "<li><svg viewBox=\"0 0 34 12\" aria-hidden=\"true\">");
    if (one.line) {
      absl::StrAppend(&out, "<path class=\"line ", StyleClasses(one.style), "\" d=\"M1 6H33\"/>");
    }
    if (one.markers) out += RenderMarker(17, 6, one.style, one.hollow, "", "", 1);
    absl::StrAppend(&out, "</svg> ", Escape(one.label), "</li>");
  }
  return out + "</ul>\n";
}

}  // namespace semlink::report
