// `semlink ledger`: asks a run's ledger, also while the run goes on.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/table.h"
#include "common/base/json.h"
#include "common/node/exit_code.h"
#include "coordinator/ledger_query.h"

namespace semlink::cli {
namespace {

using coordinator::LedgerCell;
using coordinator::LedgerQuery;
using coordinator::LedgerSubject;
using coordinator::LedgerTable;

struct LedgerOptions {
  std::string run;
  std::string subject;
  uint64_t from = 0;
  uint64_t to = std::numeric_limits<uint64_t>::max();
  std::string format = "text";
  bool each = false;
};

// One subject: what to read, and which columns a terminal shows (json and csv have them all).
struct Subject {
  const char* name;
  LedgerSubject total;
  std::vector<std::string> shown;
  LedgerSubject each;  // == total: there is none
  std::vector<std::string> each_shown;
};

const std::vector<Subject>& Subjects() {
  using S = LedgerSubject;
  static const auto* const kSubjects = new std::vector<Subject>{
      {"", S::kOverview, {}, S::kOverview, {}},
      {"links",
       S::kLinks,
       {"transmitter", "modality", "receiver", "windows", "rounds", "share_of_rounds",
        "windows_failed"},
       S::kEachLink,
       {"window", "transmitter", "modality", "receiver", "rounds", "rate_nats", "coded_bits",
        "failed"}},
      {"rates",
       S::kRates,
       {"transmitter", "receiver", "modality", "rate_nats", "coded_bits", "request_bytes",
        "feature_bytes", "gradient_bytes", "wire_bytes"},
       S::kEachRate,
       {"window", "transmitter", "receiver", "modality", "rate_nats", "coded_bits", "request_bytes",
        "feature_bytes", "gradient_bytes", "wire_bytes", "retransmitted_bytes", "round_trip_us"}},
      {"refusals",
       S::kRefusals,
       {"reason", "count", "windows", "first_window", "last_window"},
       S::kEachRefusal,
       {"window", "reason", "count"}},
      {"failures",
       S::kFailures,
       {"window", "what", "transmitter", "receiver", "stage", "links", "start", "attempt",
        "reason"},
       S::kFailures,
       {}},
      {"windows",
       S::kWindows,
       {"window", "kind", "state", "start", "attempt", "view", "rounds", "seconds", "loss",
        "reason"},
       S::kWindows,
       {}},
      {"checkpoints",
       S::kCheckpoints,
       {"window", "nodes", "complete", "dropped", "bytes", "written_at"},
       S::kEachCheckpoint,
       {"window", "node", "sha256", "bytes", "written_at", "dropped"}},
      {"members",
       S::kMembers,
       {"node", "state", "from_window", "to_window", "incarnation", "live", "restored_window",
        "address"},
       S::kMembers,
       {}},
      {"faults",
       S::kFaults,
       {"id", "kind", "target", "begin_window", "end_window", "began_at"},
       S::kFaults,
       {}},
  };
  return *kSubjects;
}

const Subject* FindSubject(const std::string& name) {
  for (const Subject& subject : Subjects()) {
    if (name == subject.name) return &subject;
  }
  return nullptr;
}

// As the ledger has it. Lists of rounds and faults are JSON themselves.
Json ExactJson(const LedgerCell& cell, const std::string& column) {
  if (const auto* text = std::get_if<std::string>(&cell); text != nullptr) {
    if (column != "round_list" && column != "spec") return *text;
    Json parsed = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
    return parsed.is_discarded() ? Json(*text) : parsed;
  }
  if (const auto* number = std::get_if<int64_t>(&cell); number != nullptr) return *number;
  if (const auto* seed = std::get_if<uint64_t>(&cell); seed != nullptr) return *seed;
  if (const auto* real = std::get_if<double>(&cell); real != nullptr) return *real;
  return nullptr;
}

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// One row per line.
void PrintJson(const LedgerTable& table, bool single) {
  const char* separator = "";
  if (!single) std::cout << "[";
  for (const std::vector<LedgerCell>& row : table.rows) {
    Json object = Json::object();
    for (size_t i = 0; i < row.size(); ++i) {
      object[table.columns[i]] = ExactJson(row[i], table.columns[i]);
    }
    std::cout << separator << (single ? "" : "\n ") << Dump(object, single ? 2 : -1);
    separator = ",";
  }
  std::cout << (single ? "\n" : "\n]\n");
}

// RFC 4180: quotes around what holds a comma, a quote or a line break; NULL is nothing.
std::string CsvCell(const LedgerCell& cell) {
  if (std::holds_alternative<std::monostate>(cell)) return "";
  const auto* text = std::get_if<std::string>(&cell);
  if (text == nullptr) return Dump(ExactJson(cell, ""), -1);
  if (text->find_first_of(",\"\r\n") == std::string::npos) return *text;
  return absl::StrCat("\"", absl::StrReplaceAll(*text, {{"\"", "\"\""}}), "\"");
}

void PrintCsv(const LedgerTable& table) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    std::cout << (i > 0 ? "," : "") << table.columns[i];
  }
  std::cout << "\r\n";
  for (const std::vector<LedgerCell>& row : table.rows) {
    for (size_t i = 0; i < row.size(); ++i) std::cout << (i > 0 ? "," : "") << CsvCell(row[i]);
    std::cout << "\r\n";
  }
}

