#include "tests/report/run_folders.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace semlink::report {

RunFolders::RunFolders() {
  std::string name = ::testing::TempDir() + "/semlink-report-XXXXXX";
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  path_ = name;
}

RunFolders::~RunFolders() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

void WriteText(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string ReadText(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::string LineOf(const std::string& text, int number) {
  std::istringstream lines(text);
  std::string line;
  for (int i = 0; i < number; ++i) {
    if (!std::getline(lines, line)) return "";
  }
  return line;
}

std::string ScenarioText(const RunSpec& spec) {
  const auto value = [&](const char* key, const char* usual) {
    const auto found = spec.values.find(key);
    return found == spec.values.end() ? std::string(usual) : found->second;
  };
  return absl::StrCat("name: ", spec.name, "\nseed: ", spec.seed,
                      "\ndata: {source: ", value("source", "av_mnist"),
                      ", root: ", value("root", "/data"), ", pairing: uniform}\n",
                      "transmitters:\n  - {modalities: [noise, image_fft], device: cpu}\n"
                      "  - {modalities: [mel], device: cpu}\n",
                      "receivers: [{task: parity, device: cpu}, {task: digit, device: cpu}]\n",
                      "method: {name: ", spec.method, ", preset: ", value("preset", "default"),
                      "}\n", "limits: {e_t: ", value("e_t", "1"), ", e_k: ", value("e_k", "2"),
                      "}\n", "training: {windows: ", value("windows", "4"),
                      ", rounds_per_window: 10, batch_size: 20, beta: ", value("beta", "0.001"),
                      ", gamma: ", value("gamma", "0"), ", learning_rate_codec: 1e-4",
                      ", learning_rate_selector: ", value("learning_rate_selector", "5e-5"), "}\n",
                      "rate: {estimator: marginal}\n");
}

std::string MetricsLine(const RunSpec& spec, int window) {
  const std::string selection =
      spec.selection ? ",\"selection_probability\":[[[0.1,0.6],[0]],[[0,0],[1]]]" : "";
  return absl::StrCat(
      "{\"window\":", window, ",\"kind\":\"train\",\"seconds\":0.5,\"loss\":[",
      1.0 / (window + 1) + spec.seed, ",2],\"cross_entropy\":[0.25,0.5],\"accuracy\":[",
      0.5 + 0.1 * window, ",", 0.4 + 0.1 * window, "],\"rate_nats\":", 10 * (window + 1),
      ",\"links_total\":1.5,\"selection_entropy\":[0.5,0.1],\"link\":["
      "{\"transmitter\":1,\"modality\":2,\"receiver\":1,\"rounds\":5,\"rate_nats\":20,"
      "\"coded_bits\":768},{\"transmitter\":2,\"modality\":1,\"receiver\":2,\"rounds\":10,"
      "\"rate_nats\":30,\"coded_bits\":768}],\"refused\":0",
      selection, "}\n");
}

std::string RunFolders::Write(const std::string& folder, const RunSpec& spec) const {
  const std::string path = Path(folder);
  std::filesystem::create_directories(path);
  WriteText(path + "/scenario.yaml", ScenarioText(spec));
  std::string metrics;
  for (int w = 0; w < spec.windows; ++w) metrics += MetricsLine(spec, w);
  WriteText(path + "/metrics.jsonl", metrics);
  WriteText(path + "/env.json",
            "{\"software\":\"semlink 0.1.0\",\"compiler\":\"12\",\"coordinator_machine\":{\"cpu\":"
            "\"a processor\",\"cores\":2},\"nodes\":[{\"node\":\"transmitter1\",\"address\":"
            "\"in process\"}]}\n");
  std::string events =
      "{\"time\":\"2026-01-31T12:00:00.000Z\",\"event\":\"training_started\",\"windows\":4}\n";
  if (spec.finished) {
    events += "{\"time\":\"2026-01-31T12:01:00.000Z\",\"event\":\"finished\"}\n";
    WriteText(path + "/summary.json",
              absl::StrCat("{\n  \"windows\": ", spec.windows, ",\n  \"accuracy\": [\n    ",
                           spec.accuracy, ",\n    ", spec.accuracy, "\n  ],\n  \"nce\": -0.5,\n",
                           "  \"rate_nats\": ", spec.rate, ",\n  \"links_mean\": 1.5,\n",
                           "  \"limits_exceeded\": 0,\n  \"seconds_per_window\": 0.5,\n",
                           "  \"message_bytes\": [\n    {\"transmitter\": 1, \"receiver\": 1, ",
                           "\"kind\": \"feature\", \"bytes\": 1500, \"messages\": 3},\n",
                           "    {\"node\": \"receiver1\", \"kind\": \"control\", \"bytes\": 70}\n",
                           "  ],\n  \"wire_bytes\": [\n    {\"transmitter\": 1, \"receiver\": 1, ",
                           "\"sent\": 1000, \"received\": 700, \"retransmitted\": 0, ",
                           "\"round_trip_us\": 250}\n  ],\n  \"parameters_sha256\": \"",
                           "0123456789abcdef\"\n}\n"));
  }
  WriteText(path + "/events.jsonl", events);
  return path;
}

RunData MustRead(const std::string& path, const std::string& name) {
  absl::StatusOr<RunData> run = ReadRun(path, name);
  EXPECT_TRUE(run.ok()) << run.status();
  return run.ok() ? *std::move(run) : RunData();
}

}  // namespace semlink::report
