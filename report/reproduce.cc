#include "report/reproduce.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/shell.h"
#include "report/markup.h"
#include "report/table_output.h"

namespace semlink::report {
namespace {

std::string Text(const Json& json, const char* key) {
  if (!json.is_object() || !json.contains(key)) return "-";
  const Json& value = json.at(key);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

bool InOneProcess(const RunData& run) {
  if (!run.environment.is_object()) return false;
  const auto nodes = run.environment.find("nodes");
  return nodes != run.environment.end() && nodes->is_array() && !nodes->empty() &&
         Text(nodes->front(), "address") == "in process";
}

// What tells one machine from another, as cells.
std::vector<std::string> EnvironmentOf(const RunData& run) {
  const Json none;
  const Json& machine =
      run.environment.is_object() && run.environment.contains("coordinator_machine")
          ? run.environment.at("coordinator_machine")
          : none;
  std::string memory = Text(machine, "memory_bytes");
  if (machine.is_object() && machine.contains("memory_bytes") &&
      machine.at("memory_bytes").is_number()) {
    memory = absl::StrFormat("%.1f GiB", machine.at("memory_bytes").get<double>() / (1 << 30));
  }
  return {Text(run.environment, "software"),
          Text(run.environment, "compiler"),
          Text(machine, "cpu"),
          Text(machine, "cores"),
          memory,
          absl::StrCat(Text(machine, "system"), " ", Text(machine, "release")),
          InOneProcess(run) ? "one process" : "gRPC"};
}

ReportTable EnvironmentTable(const std::vector<Group>& groups) {
  ReportTable table = EmptyTable("environment", "Environment", "runs",
                                 {{"software", ""},
                                  {"compiler", ""},
                                  {"processor", ""},
                                  {"cores", ""},
                                  {"memory", ""},
                                  {"system", ""},
                                  {"nodes", ""}});
  std::map<std::vector<std::string>, std::vector<std::string>> runs;
  for (const Group& group : groups) {
    for (const RunData* run : group.runs) {
      if (run->environment.is_object()) runs[EnvironmentOf(*run)].push_back(run->name);
    }
  }
  for (const auto& [cells, names] : runs) {
    Row row;
    row.head = absl::StrJoin(names, ", ");
    for (const std::string& cell : cells) row.cells.push_back(TextCell(cell));
    table.rows.push_back(std::move(row));
  }
  table.note = "The coordinator's machine; the whole env.json is in each run folder.";
  return table;
}

}  // namespace

std::string CommandFor(const RunData& run) {
  std::string path = run.path;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return absl::StrCat("semlink run ", ShellQuoted(path + "/scenario.yaml"), " --out ",
                      ShellQuoted(path + "-again"), InOneProcess(run) ? " --transport=inproc" : "");
}

std::string Reproduction(const std::vector<Group>& groups) {
  std::string commands, scenarios;
  std::vector<std::string> folders;
  for (const Group& group : groups) {
    for (const RunData* run : group.runs) {
      absl::StrAppend(&commands, CommandFor(*run), "\n");
      folders.push_back(ShellQuoted(run->path));
    }
    absl::StrAppend(&scenarios, "<details><summary>Scenario of ", Escape(group.label), " (seed ",
                    Escape(group.first().Seed()), ")</summary><pre>",
                    Escape(group.first().scenario_text), "</pre></details>\n");
  }
  return absl::StrCat(
      TableAsHtml(EnvironmentTable(groups)),
      "<p>The same runs again: a run with the same scenario and seed gives the same "
      "parameters, to the last bit on one machine with the same software.</p><pre>",
      Escape(commands), "semlink report ", Escape(absl::StrJoin(folders, " ")),
      " -o report.html</pre>\n", scenarios);
}

}  // namespace semlink::report
