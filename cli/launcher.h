// Starts the nodes of one job on this machine, follows it, starts those again that die, and ends
// them all whatever happens.
#ifndef SEMLINK_CLI_LAUNCHER_H_
#define SEMLINK_CLI_LAUNCHER_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/process_group.h"
#include "cli/progress_printer.h"
#include "cli/run_monitor.h"
#include "cli/signal_waiter.h"
#include "cli/supervisor.h"
#include "common/base/clock.h"
#include "common/node/exit_code.h"
#include "common/scenario/scenario.h"

namespace semlink::cli {

inline constexpr char kNewCertificates[] = "true";  // what a flag without a value says

struct LaunchOptions {
  Scenario scenario;
  std::string out;                     // folder of the job; must be empty or missing ...
  bool resume = false;                 // ... unless the run in it is to go on
  std::string job = "train";           // train, evaluate, infer
  std::vector<std::string> arguments;  // further arguments of the coordinator ("--parameters", ...)
  bool inproc = false;                 // all nodes in one process
  int port = 0;                        // of the coordinator; 0: any
  // "": insecure, on the loopback interface. kNewCertificates: TLS, with certificates made for it
  // in OUT/certs. Else TLS with the certificates in this folder, which OUT/certs is a link to then.
  std::string tls;
  SupervisorOptions supervision;
  absl::Duration start_timeout = absl::Seconds(60);  // until the coordinator has its port
  absl::Duration end_timeout = absl::Seconds(20);    // from its end to that of the nodes
  absl::Duration kill_after = absl::Seconds(5);      // from SIGTERM to SIGKILL
};

// INVALID_ARGUMENT if `dir` exists and is no empty folder.
absl::Status CheckNewFolder(const std::string& dir);

// "20260131-235959", local time.
std::string TimeStamp(absl::Time time);

// Runs one job from start to end.
class Launcher {
 public:
  // `clock` is not owned and must outlive the launcher.
  Launcher(LaunchOptions options, Clock* clock);

  // Writes OUT/scenario.yaml and OUT/logs/, starts the processes, shows progress on standard error.
  // Explains failures there. When it returns no process is left.
  int Run();

 private:
  // Each step returns true to go on; else exit_ says why not.
  bool Prepare();
  bool StartAll();
  absl::Status CheckCertificates() const;
  absl::Status PrepareCertificates();
  // What each daemon is told about TLS.
  std::vector<std::string> SecurityArguments() const;
  bool WaitForPort(std::string* address);
  bool Watch();

  bool StartChild(const std::string& name, const std::string& program,
                  std::vector<std::string> arguments);
  std::vector<std::string> JobArguments() const;
  std::vector<std::string> CoordinatorArguments(bool resume, int port) const;

  // Takes signals and ended children; false once the run has to end.
  bool Step(absl::Duration wait);
  bool Interrupted(int signal);
  bool ChildEnded(const ChildExit& child);
  bool ChildFailed(ChildExit child);
  // Whether a child that ended in this way is to be started again.
  bool MayRestart(const ChildExit& child) const;
  bool RestartDue();
  void EndStragglers();
  bool CanResume() const;
  // Nothing, if the run can't be resumed or is finished.
  void SayHowToResume();
  // One line on standard error.
  void Say(const std::string& line);
  bool Fail(int code, const std::string& message);
  bool FailTimedOut(const std::string& message, const std::string& log_path);

  LaunchOptions options_;
  Clock* clock_;
  std::unique_ptr<SignalWaiter> signals_;
  ProcessGroup children_;
  RunMonitor monitor_;
  ProgressPrinter printer_;
  Supervisor supervisor_;
  std::map<std::string, ChildOptions> commands_;  // by child
  std::set<std::string> held_;                    // children that a fault keeps down
  std::string address_;                           // of the coordinator
  bool coordinator_ended_ = false;
  absl::Duration coordinator_ended_at_;
  int exit_ = kExitSuccess;
};

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_LAUNCHER_H_
