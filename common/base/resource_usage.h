// What this process has used so far.
#ifndef SEMLINK_COMMON_BASE_RESOURCE_USAGE_H_
#define SEMLINK_COMMON_BASE_RESOURCE_USAGE_H_

#include <cstdint>

namespace semlink {

// CPU time of all threads of this process, seconds.
double ProcessCpuSeconds();

// The most memory this process has had resident at once, bytes.
uint64_t PeakRssBytes();

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_RESOURCE_USAGE_H_
