#include "coordinator/operator_service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/faults/fault_spec.h"
#include "common/transport/protocol.h"
#include "coordinator/add_fault_reactor.h"

namespace semlink::coordinator {
namespace {

void AppendFaults(const std::vector<FaultView>& faults,
                  google::protobuf::RepeatedPtrField<v1::ActiveFault>* out) {
  for (const FaultView& view : faults) {
    v1::ActiveFault* active = out->Add();
    *active->mutable_fault() = view.fault;
    if (view.left == absl::InfiniteDuration()) continue;  // 0: until it is cleared
    active->set_seconds_left(std::max(absl::ToDoubleSeconds(view.left), 1e-3));
  }
}

void AppendIdentityRefusals(const PeerCheck& check, v1::StatusReply* reply) {
  const std::array<uint64_t, kIdentityRefusals> refusals = check.refusals();
  for (int reason = 0; reason < kIdentityRefusals; ++reason) {
    if (refusals[reason] == 0) continue;
    v1::IdentityRefusal* refusal = reply->add_identity_refusal();
    refusal->set_reason(IdentityRefusalName(static_cast<IdentityRefusal>(reason)));
    refusal->set_count(refusals[reason]);
    reply->set_refusals(reply->refusals() + refusals[reason]);
  }
  const std::map<NodeId, uint64_t> by_node = check.refusals_by_node();
  for (v1::NodeStatus& node : *reply->mutable_node()) {
    const auto it = by_node.find(FromProto(node.node()));
    if (it != by_node.end()) node.set_refusals(node.refusals() + it->second);
  }
}

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context, const grpc::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

// Links are directed; a pair has a fault if one of its directions has.
bool IsOn(const std::vector<std::pair<NodeId, NodeId>>& links, const PairView& pair) {
  return std::any_of(links.begin(), links.end(), [&](const std::pair<NodeId, NodeId>& link) {
    return link == std::make_pair(pair.a, pair.b) || link == std::make_pair(pair.b, pair.a);
  });
}

int Count(const std::vector<Member>& members, Role role) {
  return static_cast<int>(std::count_if(members.begin(), members.end(), [&](const Member& member) {
    return member.id.role == role;
  }));
}

}  // namespace

void FillPairs(const RunStatus& status, const std::vector<FaultView>& faults, absl::Time now,
               v1::LinksReply* reply) {
  const int transmitters = Count(status.members, Role::kTransmitter);
  const int receivers = Count(status.members, Role::kReceiver);
  std::map<std::pair<NodeId, NodeId>, v1::PairFigures> carried;
  for (v1::PairFigures& pair : *reply->mutable_pair()) {
    carried[{FromProto(pair.a()), FromProto(pair.b())}] = std::move(pair);
  }
  reply->clear_pair();
  for (const PairView& view : status.pairs) {
    v1::PairFigures* pair = reply->add_pair();
    *pair = std::move(carried[{view.a, view.b}]);
    *pair->mutable_a() = ToProto(view.a);
    *pair->mutable_b() = ToProto(view.b);
    pair->set_up(view.up);
    pair->set_state(view.up ? "up" : absl::StrCat("down: ", view.why));
    pair->set_state_seconds(std::max(0.0, absl::ToDoubleSeconds(now - view.since)));
  }
  for (const FaultView& fault : faults) {
    if (IsProcessFault(fault.fault.kind())) continue;
    const auto links = FaultLinks(fault.fault, transmitters, receivers);
    for (size_t i = 0; i < status.pairs.size(); ++i) {
      if (!IsOn(links, status.pairs[i])) continue;
      v1::PairFigures* pair = reply->mutable_pair(static_cast<int>(i));
      pair->set_state(absl::StrCat(pair->state(), ", fault ", fault.fault.id(), " (",
                                   FaultKindName(fault.fault.kind()), ")"));
    }
  }
}

v1::StatusReply ToReply(const RunStatus& status, const std::vector<FaultView>& faults,
                        absl::Time now) {
  v1::StatusReply reply;
  reply.set_run_id(status.run_id);
  reply.set_scenario(status.scenario);
  reply.set_phase(status.phase);
  reply.set_window(status.window);
  reply.set_windows(status.windows);
  reply.set_seconds_per_window(status.seconds_per_window);
  reply.mutable_accuracy()->Add(status.accuracy.begin(), status.accuracy.end());
  reply.set_refusals(status.refusals);
  for (size_t i = 0; i < status.members.size(); ++i) {
    const Member& member = status.members[i];
    v1::NodeStatus* node = reply.add_node();
    node->set_state(Name(member.state));
    if (i < status.since.size()) {
      node->set_state_seconds(std::max(0.0, absl::ToDoubleSeconds(now - status.since[i])));
    }
    *node->mutable_node() = ToProto(member.id);
    node->set_up(Connected(member.state));
    node->set_address(member.address);
    node->set_pid(member.pid);
    node->set_refusals(member.refusals);
    node->set_peak_rss_bytes(member.peak_rss_bytes);
  }
  AppendFaults(faults, reply.mutable_fault());
  reply.mutable_cut()->Add(status.cut.begin(), status.cut.end());
  if (status.checkpoint.has_value()) reply.set_checkpoint(*status.checkpoint);
  return reply;
}

grpc::ServerUnaryReactor* OperatorService::GetStatus(grpc::CallbackServerContext* context,
                                                     const v1::StatusRequest* request,
                                                     v1::StatusReply* reply) {
  if (const grpc::Status who = check_->AllowOperator(*context, "GetStatus"); !who.ok()) {
    return Finish(context, who);
  }
  *reply = ToReply(board_->Read(), board_->faults().List(), clock_.WallTime());
  AppendIdentityRefusals(*check_, reply);
  return Finish(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* OperatorService::GetLinks(grpc::CallbackServerContext* context,
                                                    const v1::LinksRequest* request,
                                                    v1::LinksReply* reply) {
  if (const grpc::Status who = check_->AllowOperator(*context, "GetLinks"); !who.ok()) {
    return Finish(context, who);
  }
  *reply = board_->links().Read(request->windows());
  FillPairs(board_->Read(), board_->faults().List(), clock_.WallTime(), reply);
  return Finish(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* OperatorService::StopRun(grpc::CallbackServerContext* context,
                                                   const v1::StopRequest* request,
                                                   v1::StopReply* reply) {
  if (const grpc::Status who = check_->AllowOperator(*context, "StopRun"); !who.ok()) {
    return Finish(context, who);
  }
  spdlog::warn("{} asks for the end of the run: {}", context->peer(), request->reason());
  board_->RequestStop(absl::StrCat("by an operator: ", request->reason()));
  return Finish(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* OperatorService::AddFault(grpc::CallbackServerContext* context,
                                                    const v1::AddFaultRequest* request,
                                                    v1::AddFaultReply* reply) {
  if (const grpc::Status who = check_->AllowOperator(*context, "AddFault"); !who.ok()) {
    return Finish(context, who);
  }
  // A fault of the kernel's level is answered once the nodes have carried it out.
  auto* reactor = new AddFaultReactor(reply);
  board_->faults().AddAndWait(
      request->fault(), [answer = reactor->MakeAnswer(), fault = request->fault(),
                         peer = context->peer()](const absl::StatusOr<uint64_t>& id) {
        if (id.ok()) spdlog::warn("{} has added fault {}: {}", peer, *id, FaultText(fault));
        answer(id);
      });
  return reactor;
}

grpc::ServerUnaryReactor* OperatorService::ListFaults(grpc::CallbackServerContext* context,
                                                      const v1::ListFaultsRequest* request,
                                                      v1::ListFaultsReply* reply) {
  if (const grpc::Status who = check_->AllowOperator(*context, "ListFaults"); !who.ok()) {
    return Finish(context, who);
  }
  AppendFaults(board_->faults().List(), reply->mutable_fault());
  return Finish(context, grpc::Status::OK);
}

grpc::ServerUnaryReactor* OperatorService::ClearFaults(grpc::CallbackServerContext* context,
                                                       const v1::ClearFaultsRequest* request,
                                                       v1::ClearFaultsReply* reply) {
  if (const grpc::Status who = check_->AllowOperator(*context, "ClearFaults"); !who.ok()) {
    return Finish(context, who);
  }
  const absl::StatusOr<std::vector<uint64_t>> cleared =
      board_->faults().Clear({request->id().begin(), request->id().end()});
  if (!cleared.ok()) return Finish(context, ToGrpc(cleared.status()));
  spdlog::warn("{} clears {} faults", context->peer(), cleared->size());
  reply->mutable_cleared()->Add(cleared->begin(), cleared->end());
  return Finish(context, grpc::Status::OK);
}

}  // namespace semlink::coordinator
