#include "cli/port_file.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/file_system.h"

namespace semlink::cli {

std::string PortFile(const std::string& run) { return run + "/coordinator.port"; }

absl::StatusOr<std::string> ReadCoordinatorAddress(const std::string& run) {
  const absl::StatusOr<std::string> text = ReadFile(PortFile(run));
  if (text.ok()) {
    const std::string address(absl::StripAsciiWhitespace(*text));
    int port = 0;
    if (absl::SimpleAtoi(address, &port)) return absl::StrCat("127.0.0.1:", port);
    if (absl::StrContains(address, ':')) return address;
  }
  return absl::NotFoundError(absl::StrCat(
      run, " has no coordinator.port: no run was started there by `semlink run` over gRPC"));
}

absl::StatusOr<std::string> FindNewestRun(const std::string& parent) {
  std::error_code error;
  std::string newest;
  std::filesystem::file_time_type newest_time;
  for (const auto& entry : std::filesystem::directory_iterator(parent, error)) {
    const std::string run = entry.path().string();
    std::error_code missing;
    const auto time = std::filesystem::last_write_time(PortFile(run), missing);
    if (missing || (!newest.empty() && time <= newest_time)) continue;
    newest = run;
    newest_time = time;
  }
  if (!newest.empty()) return newest;
  return absl::NotFoundError(absl::StrCat(
      "no run in ", parent, "/: name a run folder, or an address with --coordinator HOST:PORT"));
}

}  // namespace semlink::cli
