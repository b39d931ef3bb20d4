// Joining, coming back, going: who is in the run and which state each node holds.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "coordinator/coordinator_node.h"

namespace semlink::coordinator {
namespace {

// For people.
std::string Text(const v1::CheckpointId& checkpoint) {
  return checkpoint.window() == 0 ? "the start"
                                  : absl::StrCat("the checkpoint of window ", checkpoint.window());
}

}  // namespace

absl::Status CoordinatorNode::RefuseHello(const NodeId& from, const HelloRefusal& refusal) {
  ++refusals_;
  spdlog::warn("refused {}: {}", from.ToString(), refusal.detail);
  RETURN_IF_ERROR(
      recorder_->Event("refused", {{"node", from.ToString()}, {"reason", refusal.detail}}));
  v1::Message answer;
  answer.mutable_refusal()->set_reason(refusal.reason);
  answer.mutable_refusal()->set_detail(refusal.detail);
  transport_->Send(from, std::move(answer)).IgnoreError();  // it may have gone
  Publish();
  return absl::OkStatus();
}

absl::Status CoordinatorNode::RecordJoined(const Member& member) {
  const std::string node = member.id.ToString();
  spdlog::info("{} joined ({}, process {})", node, member.software, member.pid);
  return recorder_->Event("node_joined",
                          {{"node", node}, {"software", member.software}, {"pid", member.pid}});
}

absl::Status CoordinatorNode::OnHello(const NodeId& from, const v1::Hello& hello) {
  if (membership_.IsReconnect(from, hello)) {
    RETURN_IF_ERROR(LoseNode(from, "it has connected again"));
  }
  const auto refusal = membership_.Join(from, hello, clock_->Now());
  if (refusal.has_value()) return RefuseHello(from, *refusal);
  RETURN_IF_ERROR(RecordJoined(*membership_.Find(from)));
  if (from.role == Role::kTransmitter) {
    SendWelcome(membership_.Find(from));
    // Those who know its old address; they say again which of their streams are open.
    for (const Member& member : membership_.members()) {
      if (member.id.role == Role::kReceiver && member.welcomed) SendAddresses(member.id);
    }
  }
  WelcomeReceivers();
  Publish();
  return absl::OkStatus();
}

void CoordinatorNode::WelcomeReceivers() {
  // At the very start receivers wait for all addresses; afterwards Addresses tells them.
  const bool first_time = course_ == Course::kGathering && !resumed_;
  if (first_time && !membership_.AllTransmittersIn()) return;
  for (const NodeId& id : membership_.In(MemberState::kJoining)) {
    Member* member = membership_.Find(id);
    if (id.role == Role::kReceiver && !member->welcomed) SendWelcome(member);
  }
}

absl::Status CoordinatorNode::HearAgain(Member* member, const v1::Message& message) {
  if (message.has_ready()) {
    membership_.MarkHeardAgain(member->id);
    RETURN_IF_ERROR(RecordJoined(*member));
    return OnReady(member->id, message.ready());
  }
  // What is true whoever is in the run.
  if (message.has_pair_status() || message.has_refusal()) return DispatchStep(member->id, message);
  ++stale_;  // said before it heard that it is welcomed again
  return absl::OkStatus();
}

void CoordinatorNode::SendWelcome(Member* member) {
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
  Ask(member->id, std::move(message));
}

void CoordinatorNode::SendAddresses(const NodeId& receiver) {
  v1::Message message;
  for (std::string& address : membership_.TransmitterAddresses()) {
    message.mutable_addresses()->add_transmitter_address(std::move(address));
  }
  Send(receiver, std::move(message));
}

absl::Status CoordinatorNode::OnReady(const NodeId& from, const v1::Ready& ready) {
  if (!membership_.MarkHeld(from, ready)) {
    return Refuse(from, "Ready", MessageRefusal::kDuplicate, "it has said that it is ready");
  }
  Member* member = membership_.Find(from);
  member->peak_rss_bytes = ready.peak_rss_bytes();
  spdlog::info("{} is ready{}", from.ToString(), ready.live() ? ", with its state" : "");
  RETURN_IF_ERROR(SettleDoubt(member));
  faults_->OnReady(from);
  // A coordinator that resumes a run first looks who is live; nobody joins in the middle of a
  // replay.
  const bool wait = (course_ == Course::kGathering && resumed_) || replaying();
  if (!wait) RETURN_IF_ERROR(AnswerReady(member));
  Publish();
  return absl::OkStatus();
}

absl::Status CoordinatorNode::SettleDoubt(Member* member) {
  v1::Ready& ready = member->ready;
  if (!ready.live() || !ready.in_doubt()) return absl::OkStatus();
  const uint64_t window = ready.next_window();
  ASSIGN_OR_RETURN(const std::optional<uint64_t> attempt, recorder_->CommittedAttempt(window));
  v1::Message message;
  message.set_attempt(ready.attempt());
  const bool committed = attempt.has_value() && *attempt == ready.attempt();
  if (committed) {
    message.mutable_commit()->set_window(window);
    ready.set_next_window(window + 1);
  } else {
    message.mutable_abort()->set_window(window);
    message.mutable_abort()->set_reason("this attempt was not committed");
  }
  ready.set_in_doubt(false);
  spdlog::info("{} was in doubt about window {}: {}", member->id.ToString(), window,
               committed ? "committed" : "aborted");
  Send(member->id, std::move(message));
  return absl::OkStatus();
}

bool CoordinatorNode::IsLive(const Member& member) const {
  const v1::Ready& ready = member.ready;
  if (!ready.live() || ready.next_window() > next_window_) return false;
  // Interrupted in a replay, it holds the state of an earlier window than it had reached before.
  return !member.last_window.has_value() || ready.next_window() > *member.last_window;
}

absl::Status CoordinatorNode::AnswerReady(Member* member) {
  if (IsLive(*member)) {
    membership_.MarkReady(member->id);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const v1::CheckpointId checkpoint, LastHeld(*member, UINT64_MAX));
  Restore(member, checkpoint);
  return absl::OkStatus();
}

void CoordinatorNode::Restore(Member* member, const v1::CheckpointId& checkpoint) {
  membership_.MarkRestoring(member->id, checkpoint);
  v1::Message message;
  *message.mutable_restore()->mutable_checkpoint() = checkpoint;
  Ask(member->id, std::move(message));
}

absl::StatusOr<bool> CoordinatorNode::Holds(const Member& member, uint64_t window,
                                            v1::CheckpointId* file) {
  file->Clear();
  if (window == 0) return true;  // the parameters of the start need no file
  ASSIGN_OR_RETURN(const auto recorded, recorder_->FileOf(window, member.id));
  if (!recorded.has_value()) return false;
  *file = *recorded;
  const auto& held = member.ready.checkpoint();
  return std::any_of(held.begin(), held.end(), [&](const v1::CheckpointId& id) {
    return id.window() == window && id.sha256() == recorded->sha256();
  });
}

absl::StatusOr<v1::CheckpointId> CoordinatorNode::LastHeld(const Member& member, uint64_t below) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> complete, recorder_->CompleteCheckpoints());
  v1::CheckpointId file;
  for (const uint64_t window : complete) {
    if (window >= below || window > next_window_) continue;
    ASSIGN_OR_RETURN(const bool holds, Holds(member, window, &file));
    if (holds) return file;
  }
  return v1::CheckpointId();
}

