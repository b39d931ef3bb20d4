#include "report/page.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "report/curves.h"
#include "report/heat_map.h"
#include "report/link_costs.h"
#include "report/markup.h"
#include "report/reproduce.h"
#include "report/results.h"
#include "report/table_output.h"
#include "report/timeline.h"

namespace semlink::report {
namespace {

struct Section {
  const char* id;
  const char* title;
  std::string body;  // "": nothing to show, the section is left out
};

std::string Details(const std::string& summary, const std::string& body) {
  return absl::StrCat("<details><summary>", Escape(summary), "</summary>", body, "</details>\n");
}

std::string PictureAsFigure(const Picture& picture, bool legend) {
  if (picture.plot.series.empty()) return "";
  return absl::StrCat("<figure>", RenderPlot(picture.plot), "<figcaption>",
                      Escape(picture.plot.title), "</figcaption>",
                      legend ? RenderLegend(picture.plot.series) : "",
                      Details("Figures", TableAsHtml(picture.table)), "</figure>\n");
}

std::string WhatWasRun(const std::vector<Group>& groups) {
  return TableAsHtml(RunsTable(groups)) + TableAsHtml(SettingsTable(groups));
}

std::string Results(const std::vector<Group>& groups) {
  std::string out;
  for (const ReportTable& table : QualityTables(groups)) out += TableAsHtml(table);
  for (const ReportTable& table : {CostTable(groups), RatioTable(groups)}) {
    if (!table.rows.empty()) out += TableAsHtml(table);
  }
  return out;
}

std::string Training(const std::vector<Group>& groups) {
  const std::vector<Picture> pictures = TrainingCurves(groups);
  if (pictures.empty()) return "";
  // The same lines in all pictures: one legend, from the picture with the most of them.
  const auto fullest =
      std::max_element(pictures.begin(), pictures.end(), [](const Picture& a, const Picture& b) {
        return a.plot.series.size() < b.plot.series.size();
      });
  std::string out = absl::StrCat(
      "<p class=\"lead\">On the training samples of each window; the tables of results are on the "
      "test "
      "set. Bands: 95 % intervals over the seeds; a method with one seed has none.</p>",
      RenderLegend(fullest->plot.series), "<div class=\"plots\">");
  for (const Picture& picture : pictures) out += PictureAsFigure(picture, false);
  return out + "</div>\n";
}

std::string Planes(const std::vector<Group>& groups) {
  const std::string plane = PictureAsFigure(InformationPlane(groups), true);
  const std::string points = PictureAsFigure(RateRelevance(groups), true);
  if (plane.empty() && points.empty()) return "";
  return absl::StrCat("<div class=\"plots\">", plane, points, "</div>\n");
}

// 0, 25, ..., 100 %.
std::string HeatScale() {
  std::string out = "<p class=\"scale\" aria-hidden=\"true\">0 %";
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    absl::StrAppend(&out, "<span><i style=\"opacity:", share, "\"></i></span>");
  }
  return out + "100 %</p>\n";
}

std::string HeatCaption(const Group& group, const RunData& run, int rows) {
  const int64_t windows = run.windows.back().window + 1;
  const int64_t per_row = rows > 0 ? std::max<int64_t>(1, (windows + rows - 1) / rows) : 1;
  const std::string what = run.windows.front().selection_granted
                               ? "granted, after the trim to E_k (this run did not record what was "
                                 "drawn)"
                               : "drawn, before the trim to E_k";
  return absl::StrCat(run.name, ": ", group.label, ", seed ", run.Seed(), ". Each row: ", per_row,
                      per_row == 1 ? " window" : " windows",
                      ", share of the rounds in which the link was ", what, ".");
}

std::string HeatMaps(const std::vector<Group>& groups, int rows) {
  std::string out;
  int number = 0;
  for (const Group& group : groups) {
    std::string more;
    for (const RunData* run : group.runs) {
      const std::string map = RenderHeatMap(*run, absl::StrCat("heat-", ++number), rows);
      if (map.empty()) continue;
      const std::string figure = absl::StrCat(
          "<figure><div class=\"scroll\" tabindex=\"0\" role=\"region\"",
          Attribute("aria-label", absl::StrCat("Selection of ", run->name)), ">", map,
          "</div><figcaption>", Escape(HeatCaption(group, *run, rows)), "</figcaption></figure>\n");
      (run == group.runs.front() ? out : more) += figure;
    }
    if (!more.empty()) {
      out += Details(absl::StrCat("The other seeds of ", group.label),
                     absl::StrCat("<div class=\"maps\">", more, "</div>"));
    }
  }
  if (out.empty()) return "";
  return absl::StrCat(
      "<p class=\"lead\">Time runs down. One chunk per receiver; in it one column per modality, "
      "grouped "
      "by transmitter. The figures of the last windows are in the tables of links.</p>",
      HeatScale(), "<div class=\"maps\">", out, "</div>\n");
}

std::string LinkCosts(const std::vector<Group>& groups) {
  std::string out =
      "<p class=\"lead\">Four figures that are not to be mixed up: the information rate (nats), "
      "the "
      "length of what was coded (bits), the messages that carried it (bytes), and what went over "
      "the "
      "wire (bytes).</p>";
  int number = 0;
  bool first = true;
  for (const Group& group : groups) {
    for (const RunData* run : group.runs) {
      const std::string id = absl::StrCat(++number);
      const ReportTable links = LinkTable(*run, "links-" + id),
                        pairs = PairTable(*run, "pairs-" + id);
      if (links.rows.empty() && pairs.rows.empty()) continue;
      std::string bars;
      for (const std::string& bar : RenderPairBars(pairs, "bars-" + id)) bars += bar;
      const std::string body = absl::StrCat(TableAsHtml(links), TableAsHtml(pairs),
                                            "<div class=\"plots\">", bars, "</div>\n");
      const std::string title = absl::StrCat(run->name, ": ", group.label, ", seed ", run->Seed());
      absl::StrAppend(
          &out, first ? absl::StrCat("<h3>", Escape(title), "</h3>", body) : Details(title, body));
      first = false;
    }
  }
  return first ? "" : out;
}

std::string Faults(const std::vector<Group>& groups) {
  std::string out;
  int number = 0;
  for (const Group& group : groups) {
    for (const RunData* run : group.runs) {
      const std::string id = absl::StrCat("faults-", ++number);
      const std::vector<Occasion> occasions = OccasionsOf(*run);
      const std::string picture = RenderTimeline(*run, occasions, id);
      if (picture.empty()) continue;
      absl::StrAppend(
          &out, "<h3>", Escape(run->name),
          "</h3><figure><div class=\"scroll\" "
          "tabindex=\"0\" role=\"region\"",
          Attribute("aria-label", absl::StrCat("Faults in ", run->name)), ">", picture,
          "</div></figure>",
          Details("The same in words", TableAsHtml(OccasionTable(*run, occasions, id))));
    }
  }
  return out;
}

std::string ProblemBox(const std::vector<Problem>& problems) {
  if (problems.empty()) return "";
  std::string out =
      "<section class=\"problems\" aria-label=\"What is missing\"><h3>What is missing</h3><ul>";
  for (const Problem& problem : problems) {
    absl::StrAppend(&out, "<li><code>", Escape(problem.place), "</code>: ", Escape(problem.what),
                    "</li>");
  }
  return out + "</ul></section>\n";
}

std::string Head(const std::string& title) {
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>", Escape(title),
      "</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      // Nothing is loaded; what a run folder says can't change that.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n<style>",
      kStyleSheet, "</style></head>\n<body>\n");
}

