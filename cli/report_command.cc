// `semlink report`: runs as a page that people look at, or as tables for other programs.
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "common/base/clock.h"
#include "common/base/file_system.h"
#include "report/report.h"
#include "report/table_output.h"
#include "report/tensorboard.h"

namespace semlink::cli {
namespace {

struct ReportCommandOptions {
  std::vector<std::string> runs;
  std::string out;
  std::string format = "html";
  std::vector<std::string> tables;
  std::string tensorboard;
  int heat_map_rows = report::ReportOptions().heat_map_rows;
};

int Usage(const std::string& message) {
  return Complain(absl::InvalidArgumentError(message), kExitUsage);
}

// The tables with these ids, all if there are none. "links" also means "links RUN".
absl::StatusOr<std::vector<report::ReportTable>> Chosen(std::vector<report::ReportTable> tables,
                                                        const std::vector<std::string>& ids) {
  if (ids.empty()) return tables;
  std::vector<report::ReportTable> chosen;
  std::vector<std::string> known;
  for (const std::string& id : ids) {
    bool found = false;
    for (const report::ReportTable& table : tables) {
      if (table.id != id && table.id.substr(0, table.id.find(' ')) != id) continue;
      chosen.push_back(table);
      found = true;
    }
    if (found) continue;
    for (const report::ReportTable& table : tables) known.push_back(table.id);
    return absl::InvalidArgumentError(
        absl::StrCat("--table: found ", id, "; these runs have ", absl::StrJoin(known, ", ")));
  }
  return chosen;
}

absl::StatusOr<std::string> Content(const report::Report& report,
                                    const ReportCommandOptions& options) {
  if (options.format == "html") {
    RealClock clock;
    report::ReportOptions page;
    page.heat_map_rows = options.heat_map_rows;
    return report.Page(page, clock.WallTime());
  }
  absl::StatusOr<std::vector<report::ReportTable>> tables = Chosen(report.Tables(), options.tables);
  if (!tables.ok()) return tables.status();
  if (options.format == "csv") return report::TablesAsCsv(*tables);
  return options.format == "json" ? report::TablesAsJson(*tables) : report::TablesAsLatex(*tables);
}

int WriteTensorboard(const report::Report& report, const std::string& directory) {
  const absl::StatusOr<std::vector<std::string>> paths =
      report::WriteEventFiles(report.runs(), directory);
  if (!paths.ok()) return Complain(paths.status(), kExitFailed);
  std::cerr << "semlink: wrote " << paths->size() << " event files; tensorboard --logdir "
            << directory << "\n";
  return kExitSuccess;
}

int MakeReport(const ReportCommandOptions& options) {
  if (options.format == "html" && options.out.empty() && options.tensorboard.empty()) {
    return Usage("say where the page goes: -o report.html (or -o - for standard output)");
  }
  if (options.format == "html" && !options.tables.empty()) {
    return Usage("--table goes with --format csv, json or latex; the page has all tables");
  }
  const absl::StatusOr<report::Report> report = report::Report::Read(options.runs);
  if (!report.ok()) return Complain(report.status(), kExitUsage);
  for (const report::Problem& problem : report->problems()) {
    std::cerr << "semlink: " << problem.place << ": " << problem.what << "\n";
  }
  if (!options.tensorboard.empty()) {
    const int code = WriteTensorboard(*report, options.tensorboard);
    if (code != kExitSuccess || (options.format == "html" && options.out.empty())) return code;
  }
  const absl::StatusOr<std::string> content = Content(*report, options);
  if (!content.ok()) return Complain(content.status(), kExitUsage);
  if (options.out.empty() || options.out == "-") {
    std::cout << *content << std::flush;
    if (std::cout) return kExitSuccess;
    return Complain(absl::UnknownError("can't write to standard output"), kExitFailed);
  }
  const absl::Status written = WriteFileAtomically(options.out, *content);
  if (!written.ok()) return Complain(written, kExitFailed);
  std::cerr << "semlink: wrote " << options.out << "\n";
  return kExitSuccess;
}

}  // namespace

void AddReportCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<ReportCommandOptions>();
  CLI::App* command =
      AddCommand(app, "report", "Show runs as a page with tables and pictures, or as tables",
                 "  semlink report runs/first -o report.html\n"
                 "  semlink report runs/seeds/* -o report.html            runs alike but for the "
                 "seed are one row\n"
                 "  semlink report runs/a runs/b --format csv > all.csv\n"
                 "  semlink report runs/seeds/* --format latex --table quality -o table.tex\n"
                 "  semlink report runs/first --tensorboard tb && tensorboard --logdir tb\n");
  command->add_option("runs", options->runs, "Run folders")->required();
  command->add_option("-o,--out", options->out, "File to write; -: standard output");
  command
      ->add_option("--format", options->format,
                   "html: a page. csv, json, latex: the tables, on standard output without -o")
      ->check(CLI::IsMember({"html", "csv", "json", "latex"}))
      ->capture_default_str();
  command
      ->add_option("--table", options->tables,
                   "Only this table (quality, cost, links, ...); may be repeated")
      ->allow_extra_args(false);
  command->add_option("--tensorboard", options->tensorboard,
                      "Write event files of TensorBoard into this folder, one folder per run");
  command
      ->add_option("--heat-map-rows", options->heat_map_rows,
                   "Most rows of a heat map; 0: one per recorded window")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command->callback([options, chosen] { *chosen = [options] { return MakeReport(*options); }; });
}

}  // namespace semlink::cli
