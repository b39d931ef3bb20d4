// env.json: on what a run was made.
#ifndef SEMLINK_COORDINATOR_ENVIRONMENT_H_
#define SEMLINK_COORDINATOR_ENVIRONMENT_H_

#include "common/scenario/scenario.h"
#include "coordinator/membership.h"
#include "coordinator/metrics.h"

namespace semlink::coordinator {

// Software, protocol, compiler, this machine (kernel, processor, cores, memory), and every node
// with its device.
Json EnvironmentJson(const Scenario& scenario, const Membership& membership);

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_ENVIRONMENT_H_
