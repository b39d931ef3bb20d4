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

// Adds up the CPU time of its scopes. Can be read inside a scope: a node reports from within the
// work that it reports.
class CpuMeter {
 public:
  class Scope {
   public:
    explicit Scope(CpuMeter* meter) : meter_(meter) { meter_->start_ = ThreadCpuSeconds(); }
    ~Scope() { meter_->Pause(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    CpuMeter* meter_;
  };

  // Seconds since the last Take, or since the start; begins anew. Inside a scope only.
  double Take() {
    Pause();
    const double taken = total_;
    total_ = 0;
    return taken;
  }

 private:
  void Pause() {
    const double now = ThreadCpuSeconds();
    total_ += now - start_;
    start_ = now;
  }

  double total_ = 0;
  double start_ = 0;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_THREAD_CPU_H_
