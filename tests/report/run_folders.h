// Small run folders, written by hand, with figures that a test can compute itself.
#ifndef SEMLINK_TESTS_REPORT_RUN_FOLDERS_H_
#define SEMLINK_TESTS_REPORT_RUN_FOLDERS_H_

#include <map>
#include <string>
#include <vector>

#include "report/run_data.h"

namespace semlink::report {

struct RunSpec {
  int seed = 1;
  std::string method = "pom2dib";
  std::string name = "small";
  std::map<std::string, std::string> values;  // "beta", "e_t", ... instead of the usual ones
  int windows = 4;                            // lines of metrics.jsonl
  bool finished = true;                       // has a summary.json
  double accuracy = 0.9;                      // of every task in the summary
  double rate = 100;
  bool selection = false;  // lines have selection_probability
};

// A folder that is removed at the end of the test.
class RunFolders {
 public:
  RunFolders();
  ~RunFolders();
  RunFolders(const RunFolders&) = delete;
  RunFolders& operator=(const RunFolders&) = delete;

  // Writes a run folder; returns its path.
  std::string Write(const std::string& folder, const RunSpec& spec) const;
  std::string Path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Two transmitters with (noise, image_fft) and (mel), receivers parity and digit.
std::string ScenarioText(const RunSpec& spec);
// Window w: accuracy 0.5 + 0.1 w and 0.4 + 0.1 w, loss 1 / (w + 1) + seed, rate 10 (w + 1); link
// 1.2 -> 1 in 5 of 10 rounds at 20 nats, 2.1 -> 2 in all rounds at 30 nats; 768 bits each.
std::string MetricsLine(const RunSpec& spec, int window);

void WriteText(const std::string& path, const std::string& text);
std::string ReadText(const std::string& path);

// The line with that number, from 1; "" if there is none.
std::string LineOf(const std::string& text, int number);

// Reads back a run that must be readable.
RunData MustRead(const std::string& path, const std::string& name);

}  // namespace semlink::report

#endif  // SEMLINK_TESTS_REPORT_RUN_FOLDERS_H_
