// `semlink export`: the parameters of a run, or a checkpoint, for other programs.
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/process_group.h"
#include "common/base/errno_status.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "common/node/exit_code.h"
#include "common/store/safetensors.h"

namespace semlink::cli {
namespace {

constexpr char kEnding[] = ".safetensors";

struct ExportOptions {
  std::string from;
  std::string out;
  std::string format = "torch";
};

// The safetensors files that `from` stands for.
absl::StatusOr<std::vector<std::string>> Sources(const std::string& from) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(from, ignored)) {
    if (absl::EndsWith(from, kEnding)) return std::vector<std::string>{from};
    return absl::InvalidArgumentError(
        absl::StrCat(from, " is no ", kEnding,
                     " file: name one of a run's parameters/ or checkpoints/, or the run "
                     "folder"));
  }
  const std::string folder = absl::StrCat(from, "/parameters");
  if (!FileExists(folder)) {
    return absl::NotFoundError(
        absl::StrCat(from, " is neither a finished run (it has no parameters/) nor a file"));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFiles(folder));
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (absl::EndsWith(name, kEnding)) files.push_back(absl::StrCat(folder, "/", name));
  }
  if (files.empty()) return absl::NotFoundError(absl::StrCat(folder, " holds no parameters"));
  return files;
}

absl::Status CopyAll(const std::vector<std::string>& files, const std::string& out) {
  RETURN_IF_ERROR(MakeDirs(out));
  for (const std::string& from : files) {
    const std::string to = absl::StrCat(out, "/", std::filesystem::path(from).filename().string());
    ASSIGN_OR_RETURN(const std::string bytes, ReadFile(from));
    RETURN_IF_ERROR(
        store::DecodeSafetensors(bytes, from).status());  // what is damaged is not passed on
    RETURN_IF_ERROR(WriteFileAtomically(to, bytes));
    std::cout << to << "\n";
  }
  return absl::OkStatus();
}

// Becomes semlink-export.
absl::Status Execute(const std::vector<std::string>& files, const std::string& out) {
  ASSIGN_OR_RETURN(const std::string program, FindProgram("semlink-export"));
  std::vector<std::string> arguments = {program, "--out", out};
  arguments.insert(arguments.end(), files.begin(), files.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  return ErrnoStatus(errno, "start", program);
}

int Export(const ExportOptions& options) {
  const absl::StatusOr<std::vector<std::string>> files = Sources(options.from);
  if (!files.ok()) return Complain(files.status(), kExitUsage);
  const std::string out =
      !options.out.empty() ? options.out : absl::StrCat(options.from, "/export");
  const absl::Status status =
      options.format == "torch" ? Execute(*files, out) : CopyAll(*files, out);
  return status.ok() ? kExitSuccess : Complain(status, kExitFailed);
}

}  // namespace

void AddExportCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command =
      AddCommand(app, "export", "Write trained parameters, or a checkpoint, for other programs",
                 "  semlink export runs/first                              for Python: torch.load\n"
                 "  semlink export runs/first --format safetensors --out parameters\n"
                 "  semlink export state/receiver1/window-000050.safetensors --out checkpoint\n");
  command->add_option("from", options->from, "Folder of a finished run, or a safetensors file")
      ->required();
  command
      ->add_option("--format", options->format,
                   "torch: NAME.pt, a dictionary of tensors by name; safetensors: NAME.safetensors")
      ->check(CLI::IsMember({"torch", "safetensors"}))
      ->capture_default_str();
  command->add_option("--out", options->out, "Folder to write to; FROM/export without it");
  command->callback([options, chosen] {
    if (options->out.empty() && absl::EndsWith(options->from, kEnding)) {
      throw CLI::ValidationError("--out", "say where to write what comes of a file");
    }
    *chosen = [options] { return Export(*options); };
  });
}

}  // namespace semlink::cli