absl::Status CoordinatorNode::OnRestored(const NodeId& from, const v1::Restored& restored) {
  Member* member = membership_.Find(from);
  if (member->state != MemberState::kRestoring || restored.window() != member->restored.window()) {
    return Refuse(from, "Restored", MessageRefusal::kOutOfTurn, "it was not asked for");
  }
  if (restored.ok()) {
    spdlog::info("{} holds {}", from.ToString(), Text(member->restored));
    if (course_ == Course::kGathering && replay_.has_value()) {
      membership_.MarkNotRestored(from);  // the replay was interrupted and starts over
    } else {
      // What it did before no longer says anything about its state.
      if (!replaying()) member->last_window.reset();
      membership_.MarkReady(from);
    }
    Publish();
    return absl::OkStatus();
  }
  return OnNotRestored(member, restored);
}

absl::Status CoordinatorNode::OnNotRestored(Member* member, const v1::Restored& restored) {
  const NodeId from = member->id;
  const std::string what = absl::StrCat(from.ToString(), " can't go back to ",
                                        Text(member->restored), ": ", restored.detail());
  spdlog::warn("{}", what);
  RETURN_IF_ERROR(recorder_->Event(
      "checkpoint_refused",
      {{"node", from.ToString()}, {"window", restored.window()}, {"reason", restored.detail()}}));
  membership_.MarkNotRestored(from);
  if (course_ == Course::kReplaying) {
    return absl::DataLossError(absl::StrCat(
        what, ". The run can't be repeated exactly without it; restore that file, or start anew"));
  }
  if (restored.window() == 0) {
    Dismiss(from, what);
    return absl::OkStatus();
  }
  if (course_ == Course::kRestoring) {
    replay_->refused = true;
    return absl::OkStatus();
  }
  if (course_ == Course::kGathering && replay_.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const v1::CheckpointId older, LastHeld(*member, restored.window()));
  Restore(member, older);
  return absl::OkStatus();
}