// "first_window" -> "First window", "feature_bytes" -> "Feature".
std::string Title(absl::string_view column) {
  if (!absl::ConsumeSuffix(&column, "_bytes")) absl::ConsumeSuffix(&column, "_at");
  std::string title = absl::StrReplaceAll(column, {{"_", " "}});
  title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
  return title;
}

std::string Shortened(const std::string& text, size_t width) {
  if (DisplayWidth(text) <= width) return text;
  size_t end = 0;
  for (size_t shown = 0; end < text.size() && shown + 1 < width; ++shown) {
    do ++end;
    while (end < text.size() && (text[end] & 0xC0) == 0x80);
  }
  return text.substr(0, end) + "…";
}

std::string TextCell(const LedgerCell& cell, const std::string& column) {
  if (std::holds_alternative<std::monostate>(cell)) return column == "modality" ? "all" : "-";
  if (const auto* text = std::get_if<std::string>(&cell); text != nullptr) {
    if (absl::EndsWith(column, "sha256")) return text->substr(0, 12);
    if (column == "incarnation") return text->substr(0, 8);
    if (absl::EndsWith(column, "_at")) {  // 2026-01-31T12:00:00.000Z
      return absl::StrReplaceAll(text->substr(0, 19), {{"T", " "}});
    }
    return Shortened(absl::StrReplaceAll(*text, {{"\n", " "}}), column == "reason" ? 24 : 36);
  }
  if (const auto* real = std::get_if<double>(&cell); real != nullptr) {
    if (absl::StartsWith(column, "share")) return FormatPercent(*real);
    return absl::StrFormat("%.4g", *real);
  }
  if (column == "complete" || column == "dropped" || column == "live") {
    return std::get<int64_t>(cell) != 0 ? "yes" : "no";
  }
  if (absl::EndsWith(column, "bytes")) {
    return FormatBytes(static_cast<double>(std::get<int64_t>(cell)));
  }
  return Dump(ExactJson(cell, column), -1);
}

// Columns of texts are set to the left, of numbers to the right.
Align AlignOf(const LedgerTable& table, size_t column) {
  const bool text = std::any_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
    return std::holds_alternative<std::string>(row[column]);
  });
  return text ? Align::kLeft : Align::kRight;
}

void PrintText(const LedgerTable& table, const std::vector<std::string>& shown) {
  std::vector<size_t> order;
  std::vector<Table::Column> columns;
  for (const std::string& name : shown) {
    const auto found = std::find(table.columns.begin(), table.columns.end(), name);
    if (found == table.columns.end()) continue;
    order.push_back(found - table.columns.begin());
    columns.push_back({Title(name), AlignOf(table, order.back())});
  }
  Table text(std::move(columns));
  for (const std::vector<LedgerCell>& row : table.rows) {
    std::vector<std::string> cells;
    for (size_t column : order) cells.push_back(TextCell(row[column], table.columns[column]));
    text.AddRow(std::move(cells));
  }
  std::cout << text.ToString();
  if (table.rows.empty()) std::cout << "(none)\n";
}

