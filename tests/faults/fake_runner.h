// A machine's network as tc and nft would show it, without one.
#ifndef SEMLINK_TESTS_FAULTS_FAKE_RUNNER_H_
#define SEMLINK_TESTS_FAULTS_FAKE_RUNNER_H_

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "common/faults/command_runner.h"

namespace semlink {

// Keeps tables and root queues, so that a test sees what is left. Thread-safe.
class FakeRunner : public CommandRunner {
 public:
  absl::StatusOr<std::string> Run(const Command& command) override {
    absl::MutexLock lock(&mutex_);
    const std::string text = absl::StrJoin(command.words, " ");
    log_.push_back(text);
    for (const auto& [part, status] : failures_) {
      if (absl::StrContains(text, part) || absl::StrContains(command.input, part)) {
        return absl::Status(status.code(), absl::StrCat(text, ": ", status.message()));
      }
    }
    return Act(command, text);
  }

  // Every command in which `part` occurs fails so from now on; OK: no more.
  void Fail(const std::string& part, const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    if (status.ok()) {
      failures_.erase(part);
    } else {
      failures_[part] = status;
    }
  }
  // The next change of the tables is done, and fails so nevertheless.
  void FailOnceDone(const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    too_late_ = status;
  }
  void AddTable(const std::string& name) {
    absl::MutexLock lock(&mutex_);
    tables_[name] = "";
  }
  void SetRoot(const std::string& device, const std::string& root) {
    absl::MutexLock lock(&mutex_);
    roots_[device] = root;
  }

  std::map<std::string, std::string> tables() const {
    absl::MutexLock lock(&mutex_);
    return tables_;
  }
  std::string root(const std::string& device) const {
    absl::MutexLock lock(&mutex_);
    return Root(device);
  }
  std::vector<std::string> TakeLog() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(log_, {});
  }

 private:
  std::string Root(const std::string& device) const {
    const auto found = roots_.find(device);
    return found == roots_.end() ? "noqueue 0:" : found->second;
  }
  std::string Shown(const std::string& device) const {
    return absl::StrCat("qdisc ", Root(device), " dev ", device, " root refcnt 2 \n");
  }

  absl::StatusOr<std::string> Act(const Command& command, const std::string& text) {
    const std::vector<std::string>& words = command.words;
    if (text == "nft list tables") {
      std::string list = "table ip nat\n";
      for (const auto& [name, rules] : tables_) absl::StrAppend(&list, "table inet ", name, "\n");
      return list;
    }
    if (text == "nft -f -") {
      const std::vector<std::string> lines = absl::StrSplit(command.input, '\n');
      const std::string table = lines[0].substr(lines[0].rfind(' ') + 1);
      tables_.erase(table);
      if (absl::StrContains(command.input, absl::StrCat("\ntable inet ", table, " {"))) {
        tables_[table] = command.input;
      }
      if (const absl::Status late = std::exchange(too_late_, absl::OkStatus()); !late.ok()) {
        return late;
      }
      return "";
    }
    if (absl::StartsWith(text, "ip -o route get ")) {
      return absl::StrCat(words.back(), " dev eth", words.back().substr(words.back().size() - 1),
                          " src 10.0.0.1 uid 0\n");
    }
    if (text == "tc qdisc show") {
      std::string list;
      for (const auto& [device, root] : roots_) list += Shown(device);
      return list;
    }
    if (absl::StartsWith(text, "tc qdisc show dev ")) return Shown(words.back());
    if (absl::StartsWith(text, "tc qdisc add dev ") && words[5] == "root") {
      roots_[words[4]] = "htb 5e1:";
    } else if (absl::StartsWith(text, "tc qdisc del dev ")) {
      if (Root(words[4]) != "htb 5e1:") return absl::FailedPreconditionError("invalid handle");
      roots_.erase(words[4]);
    }
    return "";
  }

  mutable absl::Mutex mutex_;
  std::map<std::string, absl::Status> failures_ ABSL_GUARDED_BY(mutex_);
  absl::Status too_late_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> tables_ ABSL_GUARDED_BY(mutex_);  // name -> what made it
  std::map<std::string, std::string> roots_ ABSL_GUARDED_BY(mutex_);   // device -> kind, handle
  std::vector<std::string> log_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace semlink

#endif  // SEMLINK_TESTS_FAULTS_FAKE_RUNNER_H_
