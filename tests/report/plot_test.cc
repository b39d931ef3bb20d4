#include "report/plot.h"

#include <cmath>
#include <limits>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace semlink::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Plot Simple() {
  Plot plot;
  plot.id = "p";
  plot.title = "Loss <1>";
  plot.description = "in words";
  PlotSeries series;
  series.label = "a & b";
  series.band = true;
  series.source = "run/metrics.jsonl:1-3 /loss/0";
  for (int i = 0; i < 3; ++i) series.points.push_back({100.0 * i, 1.0 * i, 0, 0.5, "", ""});
  plot.series.push_back(series);
  return plot;
}

TEST(PlotTest, HasATextAlternativeAndASource) {
  const std::string svg = RenderPlot(Simple());
  EXPECT_THAT(svg, HasSubstr("role=\"img\" aria-labelledby=\"p-t p-d\""));
  EXPECT_THAT(svg, HasSubstr("<title id=\"p-t\">Loss &lt;1&gt;</title>"));
  EXPECT_THAT(svg, HasSubstr("<desc id=\"p-d\">in words</desc>"));
  EXPECT_THAT(svg, HasSubstr("data-source=\"run/metrics.jsonl:1-3 /loss/0\""));
  EXPECT_THAT(svg, HasSubstr("class=\"band s0\""));
  EXPECT_THAT(svg, HasSubstr("a &amp; b"));
}

TEST(PlotTest, PointsThatAreNoNumbersBreakTheLine) {
  Plot plot = Simple();
  plot.series[0].points[1].y = NAN;
  plot.series[0].points.push_back({300, std::numeric_limits<double>::infinity(), 0, 0.5, "", ""});
  plot.series[0].points.push_back({400, 1, 0, NAN, "", ""});
  const std::string svg = RenderPlot(plot);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_NE(RenderPlot(Plot()).find("</svg>"), std::string::npos);
}

// Whoever cannot tell two colours apart sees another dash.
TEST(PlotTest, StylesDifferInMoreThanColour) {
  std::set<std::string> styles;
  for (int i = 0; i < 32; ++i) styles.insert(StyleClasses(i));
  EXPECT_EQ(styles.size(), 32u);
  const auto dash = [](int style) {
    const std::string classes = StyleClasses(style);
    return classes.find(' ') == std::string::npos ? "" : classes.substr(classes.find(' '));
  };
  for (int i = 0; i < 7; ++i) EXPECT_NE(dash(i), dash(i + 1));
}

TEST(PlotTest, ALabelIsOnceInTheLegend) {
  std::vector<PlotSeries> series(3);
  series[0].label = series[1].label = "same";
  series[2].label = "other";
  const std::string legend = RenderLegend(series);
  EXPECT_EQ(legend.find("same"), legend.rfind("same"));
  EXPECT_THAT(legend, HasSubstr("other"));
}

}  // namespace
}  // namespace semlink::report
