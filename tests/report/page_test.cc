#include <cmath>
#include <filesystem>
#include <regex>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "report/report.h"
#include "report/reproduce.h"
#include "report/statistics.h"
#include "tests/report/run_folders.h"

namespace semlink::report {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

class PageTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, int seed, const std::string& method = "pom2dib") {
    RunSpec spec;
    spec.seed = seed;
    spec.method = method;
    spec.accuracy = 0.9 + 0.01 * seed;
    return folders_.Write(name, spec);
  }
  std::string Page(const std::vector<std::string>& folders) {
    const absl::StatusOr<Report> report = Report::Read(folders);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? report->Page({}, absl::FromUnixSeconds(1769860800)) : "";
  }

  // The mean over the lines that one "RUN/FILE:LINE[-LINE] POINTER" names.
  double ValueAt(const std::string& source) {
    static const std::regex kSource("([^/]+)/([a-z.]+):(\\d+)(?:-(\\d+))? (/.*)");
    std::smatch parts;
    EXPECT_TRUE(std::regex_match(source, parts, kSource)) << source;
    const std::string text = ReadText(folders_.Path(parts[1].str() + "/" + parts[2].str()));
    const Json::json_pointer pointer(parts[5].str());
    if (parts[2] == "summary.json") {
      const Json value = Json::parse(text).at(pointer);
      EXPECT_THAT(LineOf(text, std::stoi(parts[3])), HasSubstr(value.dump())) << source;
      return value.get<double>();
    }
    const int first = std::stoi(parts[3]), last = parts[4].matched ? std::stoi(parts[4]) : first;
    std::vector<double> values;
    for (int line = first; line <= last; ++line) {
      values.push_back(Json::parse(LineOf(text, line)).at(pointer).get<double>());
    }
    return MeanOf(values);
  }

  RunFolders folders_;
};

TEST_F(PageTest, IsWholeAndNeedsNothingElse) {
  const std::string page = Page({Write("a", 1), Write("b", 2), Write("c", 1, "rsdib")});
  for (const char* id :
       {"runs", "results", "training", "planes", "selection", "links", "reproduce"}) {
    EXPECT_THAT(page, HasSubstr(std::string("<section id=\"") + id + "\">"));
  }
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("http:")));
  EXPECT_THAT(page, Not(HasSubstr("https:")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(page, HasSubstr("@media print"));
  EXPECT_THAT(page, Not(HasSubstr("What is missing")));
  EXPECT_THAT(page, HasSubstr("2026-01-31 12:00 UTC"));
}

// Ids name things for screen readers and links: each once.
TEST_F(PageTest, IdsAreUnique) {
  const std::string page = Page({Write("a", 1), Write("b", 2), Write("c", 1, "rsdib")});
  std::set<std::string> ids;
  const std::regex id(" id=\"([^\"]+)\"");
  for (std::sregex_iterator i(page.begin(), page.end(), id), end; i != end; ++i) {
    EXPECT_TRUE(ids.insert((*i)[1]).second) << (*i)[1];
  }
  EXPECT_GT(ids.size(), 20u);
}

// Every figure of the table of results and of the curves, recomputed from the lines that it names.
TEST_F(PageTest, FiguresTraceToLinesOfTheRunFolders) {
  const std::string page = Page({Write("a", 1), Write("b", 2)});
  const std::regex cell(
      "<td data-value=\"([^\"]+)\" data-source=\"([^\"]+)\" title=[^>]*>([^<]*)<");
  int checked = 0, curves = 0;
  for (std::sregex_iterator i(page.begin(), page.end(), cell), end; i != end; ++i) {
    const std::string source = (*i)[2], text = (*i)[3];
    if (source.find('/') == std::string::npos) continue;  // published
    std::vector<double> values;
    bool plain = true;
    for (const auto one : absl::StrSplit(source, "; ")) {
      // Sums over links and over tasks are checked where they are made.
      plain = plain && !absl::StrContains(one, "/link") && !absl::StrContains(one, "_bytes/") &&
              !absl::EndsWith(one, "/cross_entropy") && absl::StrContains(one, ":");
      if (plain) values.push_back(ValueAt(std::string(one)));
    }
    if (!plain) continue;
    double shown = 0;
    ASSERT_TRUE(absl::SimpleAtod((*i)[1].str(), &shown));
    const double scale = absl::StrContains(source, "/accuracy/") ? 100 : 1;
    EXPECT_NEAR(shown, scale * MeanOf(values), 1e-9) << source;
    ++checked;
    curves += absl::StrContains(source, "metrics.jsonl") ? 1 : 0;
  }
  EXPECT_GE(checked, 20);
  EXPECT_GE(curves, 10);
}

TEST_F(PageTest, WhatARunSaysCannotChangeThePage) {
  RunSpec spec;
  spec.name = "'<img src=x onerror=alert(1)>'";
  spec.method = "'\"><script>alert(2)</script>'";
  const std::string path = folders_.Write("<b>run", spec);
  WriteText(path + "/env.json", "{\"software\":\"</table><script>\"}");
  const std::string page = Page({path});
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<b>run")));
  EXPECT_THAT(page, HasSubstr("&lt;img src=x onerror=alert(1)&gt;"));
}

TEST_F(PageTest, SaysWhatIsMissing) {
  RunSpec half;
  half.finished = false;
  half.windows = 2;
  const std::string path = folders_.Write("half", half);
  WriteText(path + "/metrics.jsonl", ReadText(path + "/metrics.jsonl") + "damaged\n");
  const std::string page = Page({Write("whole", 2), path, folders_.Path("nowhere")});
  EXPECT_THAT(page, HasSubstr("What is missing"));
  EXPECT_THAT(page, HasSubstr("<code>half/metrics.jsonl:3</code>: found no JSON object"));
  EXPECT_THAT(page, HasSubstr("<code>half</code>: is not finished: it is at window 1 of 4"));
  EXPECT_THAT(page, HasSubstr("<code>nowhere</code>"));
}

TEST_F(PageTest, WithoutAnyRunThereIsNoReport) {
  const absl::Status none = Report::Read({folders_.Path("x"), folders_.Path("y")}).status();
  EXPECT_TRUE(absl::IsNotFound(none));
  EXPECT_THAT(std::string(none.message()), HasSubstr("/x: there is no such run folder"));
  EXPECT_THAT(std::string(none.message()), HasSubstr("/y: there is no such run folder"));
}

TEST_F(PageTest, AFolderNamedTwiceIsOneRun) {
  const std::string path = Write("a", 1);
  const absl::StatusOr<Report> report = Report::Read({path, path + "/", path + "/../a"});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->runs().size(), 1u);
  EXPECT_TRUE(report->problems().empty());
}

TEST_F(PageTest, ARunWithoutWindowsStillHasAPage) {
  const std::string path = Write("a", 1);
  std::filesystem::remove(path + "/metrics.jsonl");
  const std::string page = Page({path});
  EXPECT_THAT(page, HasSubstr("<section id=\"results\">"));
  EXPECT_THAT(page, Not(HasSubstr("<section id=\"training\">")));
}

TEST_F(PageTest, CommandsRunTheSameAgain) {
  const RunData run = MustRead(Write("a b", 1), "a b");
  EXPECT_EQ(CommandFor(run), "semlink run '" + run.path + "/scenario.yaml' --out '" + run.path +
                                 "-again' --transport=inproc");
}

}  // namespace
}  // namespace semlink::report