absl::Status CoordinatorNode::OnPairStatus(const NodeId& from, const v1::PairStatus& status) {
  const NodeId transmitter = NodeId::Transmitter(static_cast<int>(status.transmitter()));
  const NodeId receiver = NodeId::Receiver(static_cast<int>(status.receiver()));
  if ((from != transmitter && from != receiver) || membership_.Find(transmitter) == nullptr ||
      membership_.Find(receiver) == nullptr) {
    return Refuse(from, "PairStatus", MessageRefusal::kMalformed, "it is not an end of that pair");
  }
  if (status.up() && from != receiver) return absl::OkStatus();  // the receiver's word counts
  if (!membership_.SetPair(transmitter.index, receiver.index, status.up())) {
    return absl::OkStatus();
  }
  if (course_ != Course::kGathering) {
    RETURN_IF_ERROR(recorder_->Event(status.up() ? "pair_up" : "pair_down",
                                     {{"transmitter", transmitter.ToString()},
                                      {"receiver", receiver.ToString()},
                                      {"reason", status.reason()}}));
  }
  if (status.up()) return absl::OkStatus();
  spdlog::warn("{}: no stream between {} and {}: {}", from.ToString(), transmitter.ToString(),
               receiver.ToString(), status.reason());
  if (replaying() && window_.has_value() && window_->HasPair(transmitter.index, receiver.index)) {
    return InterruptReplay(
        absl::StrCat("no stream between ", transmitter.ToString(), " and ", receiver.ToString()));
  }
  TellPairDown(status, from == receiver ? transmitter : receiver);
  return absl::OkStatus();
}

void CoordinatorNode::TellPairDown(const v1::PairStatus& status, const NodeId& to) {
  const MemberState state = membership_.Find(to)->state;
  if (!Connected(state) || state == MemberState::kJoining) return;
  v1::Message message;
  *message.mutable_pair_status() = status;
  Send(to, std::move(message));
}

absl::Status CoordinatorNode::OnComplaint(const NodeId& from, const v1::Refusal& refusal) {
  ++refusals_;
  membership_.Find(from)->last_complaint = refusal.detail();
  spdlog::warn("{} refused a message: {}", from.ToString(), refusal.detail());
  RETURN_IF_ERROR(
      recorder_->Event("refused", {{"by", from.ToString()}, {"reason", refusal.detail()}}));
  if (refusal.reason() != v1::Refusal::FAILED) return absl::OkStatus();
  if (course_ == Course::kGathering && !resumed_) {
    return absl::UnavailableError(
        absl::StrCat(from.ToString(), " can't take part: ", refusal.detail()));
  }
  return LoseNode(from, "it can't go on");
}

absl::Status CoordinatorNode::LoseNode(const NodeId& id, const std::string& why) {
  const Member* member = membership_.Find(id);
  if (member == nullptr || !Connected(member->state)) return absl::OkStatus();
  std::string reason = absl::StrCat("lost ", id.ToString());
  if (!why.empty()) absl::StrAppend(&reason, ": ", why);
  if (!member->last_complaint.empty()) {
    absl::StrAppend(&reason, " (it had said: ", member->last_complaint, ")");
  }
  const bool was_up = member->state == MemberState::kUp;
  const bool was_in_use = member->state == MemberState::kReady ||
                          member->state == MemberState::kUp ||
                          member->state == MemberState::kRestoring;
  membership_.MarkGone(id);
  unreachable_.erase(id);
  spdlog::warn("{}", reason);
  RETURN_IF_ERROR(recorder_->Event("node_lost", {{"node", id.ToString()}, {"reason", reason}}));
  recorder_->ObserveTraffic(*transport_);
  if (was_up && course_ == Course::kRunning) RETURN_IF_ERROR(RecordView());
  if (checkpoint_.has_value()) checkpoint_->awaited.erase(id);
  asked_.erase(id);
  if (replaying()) {
    if (was_in_use) RETURN_IF_ERROR(InterruptReplay(reason));
  } else if (window_.has_value() && window_->HasMember(id)) {
    RETURN_IF_ERROR(AbortAttempt(reason));
  }
  Publish();
  return absl::OkStatus();
}

absl::Status CoordinatorNode::LoseSilent(Member* member, const std::string& why) {
  const bool answered = member->state != MemberState::kJoining;
  RETURN_IF_ERROR(LoseNode(member->id, why));
  member->silent = true;
  // One that owes its Ready has a Welcome to answer.
  if (answered) SendWelcome(member);
  member->welcomed = true;
  return absl::OkStatus();
}

absl::Status CoordinatorNode::RecordView() {
  if (!membership_.UpdateView()) return absl::OkStatus();
  if (std::exchange(start_recorded_, true)) return recorder_->MembersChanged(membership_);
  return recorder_->Started(membership_);
}

absl::Status CoordinatorNode::AdmitReady() {
  const std::vector<NodeId> admitted = membership_.Admit();
  RETURN_IF_ERROR(RecordView());
  for (const NodeId& id : admitted) {
    const Member& member = *membership_.Find(id);
    MemberEpoch epoch;
    epoch.node = id;
    epoch.incarnation = member.incarnation;
    epoch.from_window = next_window_;
    epoch.live = member.live;
    if (!member.live) epoch.restored = member.restored;
    RETURN_IF_ERROR(recorder_->Epoch(epoch));
  }
  return absl::OkStatus();
}

void CoordinatorNode::Dismiss(const NodeId& id, const std::string& why) {
  v1::Message refusal;
  refusal.mutable_refusal()->set_reason(v1::Refusal::BAD_MESSAGE);
  refusal.mutable_refusal()->set_detail(why);
  transport_->Send(id, std::move(refusal)).IgnoreError();
  unreachable_.emplace(id, why);
}

}  // namespace semlink::coordinator
