// CPU time of the calling thread: what a node's own work costs, apart from the threads of the transport.
#ifndef SEMLINK_COMMON_BASE_THREAD_CPU_H_
#define SEMLINK_COMMON_BASE_THREAD_CPU_H_

#include <ctime>

namespace semlink {

inline double ThreadCpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Adds the CPU time of its scope to *total.
class ScopedCpuTimer {
 public:
  explicit ScopedCpuTimer(double* total) : total_(total), start_(ThreadCpuSeconds()) {}
  ~ScopedCpuTimer() { *total_ += ThreadCpuSeconds() - start_; }
  ScopedCpuTimer(const ScopedCpuTimer&) = delete;
  ScopedCpuTimer& operator=(const ScopedCpuTimer&) = delete;

 private:
  double* total_;
  double start_;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_THREAD_CPU_H_
