#include "report/tensorboard.h"

#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "report/tensorboard_event.pb.h"

namespace semlink::report {
namespace {

constexpr uint32_t kMaskDelta = 0xa282ead8;

std::array<uint32_t, 256> CrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0);
    table[i] = crc;
  }
  return table;
}

std::string LittleEndian(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFF);
  return out;
}

// TFRecord's masking: the CRC of data that contain CRCs is a poor one.
std::string MaskedCrc(absl::string_view bytes) {
  const uint32_t crc = Crc32c(bytes);
  return LittleEndian(((crc >> 15) | (crc << 17)) + kMaskDelta, 4);
}

void AddScalar(const std::string& tag, double value, tensorboard::Summary* summary) {
  if (!std::isfinite(value)) return;
  tensorboard::Summary::Value* entry = summary->add_value();
  entry->set_tag(tag);
  entry->set_simple_value(static_cast<float>(value));
}

std::string TaskTag(const std::string& group, const std::string& key, const RunData& run, int t) {
  return absl::StrCat(group, "/", key, "/", t + 1, " ", run.tasks[t]);
}

tensorboard::Event WindowEvent(const RunData& run, const WindowLine& line, double time) {
  tensorboard::Event event;
  event.set_wall_time(time);
  event.set_step(line.window);
  for (const auto& [key, value] : line.scalars) {
    if (key != "window") AddScalar(absl::StrCat("train/", key), value, event.mutable_summary());
  }
  for (const auto& [key, values] : line.per_receiver) {
    for (int t = 0; t < run.T(); ++t) {
      AddScalar(TaskTag("train", key, run, t), values[t], event.mutable_summary());
    }
  }
  return event;
}

tensorboard::Event EvaluationEvent(const RunData& run, double time) {
  tensorboard::Event event;
  event.set_wall_time(time);
  event.set_step(run.windows.empty() ? 0 : run.windows.back().window);
  for (const char* key : {"nce", "rate_nats", "links_mean"}) {
    const std::optional<Figure> figure = run.Summary(absl::StrCat("/", key));
    if (figure) AddScalar(absl::StrCat("evaluation/", key), figure->value, event.mutable_summary());
  }
  for (const char* key : {"accuracy", "nce_per_task", "mpjpe_mm", "pa_mpjpe_mm"}) {
    for (int t = 0; t < run.T(); ++t) {
      const std::optional<Figure> figure = run.Summary(absl::StrCat("/", key, "/", t));
      if (figure) {
        AddScalar(TaskTag("evaluation", key, run, t), figure->value, event.mutable_summary());
      }
    }
  }
  return event;
}

// One path component, unlike those before it: "a/b" and "a_b" are two runs.
std::string FolderName(const std::string& run, std::set<std::string>* taken) {
  std::string plain = absl::StrReplaceAll(run, {{"/", "_"}});
  while (!plain.empty() && plain.front() == '.') plain.erase(0, 1);  // ".." stays inside
  if (plain.empty()) plain = "run";
  std::string name = plain;
  for (int number = 2; !taken->insert(name).second; ++number) {
    name = absl::StrCat(plain, "-", number);
  }
  return name;
}

}  // namespace

uint32_t Crc32c(absl::string_view bytes) {
  static const std::array<uint32_t, 256> kTable = CrcTable();
  uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes)
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~crc;
}

std::string TfRecord(absl::string_view data) {
  const std::string length = LittleEndian(data.size(), 8);
  return absl::StrCat(length, MaskedCrc(length), data, MaskedCrc(data));
}

std::string EventFile(const RunData& run) {
  double time = absl::ToDoubleSeconds(run.Start() - absl::UnixEpoch());
  tensorboard::Event first;
  first.set_wall_time(time);
  first.set_file_version("brain.Event:2");
  std::string out = TfRecord(first.SerializeAsString());
  for (const WindowLine& line : run.windows) {
    const auto seconds = line.scalars.find("seconds");
    if (seconds != line.scalars.end() && std::isfinite(seconds->second)) time += seconds->second;
    out += TfRecord(WindowEvent(run, line, time).SerializeAsString());
  }
  if (run.summary.is_object()) out += TfRecord(EvaluationEvent(run, time).SerializeAsString());
  return out;
}

absl::StatusOr<std::vector<std::string>> WriteEventFiles(const std::vector<RunData>& runs,
                                                         const std::string& directory) {
  std::vector<std::string> paths;
  std::set<std::string> taken;
  for (const RunData& run : runs) {
    const std::string folder = absl::StrCat(directory, "/", FolderName(run.name, &taken));
    RETURN_IF_ERROR(MakeDirs(folder));
    paths.push_back(absl::StrCat(folder, "/events.out.tfevents.", absl::ToUnixSeconds(run.Start()),
                                 ".semlink"));
    RETURN_IF_ERROR(WriteFileAtomically(paths.back(), EventFile(run)));
  }
  return paths;
}

}  // namespace semlink::report
