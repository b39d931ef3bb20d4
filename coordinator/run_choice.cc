#include "coordinator/run_choice.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "common/scenario/reader.h"
#include "coordinator/sqlite.h"

namespace semlink::coordinator {
namespace {

namespace fs = std::filesystem;

// When the ledger of a run was last written; the beginning of time if there is none.
fs::file_time_type LastWrite(const fs::path& run) {
  std::error_code error;
  const auto time = fs::last_write_time(run / "ledger.sqlite", error);
  return error ? fs::file_time_type::min() : time;
}

// The folder below `runs` whose ledger was written last; empty if there is none.
fs::path NewestRun(const std::string& runs) {
  fs::path newest;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(runs, error)) {
    if (entry.is_symlink(error) || LastWrite(entry.path()) == fs::file_time_type::min()) continue;
    if (newest.empty() || LastWrite(entry.path()) > LastWrite(newest)) newest = entry.path();
  }
  return newest;
}

bool IsFinished(const fs::path& run) {
  return FileExists(run / "summary.json") || FileExists(run / "infer.json");
}

bool IsRunOf(const fs::path& run, const Scenario& scenario) {
  const absl::StatusOr<std::string> text = ReadFile(run / "scenario.yaml");
  return text.ok() && *text == EmitScenario(scenario);
}

// NOT_FOUND if the ledger names no job.
absl::StatusOr<JobOptions> JobOf(const fs::path& run) {
  ASSIGN_OR_RETURN(Database database, Database::Open(run / "ledger.sqlite", Access::kRead));
  ASSIGN_OR_RETURN(Statement read, database.Prepare("SELECT job, draws, samples, batch, in_flight "
                                                    "FROM run"));
  ASSIGN_OR_RETURN(const bool found, read.Step());
  if (!found) return absl::NotFoundError("the table run is empty");
  JobOptions job;
  ASSIGN_OR_RETURN(job.kind, ParseJobKind(read.Text(0)));
  job.draws = static_cast<int>(read.Int(1));
  job.samples = read.Int(2);
  job.batch = static_cast<int>(read.Int(3));
  job.in_flight = static_cast<int>(read.Int(4));
  return job;
}

bool DoesJob(const fs::path& run, const JobOptions& job) {
  const absl::StatusOr<JobOptions> there = JobOf(run);
  return !there.ok() ||
         (there->kind == job.kind && there->draws == job.draws && there->samples == job.samples &&
          there->batch == job.batch && there->in_flight == job.in_flight);
}

// Replaces a link that is there, at once.
absl::Status PointTo(const fs::path& target, const fs::path& link) {
  const fs::path fresh = link.string() + ".new";
  std::error_code error;
  fs::remove(fresh, error);  // left by somebody who was killed here
  fs::create_directory_symlink(target, fresh, error);
  if (!error) fs::rename(fresh, link, error);
  if (!error) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("can't make the link ", link.string(), ": ", error.message()));
}

}  // namespace

absl::StatusOr<RunChoice> ChooseRun(const std::string& runs, const Scenario& scenario,
                                    const JobOptions& job, absl::Time now) {
  if (const absl::Status made = MakeDirs(runs); !made.ok()) return made;
  const fs::path newest = NewestRun(runs);
  const bool ours = !newest.empty() && IsRunOf(newest, scenario) && DoesJob(newest, job);
  const bool finished = ours && IsFinished(newest);
  RunChoice choice;
  choice.resume = ours && !finished;
  if (finished) choice.finished = newest;
  const std::string time = absl::FormatTime("%Y%m%d-%H%M%S", now, absl::UTCTimeZone());
  choice.dir = choice.resume ? newest.string() : absl::StrCat(runs, "/", scenario.name, "-", time);
  return choice;
}

absl::Status LinkRun(const std::string& run, const std::string& certificates) {
  const fs::path path(run);
  const absl::Status latest = PointTo(path.filename(), path.parent_path() / "latest");
  if (!latest.ok() || certificates.empty()) return latest;
  std::error_code error;
  return PointTo(fs::absolute(certificates, error).lexically_normal(), path / "certs");
}

}  // namespace semlink::coordinator
