#include "coordinator/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/file_system.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/scenario/reader.h"
#include "common/store/safetensors.h"
#include "common/transport/protocol.h"

namespace semlink::coordinator {
namespace {

// Files that only a run leaves.
constexpr const char* kRunFiles[] = {"ledger.sqlite", "metrics.jsonl", "events.jsonl",
                                     "summary.json"};

absl::Status AppendLine(std::ofstream& file, const std::string& name, const Json& line) {
  file << line.dump() << '\n' << std::flush;
  if (file.good()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("can't write ", name, ": is the disk full?"));
}

absl::Status FromError(const std::error_code& error, const std::string& what) {
  if (!error) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(what, ": ", error.message()));
}

// Removes what stands after the last newline: a line whose writer was killed. Whoever follows the
// file goes on with it, so it stays the same file.
absl::Status CutTornLine(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (absl::IsNotFound(text.status())) return absl::OkStatus();
  RETURN_IF_ERROR(text.status());
  const size_t end = text->rfind('\n');
  const size_t whole = end == std::string::npos ? 0 : end + 1;
  if (whole == text->size()) return absl::OkStatus();
  std::error_code error;
  std::filesystem::resize_file(path, whole, error);
  return FromError(error, absl::StrCat("can't cut the torn last line off ", path));
}

std::string ParametersFile(const std::string& dir, const NodeId& node) {
  return absl::StrCat(dir, "/", node.ToString(), ".safetensors");
}

}  // namespace

absl::StatusOr<std::unique_ptr<RunFolder>> RunFolder::Create(const std::string& dir,
                                                             const Scenario& scenario) {
  for (const char* name : kRunFiles) {
    if (FileExists(absl::StrCat(dir, "/", name))) {
      return absl::AlreadyExistsError(
          absl::StrCat(dir, " holds a run (", name, "): choose another folder, or delete it"));
    }
  }
  RETURN_IF_ERROR(MakeDirs(dir));
  ASSIGN_OR_RETURN(Lock lock, Lock::Take(dir));
  auto folder = std::unique_ptr<RunFolder>(new RunFolder(dir, std::move(lock)));
  RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(dir, "/scenario.yaml"), EmitScenario(scenario)));
  RETURN_IF_ERROR(folder->OpenLines());
  return folder;
}

absl::StatusOr<std::unique_ptr<RunFolder>> RunFolder::Open(const std::string& dir) {
  if (!FileExists(absl::StrCat(dir, "/ledger.sqlite"))) {
    return absl::NotFoundError(absl::StrCat(dir, " holds no run: there is no ledger.sqlite"));
  }
  ASSIGN_OR_RETURN(Lock lock, Lock::Take(dir));
  auto folder = std::unique_ptr<RunFolder>(new RunFolder(dir, std::move(lock)));
  RETURN_IF_ERROR(CutTornLine(absl::StrCat(dir, "/events.jsonl")));
  RETURN_IF_ERROR(folder->OpenLines());
  return folder;
}

absl::StatusOr<RunFolder::Lock> RunFolder::Lock::Take(const std::string& dir) {
  Lock lock(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.fd_ < 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("can't open the folder ", dir, ": ", std::strerror(errno)));
  }
  if (flock(lock.fd_, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) {
    return absl::FailedPreconditionError(
        absl::StrCat(dir, " is in use: another coordinator runs there"));
  }
  return absl::InternalError(absl::StrCat("can't lock ", dir, ": ", std::strerror(errno)));
}

RunFolder::Lock::~Lock() {
  if (fd_ >= 0) close(fd_);
}

absl::Status RunFolder::OpenLines() {
  metrics_.open(absl::StrCat(dir_, "/metrics.jsonl"), std::ios::app);
  events_.open(absl::StrCat(dir_, "/events.jsonl"), std::ios::app);
  if (metrics_.is_open() && events_.is_open()) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("can't create files in ", dir_));
}

absl::Status RunFolder::CheckScenario(const std::string& text) {
  const std::string path = absl::StrCat(dir_, "/scenario.yaml");
  const absl::StatusOr<std::string> present = ReadFile(path);
  if (absl::IsNotFound(present.status())) return WriteFileAtomically(path, text);
  RETURN_IF_ERROR(present.status());
  if (*present == text) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(path,
                   " has been changed since the run was started, and a run goes on with the "
                   "scenario that it began with. Delete the file to get that one back, or "
                   "start a new run"));
}

