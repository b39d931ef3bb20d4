// Line plots as SVG. Colours, dashes and fonts are classes of the page's style sheet, so that one
// picture serves light, dark and paper; series differ in dash and marker too, not in colour alone.
#ifndef SEMLINK_REPORT_PLOT_H_
#define SEMLINK_REPORT_PLOT_H_

#include <string>
#include <vector>

#include "report/statistics.h"

namespace semlink::report {

struct PlotPoint {
  double x = 0;
  double y = 0;
  double x_half = kNone;  // half widths of 95 % intervals
  double y_half = kNone;
  std::string title;   // of its marker, for people
  std::string source;  // as Cell::source
};

struct PlotSeries {
  std::string label;
  int style = 0;  // colour, dash and marker
  std::vector<PlotPoint> points;
  bool line = true;
  bool band = false;     // y +- y_half as a band
  bool markers = false;  // each point as a marker with its title
  bool crosses = false;  // intervals as error bars in both directions
  double marker_size = 1;
  bool hollow = false;  // markers are outlines: published figures
  std::string source;   // of the line
};

struct Plot {
  std::string id;  // unique in the page: letters, digits, hyphens
  std::string title;
  std::string description;  // in words, for those who do not see it
  std::string x_label;
  std::string y_label;
  std::vector<PlotSeries> series;
  double y_low = kNone;  // smallest range that is shown
  double y_high = kNone;
};

// An <svg> of 372 x 240 units. Points that are not finite break their line.
std::string RenderPlot(const Plot& plot);

// <ul class="legend">: a sample of each series' line beside its label. A label is shown once.
std::string RenderLegend(const std::vector<PlotSeries>& series);

// The classes of a style: colour, and dash from the second on.
std::string StyleClasses(int style);

// A marker of that style at these coordinates, with a <title> and a source. Size 1: 8 units.
std::string RenderMarker(double x, double y, int style, bool hollow, const std::string& title,
                         const std::string& source, double size);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_PLOT_H_
