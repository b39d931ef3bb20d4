#include "coordinator/operator_service.h"

#include <spdlog/spdlog.h>

#include "absl/strings/str_cat.h"
#include "common/transport/protocol.h"

namespace semlink::coordinator {

v1::StatusReply ToReply(const RunStatus& status) {
  v1::StatusReply reply;
  reply.set_run_id(status.run_id);
  reply.set_scenario(status.scenario);
  reply.set_phase(status.phase);
  reply.set_window(status.window);
  reply.set_windows(status.windows);
  reply.set_seconds_per_window(status.seconds_per_window);
  reply.mutable_accuracy()->Add(status.accuracy.begin(), status.accuracy.end());
  reply.set_refusals(status.refusals);
  for (const Member& member : status.members) {
    v1::NodeStatus* node = reply.add_node();
    *node->mutable_node() = ToProto(member.id);
    node->set_up(member.state != MemberState::kAwaited && member.state != MemberState::kLost);
    node->set_address(member.address);
    node->set_pid(member.pid);
    node->set_refusals(member.refusals);
    node->set_peak_rss_bytes(member.peak_rss_bytes);
  }
  return reply;
}

grpc::ServerUnaryReactor* OperatorService::GetStatus(grpc::CallbackServerContext* context,
                                                     const v1::StatusRequest* request,
                                                     v1::StatusReply* reply) {
  *reply = ToReply(board_->Read());
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* OperatorService::StopRun(grpc::CallbackServerContext* context,
                                                   const v1::StopRequest* request,
                                                   v1::StopReply* reply) {
  spdlog::warn("{} asks for the end of the run: {}", context->peer(), request->reason());
  board_->RequestStop(absl::StrCat("by an operator: ", request->reason()));
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace semlink::coordinator
