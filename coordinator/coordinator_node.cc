// Messages in, joining, failures. The course of the run is in coordinator_run.cc.
#include "coordinator/coordinator_node.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/scenario/reader.h"
#include "common/transport/protocol.h"

namespace semlink::coordinator {
namespace {

// Report.window of the report by which a node says that it is ready (docs/protocol.md).
constexpr uint64_t kReadyWindow = UINT64_MAX;
constexpr absl::Duration kNoticeEvery = absl::Seconds(5);

}  // namespace

absl::StatusOr<std::unique_ptr<CoordinatorNode>> CoordinatorNode::Create(CoordinatorOptions options,
                                                                         Transport* transport,
                                                                         Clock* clock) {
  ASSIGN_OR_RETURN(Job job, Job::Make(options.scenario, options.job));
  if (options.parameters_dir.empty() && job.kind() != JobKind::kTrain) {
    return absl::InvalidArgumentError(
        absl::StrCat("job ", Name(job.kind()), " needs trained parameters: name their folder"));
  }
  ParametersByNode initial;
  if (!options.parameters_dir.empty()) {
    ASSIGN_OR_RETURN(initial, ReadParameters(options.parameters_dir, options.scenario));
  }
  auto node = std::unique_ptr<CoordinatorNode>(
      new CoordinatorNode(std::move(options), std::move(job), transport, clock));
  ASSIGN_OR_RETURN(
      node->recorder_,
      RunRecorder::Create(node->options_.out_dir, node->options_.scenario, node->job_, clock));
  if (!initial.empty()) node->recorder_->StartedFrom(initial);
  node->initial_ = std::move(initial);
  node->Publish();
  return node;
}

CoordinatorNode::CoordinatorNode(CoordinatorOptions options, Job job, Transport* transport,
                                 Clock* clock)
    : options_(std::move(options)),
      job_(std::move(job)),
      transport_(transport),
      clock_(clock),
      scenario_yaml_(EmitScenario(options_.scenario)),
      membership_(options_.scenario),
      board_(options_.board != nullptr ? options_.board : std::make_shared<StatusBoard>()),
      last_notice_(clock->Now()) {}

absl::Status CoordinatorNode::Handle(const NodeId& from, const v1::Message& message) {
  if (done_) return absl::OkStatus();
  if (Member* member = membership_.Find(from); member != nullptr) {
    member->last_heard = clock_->Now();
  }
  absl::Status status;
  if (const auto stop = board_->stop_requested(); stop.has_value()) {
    status = absl::CancelledError(absl::StrCat("stopped: ", *stop));
  } else {
    status = Dispatch(from, message);
  }
  if (!status.ok()) Fail(status);
  return absl::OkStatus();
}

absl::Status CoordinatorNode::Dispatch(const NodeId& from, const v1::Message& message) {
  if (message.has_hello()) return OnHello(from, message.hello());
  const Member* member = membership_.Find(from);
  if (member == nullptr || member->state == MemberState::kAwaited ||
      member->state == MemberState::kLost) {
    return Refuse(from, MessageName(message), MessageRefusal::kForeign,
                  "its sender is not in the run");
  }
  switch (message.body_case()) {
    case v1::Message::kReport:
      if (message.report().window() == kReadyWindow) return OnReady(from, message.report());
      return OnReport(from, message.report());
    case v1::Message::kClaim:
      return OnClaim(from, message.claim());
    case v1::Message::kInferReport:
      return OnInferReport(from, message.infer_report());
    case v1::Message::kParameters:
      return OnParameters(from, message.parameters());
    case v1::Message::kRefusal:
      return OnComplaint(from, message.refusal());
    case v1::Message::kHeartbeat:
      return absl::OkStatus();  // its arrival is all it says
    default:
      return Refuse(from, MessageName(message), MessageRefusal::kOutOfTurn,
                    "a coordinator takes no such message");
  }
}

absl::Status CoordinatorNode::OnHello(const NodeId& from, const v1::Hello& hello) {
  const auto refusal = membership_.Join(from, hello, clock_->Now());
  if (refusal.has_value()) {
    ++refusals_;
    spdlog::warn("refused {}: {}", from.ToString(), refusal->detail);
    RETURN_IF_ERROR(
        recorder_->Event("refused", {{"node", from.ToString()}, {"reason", refusal->detail}}));
    v1::Message answer;
    answer.mutable_refusal()->set_reason(refusal->reason);
    answer.mutable_refusal()->set_detail(refusal->detail);
    transport_->Send(from, std::move(answer)).IgnoreError();  // it may have gone
    return absl::OkStatus();
  }
  spdlog::info("{} joined ({}, process {})", from.ToString(), hello.software(), hello.pid());
  RETURN_IF_ERROR(recorder_->Event(
      "node_joined",
      {{"node", from.ToString()}, {"software", hello.software()}, {"pid", hello.pid()}}));
  if (from.role == Role::kTransmitter) RETURN_IF_ERROR(SendWelcome(membership_.Find(from)));
  RETURN_IF_ERROR(WelcomeReceivers());
  Publish();
  return absl::OkStatus();
}

absl::Status CoordinatorNode::WelcomeReceivers() {
  if (!membership_.AllTransmittersIn()) return absl::OkStatus();
  for (const NodeId& id : membership_.In(MemberState::kJoining)) {
    Member* member = membership_.Find(id);
    if (id.role == Role::kReceiver && !member->welcomed) RETURN_IF_ERROR(SendWelcome(member));
  }
  return absl::OkStatus();
}

absl::Status CoordinatorNode::SendWelcome(Member* member) {
  v1::Message message;
  v1::Welcome* welcome = message.mutable_welcome();
  welcome->set_scenario_yaml(scenario_yaml_);
  welcome->set_run_id(recorder_->run_id());
  if (member->id.role == Role::kReceiver) {
    for (std::string& address : membership_.TransmitterAddresses()) {
      welcome->add_transmitter_address(std::move(address));
    }
  }
  if (const auto found = initial_.find(member->id); found != initial_.end()) {
    *welcome->mutable_parameters() = found->second.tensor();
  }
  member->welcomed = true;
  return Send(member->id, std::move(message));
}

absl::Status CoordinatorNode::OnReady(const NodeId& from, const v1::Report& report) {
  if (!membership_.MarkReady(from)) {
    v1::Message message;
    *message.mutable_report() = report;
    return Refuse(from, "Report", MessageRefusal::kDuplicate, "it has said that it is ready");
  }
  membership_.Find(from)->peak_rss_bytes = report.peak_rss_bytes();
  spdlog::info("{} is ready", from.ToString());
  if (membership_.Start()) {
    spdlog::info("all {} nodes are ready: run {}", membership_.members().size(),
                 recorder_->run_id());
    RETURN_IF_ERROR(recorder_->Started(membership_));
    RETURN_IF_ERROR(recorder_->Event("ready", {{"nodes", membership_.members().size()}}));
    RETURN_IF_ERROR(Advance());
  }
  Publish();
  return absl::OkStatus();
}

absl::Status CoordinatorNode::OnComplaint(const NodeId& from, const v1::Refusal& refusal) {
  ++refusals_;
  membership_.Find(from)->last_complaint = refusal.detail();
  spdlog::warn("{} refused a message: {}", from.ToString(), refusal.detail());
  return recorder_->Event("refused", {{"by", from.ToString()}, {"reason", refusal.detail()}});
}

absl::Status CoordinatorNode::Refuse(const NodeId& from, const char* what, MessageRefusal reason,
                                     const std::string& detail) {
  ++refusals_;
  if (Member* member = membership_.Find(from); member != nullptr) ++member->refusals;
  const std::string text = absl::StrCat(what, ": ", detail);
  spdlog::warn("refused a message of {} ({}): {}", from.ToString(), Name(reason), text);
  v1::Message answer;
  answer.mutable_refusal()->set_reason(v1::Refusal::BAD_MESSAGE);
  answer.mutable_refusal()->set_detail(text);
  transport_->Send(from, std::move(answer)).IgnoreError();  // it may have gone
  return absl::OkStatus();
}

absl::Status CoordinatorNode::PeerDown(const NodeId& peer, const absl::Status& why) {
  if (done_) return absl::OkStatus();
  if (const absl::Status status = OnGone(peer, why); !status.ok()) Fail(status);
  return absl::OkStatus();
}

absl::Status CoordinatorNode::OnGone(const NodeId& peer, const absl::Status& why) {
  const bool running = started();
  const bool addresses_given = peer.role == Role::kTransmitter && membership_.ReceiverWelcomed();
  const Member* member = membership_.Find(peer);
  const std::string complaint = member != nullptr ? member->last_complaint : "";
  if (!membership_.MarkGone(peer)) return absl::OkStatus();
  std::string reason = absl::StrCat("lost ", peer.ToString());
  if (!why.message().empty()) absl::StrAppend(&reason, ": ", why.message());
  if (!complaint.empty()) absl::StrAppend(&reason, " (it had said: ", complaint, ")");
  spdlog::warn("{}", reason);
  RETURN_IF_ERROR(recorder_->Event("node_lost", {{"node", peer.ToString()}, {"reason", reason}}));
  if (running) {
    RETURN_IF_ERROR(recorder_->MembersChanged(membership_));
    return absl::UnavailableError(reason);
  }
  // The receivers have dialled, or will dial, the address that it had.
  if (addresses_given) return absl::UnavailableError(absl::StrCat(reason, " while joining"));
  Publish();
  return absl::OkStatus();
}

absl::Status CoordinatorNode::Tick() {
  if (done_) return absl::OkStatus();
  if (const auto stop = board_->stop_requested(); stop.has_value()) {
    Fail(absl::CancelledError(absl::StrCat("stopped: ", *stop)));
  } else if (const absl::Status status = CheckSilence(); !status.ok()) {
    Fail(status);
  }
  return absl::OkStatus();
}

absl::Status CoordinatorNode::CheckSilence() {
  const absl::Duration now = clock_->Now();
  if (!started()) {
    if (now - last_notice_ >= kNoticeEvery) {
      last_notice_ = now;
      spdlog::info("{}", Awaiting());
    }
    return absl::OkStatus();
  }
  std::vector<NodeId> silent;
  for (const Member& member : membership_.members()) {
    const absl::Duration since = std::max(member.last_heard, step_started_);
    if (member.state == MemberState::kUp && !HasAnswered(member.id) &&
        now - since > options_.node_timeout) {
      silent.push_back(member.id);
    }
  }
  if (silent.empty()) return absl::OkStatus();
  for (const NodeId& id : silent) membership_.MarkGone(id);
  RETURN_IF_ERROR(recorder_->MembersChanged(membership_));
  return absl::UnavailableError(absl::StrCat("no word from ", Join(silent), " for ",
                                             absl::FormatDuration(options_.node_timeout), " (",
                                             Awaiting(), ")"));
}

bool CoordinatorNode::HasAnswered(const NodeId& id) const {
  if (collecting_) return collected_.count(id) > 0;
  return window_.has_value() && window_->record().reports.count(id) > 0;
}

std::string CoordinatorNode::Awaiting() const {
  if (done_) return "nothing";
  if (!started()) {
    const std::vector<NodeId> absent = membership_.In(MemberState::kAwaited);
    const std::vector<NodeId> joining = membership_.In(MemberState::kJoining);
    std::string text = "waiting for";
    if (!absent.empty()) absl::StrAppend(&text, " ", Join(absent), " to join");
    if (!absent.empty() && !joining.empty()) text += " and";
    if (!joining.empty()) absl::StrAppend(&text, " ", Join(joining), " to be ready");
    return text;
  }
  if (collecting_) {
    std::vector<NodeId> owing;
    for (const NodeId& id : membership_.In(MemberState::kUp)) {
      if (collected_.count(id) == 0) owing.push_back(id);
    }
    return absl::StrCat("waiting for the parameters of ", Join(owing));
  }
  if (!window_.has_value()) return "nothing";
  return absl::StrCat("window ", window_->number(), " is ", Name(window_->state()),
                      ", waiting for ", Join(window_->Awaited()));
}

absl::Status CoordinatorNode::Send(const NodeId& to, v1::Message message) {
  const absl::Status status = transport_->Send(to, std::move(message));
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat("sending to ", to.ToString(), ": ", status.message()));
}

absl::Status CoordinatorNode::SendToAll(const v1::Message& message) {
  for (const NodeId& id : membership_.In(MemberState::kUp)) RETURN_IF_ERROR(Send(id, message));
  return absl::OkStatus();
}

}  // namespace semlink::coordinator