// The overview: one line per figure.
void PrintOverview(const LedgerTable& table) {
  if (table.rows.empty()) return;
  size_t width = 0;
  for (const std::string& column : table.columns) width = std::max(width, column.size());
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (std::holds_alternative<std::monostate>(table.rows[0][i])) continue;
    const std::string& column = table.columns[i];
    const auto* text = std::get_if<std::string>(&table.rows[0][i]);
    const bool whole = text != nullptr && !absl::EndsWith(column, "_at");
    const std::string value = whole ? *text : TextCell(table.rows[0][i], column);
    if (value.empty()) continue;
    std::cout << absl::StrFormat("%-*s  %s\n", static_cast<int>(width), Title(column), value);
  }
}

// A ledger that is missing or of another version is a mistake in the call; a damaged one is not.
int CodeOf(const absl::Status& status) {
  const bool usage = absl::IsNotFound(status) || absl::IsFailedPrecondition(status) ||
                     absl::IsInvalidArgument(status);
  return usage ? kExitUsage : kExitFailed;
}

// The argument is a run folder, or a ledger itself.
std::string LedgerPath(const std::string& run) {
  std::error_code error;
  return std::filesystem::is_regular_file(run, error) ? run : run + "/ledger.sqlite";
}

absl::Status CheckOptions(const LedgerOptions& options, const Subject& subject) {
  if (options.from > options.to) {
    return absl::InvalidArgumentError(
        absl::StrCat("--from ", options.from, " is greater than --to ", options.to));
  }
  if (options.each && subject.each == subject.total) {
    return absl::InvalidArgumentError(
        "--each goes with links, rates, refusals and checkpoints; the others have no totals");
  }
  return absl::OkStatus();
}

int ShowLedger(const LedgerOptions& options) {
  const Subject* subject = FindSubject(options.subject);
  if (absl::Status status = CheckOptions(options, *subject); !status.ok()) {
    return Complain(status, kExitUsage);
  }
  absl::StatusOr<LedgerQuery> query = LedgerQuery::Open(LedgerPath(options.run));
  if (!query.ok()) return Complain(query.status(), CodeOf(query.status()));
  const absl::StatusOr<LedgerTable> table =
      query->Read(options.each ? subject->each : subject->total, options.from, options.to);
  if (!table.ok()) return Complain(table.status(), CodeOf(table.status()));
  const bool overview = subject->total == LedgerSubject::kOverview;
  if (options.format == "json") {
    PrintJson(*table, overview);
  } else if (options.format == "csv") {
    PrintCsv(*table);
  } else if (overview) {
    PrintOverview(*table);
  } else {
    PrintText(*table, options.each ? subject->each_shown : subject->shown);
  }
  return kExitSuccess;
}

}  // namespace

void AddLedgerCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<LedgerOptions>();
  CLI::App* command = AddCommand(
      app, "ledger", "Show what a run committed, also while it goes on",
      "  semlink ledger runs/first                             the run as a whole\n"
      "  semlink ledger runs/first links                       how often each link was used\n"
      "  semlink ledger runs/first links --each --format=csv   which rounds, window by window\n"
      "  semlink ledger runs/first rates --from 1900           the four cost figures\n"
      "  semlink ledger runs/first failures --from 100 --to 200\n"
      "  semlink ledger runs/first windows --format=json\n");
  command->add_option("run", options->run, "Run folder, or its ledger.sqlite")->required();
  std::vector<std::string> names;
  for (const Subject& subject : Subjects()) {
    if (*subject.name != '\0') names.emplace_back(subject.name);
  }
  command->add_option("what", options->subject, "What to show; left out: an overview")
      ->check(CLI::IsMember(names));
  command->add_option("--from", options->from, "First window, from 0");
  command->add_option("--to", options->to, "Last window");
  command->add_flag("--each", options->each,
                    "links, rates, refusals, checkpoints: every row instead of totals");
  command->add_option("--format", options->format, "What to print: text, json or csv")
      ->check(CLI::IsMember({"text", "json", "csv"}))
      ->capture_default_str();
  command->callback([options, chosen] { *chosen = [options] { return ShowLedger(*options); }; });
}

}  // namespace semlink::cli
