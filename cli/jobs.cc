#include "cli/jobs.h"

#include <filesystem>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "cli/run_report.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "common/data/layout.h"

namespace semlink::cli {
namespace {

// Prints the JSON file with the folder it lies in, or its text for people.
template <class ToText>
int PrintResult(const std::string& out, const std::string& file, const std::string& format,
                const ToText& to_text) {
  absl::StatusOr<Json> result = ReadJsonFile(absl::StrCat(out, "/", file));
  if (!result.ok()) return Complain(result.status(), kExitFailed);
  if (format == "json") {
    (*result)["run_folder"] = out;
    std::cout << result->dump(2) << "\n";
  } else {
    std::cout << to_text(*result) << "\nrun folder: " << out << "\n";
  }
  return kExitSuccess;
}

}  // namespace

absl::StatusOr<Scenario> ReadScenarioForJob(const std::string& path, const Overrides& overrides) {
  ASSIGN_OR_RETURN(Scenario scenario, ReadScenarioFile(path, overrides));
  std::error_code error;
  if (!scenario.data.root.empty()) {
    const std::filesystem::path root = std::filesystem::absolute(scenario.data.root, error);
    if (!error) scenario.data.root = root.lexically_normal().string();
  }
  // Data that are missing should be said before anything is started.
  RETURN_IF_ERROR(data::ReadSplitSizes(scenario.data).status());
  return scenario;
}

absl::StatusOr<Scenario> ReadTrainedRun(const std::string& run, const Overrides& overrides) {
  if (!FileExists(run + "/scenario.yaml")) {
    return absl::NotFoundError(absl::StrCat(run, " is no run folder: it has no scenario.yaml"));
  }
  std::error_code error;
  if (!std::filesystem::is_directory(run + "/parameters", error)) {
    return absl::NotFoundError(
        absl::StrCat(run, " has no parameters/: only a run that finished its training has them"));
  }
  ASSIGN_OR_RETURN(Scenario scenario, ReadScenarioForJob(run + "/scenario.yaml", overrides));
  scenario.faults.clear();  // they were for the training
  return scenario;
}

int Complain(const absl::Status& status, int code) {
  std::cerr << "semlink: " << status.message() << "\n";
  return code;
}

int PrintSummary(const Scenario& scenario, const std::string& out, const std::string& format) {
  return PrintResult(out, "summary.json", format,
                     [&](const Json& summary) { return SummaryText(scenario, summary); });
}

int PrintInference(const std::string& out, const std::string& format) {
  return PrintResult(out, "infer.json", format, InferenceText);
}

}  // namespace semlink::cli
