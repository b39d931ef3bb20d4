// Messages in and out, time, the end by failure. Who does what with them:
// coordinator_members.cc, coordinator_run.cc, coordinator_checkpoints.cc, coordinator_replay.cc.
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

constexpr absl::Duration kNoticeEvery = absl::Seconds(5);

}  // namespace

absl::StatusOr<std::unique_ptr<CoordinatorNode>> CoordinatorNode::Create(CoordinatorOptions options,
                                                                         Transport* transport,
                                                                         Clock* clock) {
  std::unique_ptr<RunRecorder> recorder;
  if (!options.resume_dir.empty()) {
    ASSIGN_OR_RETURN(recorder, RunRecorder::Resume(options.resume_dir, clock));
    options.scenario = recorder->scenario();
    options.job = recorder->job_options();
  }
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
  if (recorder != nullptr) {
    node->recorder_ = std::move(recorder);
    RETURN_IF_ERROR(node->TakeUp());
  } else {
    ASSIGN_OR_RETURN(
        node->recorder_,
        RunRecorder::Create(node->options_.out_dir, node->options_.scenario, node->job_, clock));
  }
  node->faults_ = std::make_unique<CoordinatorFaults>(
      node->options_.faults, &node->board_->faults(), transport, clock, node->recorder_.get());
  RETURN_IF_ERROR(node->faults_->Open(node->options_.scenario, !node->options_.resume_dir.empty()));
  if (!initial.empty() && !node->recorder_->has_parameters()) {
    node->recorder_->StartedFrom(initial);
  }
  node->initial_ = std::move(initial);
  transport->SetSilence(absl::Seconds(node->options_.scenario.timeouts.silence_seconds));
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
      gathering_since_(clock->Now()),
      last_notice_(clock->Now()) {}

absl::Status CoordinatorNode::Handle(const NodeId& from, const v1::Message& message) {
  if (done_) return absl::OkStatus();
  if (Member* member = membership_.Find(from); member != nullptr) {
    member->last_heard = clock_->Now();
  }
  if (const auto stop = board_->stop_requested(); stop.has_value()) {
    Fail(absl::CancelledError(absl::StrCat("stopped: ", *stop)));
  } else {
    Guarded(Dispatch(from, message));
  }
  return absl::OkStatus();
}

absl::Status CoordinatorNode::PeerDown(const NodeId& peer, const absl::Status& why) {
  if (done_) return absl::OkStatus();
  if (Member* member = membership_.Find(peer); member != nullptr && member->silent) {
    member->silent = false;  // lost already, now with its connection
    member->welcomed = false;
  }
  Guarded(LoseNode(peer, std::string(why.message())));
  return absl::OkStatus();
}

absl::Status CoordinatorNode::Tick() {
  if (done_) return absl::OkStatus();
  if (const auto stop = board_->stop_requested(); stop.has_value()) {
    Fail(absl::CancelledError(absl::StrCat("stopped: ", *stop)));
  } else {
    Guarded(CheckTime());
  }
  return absl::OkStatus();
}

void CoordinatorNode::Guarded(const absl::Status& status) {
  absl::Status end = status;
  if (end.ok()) end = Settle();
  if (!end.ok()) Fail(end);
}

absl::Status CoordinatorNode::Settle() {
  for (;;) {
    while (!unreachable_.empty()) {
      const auto [id, why] = *unreachable_.begin();
      unreachable_.erase(unreachable_.begin());
      RETURN_IF_ERROR(LoseNode(id, why));
    }
    ASSIGN_OR_RETURN(const bool more, Advance());
    if (done_ || (!more && unreachable_.empty())) return absl::OkStatus();
  }
}

absl::StatusOr<bool> CoordinatorNode::Advance() {
  if (done_ || window_.has_value()) return false;
  switch (course_) {
    case Course::kGathering:
      return Gather();
    case Course::kRestoring:
      return ContinueRestore();
    case Course::kReplaying:
      return ContinueReplay();
    case Course::kRunning:
      return Continue();
  }
  return false;
}

absl::Status CoordinatorNode::Dispatch(const NodeId& from, const v1::Message& message) {
  if (message.has_hello()) return OnHello(from, message.hello());
  if (from == NodeId::Coordinator() && message.has_faults_set()) {  // of its own transport
    return faults_->OnFaultsSet(from, message.faults_set(), next_window_, membership_);
  }
  Member* member = membership_.Find(from);
  if (member != nullptr && member->silent) return HearAgain(member, message);
  if (member != nullptr && member->state == MemberState::kLost) {
    ++stale_;  // on its way when the node was lost
    return absl::OkStatus();
  }
  if (member == nullptr || member->state == MemberState::kAwaited) {
    return Refuse(from, MessageName(message), MessageRefusal::kForeign,
                  "its sender is not in the run");
  }
  if (IsStale(message)) {
    ++stale_;
    return absl::OkStatus();
  }
  return DispatchStep(from, message);
}

absl::Status CoordinatorNode::DispatchStep(const NodeId& from, const v1::Message& message) {
  switch (message.body_case()) {
    case v1::Message::kReady:
      return OnReady(from, message.ready());
    case v1::Message::kRestored:
      return OnRestored(from, message.restored());
    case v1::Message::kPairStatus:
      return OnPairStatus(from, message.pair_status());
    case v1::Message::kReport:
      return OnReport(from, message.report());
    case v1::Message::kClaim:
      return OnClaim(from, message.claim());
    case v1::Message::kInferReport:
      return OnInferReport(from, message.infer_report());
    case v1::Message::kCheckpointed:
      return OnCheckpointed(from, message.checkpointed());
    case v1::Message::kParameters:
      return OnParameters(from, message.parameters());
    case v1::Message::kFaultsSet:
      return faults_->OnFaultsSet(from, message.faults_set(), next_window_, membership_);
    case v1::Message::kRefusal:
      return OnComplaint(from, message.refusal());
    case v1::Message::kHeartbeat:
      return absl::OkStatus();  // its arrival is all it says
    default:
      return Refuse(from, MessageName(message), MessageRefusal::kOutOfTurn,
                    "a coordinator takes no such message");
  }
}

bool CoordinatorNode::IsStale(const v1::Message& message) {
  const bool of_a_window =
      message.has_claim() || message.has_report() || message.has_infer_report();
  return of_a_window && (!window_.has_value() || message.attempt() != window_->attempt());
}

absl::Status CoordinatorNode::Refuse(const NodeId& from, const char* what, MessageRefusal reason,
                                     const std::string& detail, uint64_t attempt) {
  ++refusals_;
  if (Member* member = membership_.Find(from); member != nullptr) ++member->refusals;
  const std::string text = absl::StrCat(what, ": ", detail);
  spdlog::warn("refused a message of {} ({}): {}", from.ToString(), Name(reason), text);
  v1::Message answer;
  answer.set_attempt(attempt);
  answer.mutable_refusal()->set_reason(v1::Refusal::BAD_MESSAGE);
  answer.mutable_refusal()->set_detail(text);
  transport_->Send(from, std::move(answer)).IgnoreError();  // it may have gone
  return absl::OkStatus();
}

void CoordinatorNode::Send(const NodeId& to, v1::Message message) {
  const absl::Status status = transport_->Send(to, std::move(message));
  if (!status.ok()) unreachable_.emplace(to, absl::StrCat("can't send: ", status.message()));
}

void CoordinatorNode::Ask(const NodeId& to, v1::Message message) {
  membership_.Find(to)->asked_at = clock_->Now();
  Send(to, std::move(message));
}

absl::Status CoordinatorNode::CheckTime() {
  RETURN_IF_ERROR(faults_->Advance(next_window_, membership_));
  RETURN_IF_ERROR(CheckSilence());
  const absl::Duration now = clock_->Now();
  if (now - last_notice_ < kNoticeEvery) return absl::OkStatus();
  last_notice_ = now;
  // What is observed is kept until the next commit: none comes while the run waits.
  if (window_.has_value()) {
    recorder_->ObserveTraffic(*transport_);
  } else {
    spdlog::info("{}", Awaiting());
  }
  // A pair that stays cut: its receiver is asked, in case a word of it was overtaken. It answers if
  // it has the stream.
  for (const v1::Pair& pair : membership_.PairsAwaited()) {
    v1::PairStatus status;
    status.set_transmitter(pair.transmitter());
    status.set_receiver(pair.receiver());
    status.set_reason("the coordinator has not heard that it is open");
    TellPairDown(status, NodeId::Receiver(static_cast<int>(pair.receiver())));
  }
  return absl::OkStatus();
}

absl::Status CoordinatorNode::CheckSilence() {
  // Before the first window nodes load their data, for as long as that takes.
  if (course_ == Course::kGathering && !resumed_) return absl::OkStatus();
  std::vector<NodeId> silent;  // first all, as the loss of one changes what the others owe
  for (const Member& member : membership_.members()) {
    const absl::Duration since = std::max(member.last_heard, member.asked_at);
    if (clock_->Now() - since > options_.node_timeout && Owes(member.id)) {
      silent.push_back(member.id);
    }
  }
  const std::string why =
      absl::StrCat("no word from it for ", absl::FormatDuration(options_.node_timeout));
  for (const NodeId& id : silent) RETURN_IF_ERROR(LoseSilent(membership_.Find(id), why));
  return absl::OkStatus();
}

bool CoordinatorNode::Owes(const NodeId& id) const {
  const MemberState state = membership_.Find(id)->state;
  if (state == MemberState::kJoining) return membership_.Find(id)->welcomed;
  if (state == MemberState::kRestoring) return true;
  if (state != MemberState::kUp) return false;
  if (window_.has_value()) return OwesInWindow(id);
  if (checkpoint_.has_value()) return checkpoint_->awaited.count(id) > 0;
  const auto asked = asked_.find(id);
  return asked != asked_.end() && !asked->second;
}

bool CoordinatorNode::OwesInWindow(const NodeId& id) const {
  // A transmitter can't claim before all receivers have asked it, which only they know.
  const bool asking = window_->state() == WindowState::kAsking;
  if (asking && id.role == Role::kReceiver) return window_->HasMember(id);
  // Samples stream between the nodes for as long as they take.
  if (!asking && window_->kind() == v1::INFER) return false;
  const std::vector<NodeId> awaited = window_->Awaited();
  return std::find(awaited.begin(), awaited.end(), id) != awaited.end();
}

void CoordinatorNode::Fail(const absl::Status& why) {
  if (done_) return;
  const std::string reason(why.message());
  spdlog::error("the run failed: {}", reason);
  result_ = why;
  // One that the ledger has counts, though what came after it failed.
  const bool counts =
      window_.has_value() && !replaying() && window_->number() < recorder_->committed_windows();
  if (window_.has_value() && !counts) {
    if (absl::Status status = AbortAttempt(reason); !status.ok()) {
      spdlog::error("{}", status.ToString());
    }
  }
  recorder_->Fail(reason);
  v1::Message stop;
  stop.mutable_stop()->set_failed(true);
  stop.mutable_stop()->set_reason(reason);
  for (const Member& member : membership_.members()) {
    if (Connected(member.state) || member.silent) {
      transport_->Send(member.id, stop).IgnoreError();
    }
  }
  done_ = true;
  Publish();
}

const char* CoordinatorNode::PhaseText() const {
  if (done_) return result_.ok() ? "finished" : "failed";
  if (replaying()) return "replaying";
  if (course_ == Course::kGathering || phase() == nullptr) return "waiting";
  switch (phase()->kind) {
    case PhaseKind::kTraining:
    case PhaseKind::kParameters:
      return "training";
    case PhaseKind::kEvaluation:
      return "evaluating";
    case PhaseKind::kInference:
      return "inferring";
  }
  return "unknown";
}

void CoordinatorNode::Publish() {
  RunStatus status;
  status.run_id = recorder_->run_id();
  status.scenario = options_.scenario.name;
  status.phase = PhaseText();
  status.window = next_window_;
  status.windows = job_.total_windows();
  status.seconds_per_window = recorder_->summary().SecondsPerWindow();
  status.accuracy = recorder_->summary().RecentAccuracy();
  status.refusals = refusals_;
  status.members = membership_.members();
  status.cut = membership_.PairsAwaited();
  status.checkpoint = complete_checkpoint_;
  for (const ReceiverOptions& receiver : options_.scenario.receivers) {
    status.tasks.emplace_back(Name(receiver.task));
  }
  for (const TransmitterOptions& transmitter : options_.scenario.transmitters) {
    status.modalities.push_back(static_cast<int>(transmitter.modalities.size()));
  }
  status.published_at = clock_->WallTime();
  board_->Publish(std::move(status));
}

}  // namespace semlink::coordinator
