// `semlink data check`: says what is in a data folder.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/table.h"
#include "common/base/json.h"
#include "common/data/layout.h"
#include "common/node/exit_code.h"

namespace semlink::cli {
namespace {

struct CheckOptions {
  std::string dir;
  std::string format = "text";
};

void PrintJson(const std::vector<data::CheckedFile>& files, bool ok) {
  Json list = Json::array();
  for (const data::CheckedFile& file : files) {
    list.push_back({{"path", file.path},
                    {"what", file.what},
                    {"bytes", file.bytes},
                    {"sha256", file.sha256},
                    {"ok", file.ok},
                    {"verdict", file.verdict}});
  }
  const Json out = {{"ok", ok}, {"files", std::move(list)}};
  std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

void PrintText(const std::vector<data::CheckedFile>& files) {
  constexpr size_t kDigitsShown = 12;
  Table table({{"file"}, {"holds"}, {"size", Align::kRight}, {"sha256"}, {"verdict"}});
  for (const data::CheckedFile& file : files) {
    table.AddRow({file.path, file.what, FormatBytes(static_cast<double>(file.bytes)),
                  file.sha256.substr(0, kDigitsShown), file.verdict});
  }
  std::cout << table.ToString();
}

int Check(const CheckOptions& options) {
  const absl::StatusOr<std::vector<data::CheckedFile>> files = data::CheckFolder(options.dir);
  if (!files.ok()) return Complain(files.status(), kExitUsage);
  bool ok = true;
  for (const data::CheckedFile& file : *files) ok = ok && file.ok;
  if (options.format == "json") {
    PrintJson(*files, ok);
  } else {
    PrintText(*files);
  }
  return ok ? kExitSuccess : kExitFailed;
}

}  // namespace

void AddDataCommand(CLI::App* app, Action* chosen) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* data =
      AddCommand(app, "data", "Look after data folders", "  semlink data check /data/av_mnist\n");
  data->require_subcommand(1);
  CLI::App* check = AddCommand(
      data, "check", "Read an AV-MNIST folder whole and compare it with the published files",
      "  semlink data check /data/av_mnist        exits with 1 if a file is missing or not "
      "right\n");
  check->add_option("dir", options->dir, "Folder with mnist/ and fsdd/recordings/")->required();
  AddFormatOption(check, &options->format);
  check->callback([options, chosen] { *chosen = [options] { return Check(*options); }; });
}

}  // namespace semlink::cli
