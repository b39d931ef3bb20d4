// CPU time of the calling thread: what a node's own work costs, apart from the threads of the
// transport.
#ifndef SEMLINK_COMMON_BASE_THREAD_CPU_H_
#define SEMLINK_COMMON_BASE_THREAD_CPU_H_

#include <ctime>

namespace semlink {

inline double ThreadCpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Adds up what a clock of the calling thread shows to pass in its scopes. Can be read inside a
// scope: a node reports from within the work that it reports.
template <typename T, T (*Now)()>
class ThreadMeter {
 public:
  class Scope {
   public:
    explicit Scope(ThreadMeter* meter) : meter_(meter) { meter_->start_ = Now(); }
    ~Scope() { meter_->Pause(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    ThreadMeter* meter_;
  };

  // What passed since the last Take, or since the start; begins anew. Inside a scope only.
  T Take() {
    Pause();
    const T taken = total_;
    total_ = 0;
    return taken;
  }

 private:
  void Pause() {
    const T now = Now();
    total_ += now - start_;
    start_ = now;
  }

  T total_ = 0;
  T start_ = 0;
};

using CpuMeter = ThreadMeter<double, ThreadCpuSeconds>;

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_THREAD_CPU_H_