std::string Title(const std::vector<Group>& groups) {
  std::vector<std::string> names;
  for (const Group& group : groups) {
    const std::string name = group.first().Value("name");
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  std::string title = names.front();
  if (names.size() > 1) absl::StrAppend(&title, " and ", names.size() - 1, " more");
  return title;
}

}  // namespace

std::string RenderPage(const std::vector<Group>& groups, const std::vector<Problem>& problems,
                       const ReportOptions& options, absl::Time now) {
  const std::vector<Section> sections = {
      {"runs", "What was run", WhatWasRun(groups)},
      {"results", "Results", Results(groups)},
      {"training", "Training", Training(groups)},
      {"planes", "Rate and relevance", Planes(groups)},
      {"selection", "Selection", HeatMaps(groups, options.heat_map_rows)},
      {"links", "What the links cost", LinkCosts(groups)},
      {"faults", "Faults", Faults(groups)},
      {"reproduce", "Environment and commands", Reproduction(groups)},
  };
  size_t runs = 0;
  for (const Group& group : groups) runs += group.runs.size();
  const std::string title = Title(groups);
  std::string out = absl::StrCat(
      Head(absl::StrCat("semlink report: ", title)), "<header><h1>", Escape(title),
      "</h1><p class=\"lead\">", runs, runs == 1 ? " run" : " runs", " in ", groups.size(),
      groups.size() == 1 ? " setting" : " settings", "; report made ",
      absl::FormatTime("%Y-%m-%d %H:%M UTC", now, absl::UTCTimeZone()),
      " by semlink. Every figure says in its title (point at it) and in its attribute "
      "<code>data-source</code> which line of which run folder it comes from.</p></header>\n");
  out += "<nav aria-label=\"Contents\"><ul>";
  for (const Section& section : sections) {
    if (section.body.empty()) continue;
    absl::StrAppend(&out, "<li><a href=\"#", section.id, "\">", section.title, "</a></li>");
  }
  absl::StrAppend(&out, "</ul></nav>\n<main>\n", ProblemBox(problems));
  for (const Section& section : sections) {
    if (section.body.empty()) continue;
    absl::StrAppend(&out, "<section id=\"", section.id, "\"><h2>", section.title, "</h2>\n",
                    section.body, "</section>\n");
  }
  return out + "</main>\n</body></html>\n";
}

}  // namespace semlink::report
