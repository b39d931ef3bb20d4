// What both kinds of node say about the costs of a window.
#ifndef SEMLINK_COMMON_METHOD_NODE_REPORT_H_
#define SEMLINK_COMMON_METHOD_NODE_REPORT_H_

#include "common/method/window_plan.h"
#include "common/transport/transport.h"
#include "semlink/v1/message.pb.h"

namespace semlink::method {

// A Report of `plan`'s window with the CPU time, peak memory, and the traffic so far. cpu_seconds:
// spent since the report before, so the optimiser step of a window counts in the report of the next
// one.
v1::Report StartReport(const WindowPlan& plan, const Transport& transport, double cpu_seconds);

}  // namespace semlink::method

#endif  // SEMLINK_COMMON_METHOD_NODE_REPORT_H_