absl::Status RunFolder::WriteJson(const std::string& name, const Json& json) {
  return WriteFileAtomically(absl::StrCat(dir_, "/", name), json.dump(2) + "\n");
}

absl::Status RunFolder::AppendMetrics(const Json& line) {
  return AppendLine(metrics_, "metrics.jsonl", line);
}

absl::Status RunFolder::ReplaceMetrics(const std::vector<Json>& lines) {
  std::string text;
  for (const Json& line : lines) absl::StrAppend(&text, line.dump(), "\n");
  const std::string path = absl::StrCat(dir_, "/metrics.jsonl");
  RETURN_IF_ERROR(WriteFileAtomically(path, text));
  metrics_.close();  // it is the old file
  metrics_.open(path, std::ios::app);
  if (metrics_.is_open()) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("can't open ", path));
}

bool RunFolder::has_parameters() const {
  return std::filesystem::is_directory(dir_ + "/parameters");
}

absl::Status RunFolder::AppendEvent(absl::Time time, const std::string& event, const Json& fields) {
  Json line = {{"time", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone())},
               {"event", event}};
  line.update(fields);
  return AppendLine(events_, "events.jsonl", line);
}

absl::Status RunFolder::WriteParameters(const ParametersByNode& parameters) {
  const std::string final_dir = dir_ + "/parameters";
  const std::string writing = final_dir + ".writing";
  std::error_code error;
  std::filesystem::remove_all(writing, error);  // left by a run that was killed here
  RETURN_IF_ERROR(FromError(error, absl::StrCat("can't remove ", writing)));
  RETURN_IF_ERROR(MakeDirs(writing));
  for (const auto& [node, tensors] : parameters) {
    store::TensorFile file;
    file.tensors = tensors.tensor();
    file.metadata = {{"node", node.ToString()}, {"software", kSoftware}};
    RETURN_IF_ERROR(store::WriteSafetensors(ParametersFile(writing, node), file));
  }
  std::filesystem::remove_all(final_dir, error);  // left by a coordinator that ended just here
  RETURN_IF_ERROR(FromError(error, absl::StrCat("can't remove ", final_dir)));
  std::filesystem::rename(writing, final_dir, error);
  return FromError(error, absl::StrCat("can't rename ", writing, " to ", final_dir));
}

absl::StatusOr<ParametersByNode> ReadParameters(const std::string& dir, const Scenario& scenario) {
  ParametersByNode parameters;
  for (const NodeId& node : MembersOf(scenario.K(), scenario.T())) {
    ASSIGN_OR_RETURN(store::TensorFile file, store::ReadSafetensors(ParametersFile(dir, node)));
    *parameters[node].mutable_tensor() = std::move(file.tensors);
  }
  return parameters;
}

std::string CheckParameters(const v1::Parameters& parameters) {
  std::set<std::string> names;
  for (const v1::NamedTensor& named : parameters.tensor()) {
    uint64_t elements = 1;
    for (uint32_t size : named.tensor().shape()) elements *= size;
    if (named.name().empty() || !names.insert(named.name()).second) {
      return absl::StrCat("tensor name '", named.name(), "' is empty or used twice");
    }
    if (named.tensor().dtype() != v1::Tensor::FLOAT32) {
      return absl::StrCat("tensor ", named.name(), " is not float32");
    }
    if (named.tensor().data().size() != elements * sizeof(float)) {
      return absl::StrCat("tensor ", named.name(), " has ", named.tensor().data().size(),
                          " bytes, its shape needs ", elements * sizeof(float));
    }
  }
  return names.empty() ? "it holds no tensor" : "";
}

std::string ParametersSha256(const ParametersByNode& parameters) {
  Sha256 digest;
  for (const auto& [node, tensors] : parameters) {
    for (const v1::NamedTensor& named : tensors.tensor()) digest.Update(named.tensor().data());
  }
  return digest.Finish();
}

}  // namespace semlink::coordinator
