// Before the first window of a start: who is there, and, when a run is resumed and no node is live,
// back to a checkpoint and the committed windows since once more.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "coordinator/checkpoint_plan.h"
#include "coordinator/coordinator_node.h"

namespace semlink::coordinator {
namespace {

// Whether two lists of links are the same, in the order of DecideClaims.
bool SameLinks(const std::vector<v1::LinkRounds>& a, const std::vector<v1::LinkRounds>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](const v1::LinkRounds& x, const v1::LinkRounds& y) {
                                              return x.transmitter() == y.transmitter() &&
                                                     x.modality() == y.modality() &&
                                                     x.task() == y.task() &&
                                                     std::equal(x.round().begin(), x.round().end(),
                                                                y.round().begin(), y.round().end());
                                            });
}

std::set<NodeId> MembersOf(const Scenario& scenario, const WindowRecord& record) {
  const std::vector<NodeId> members = Window(scenario, record.open, record.attempt).Members();
  return std::set<NodeId>(members.begin(), members.end());
}

}  // namespace

absl::Status CoordinatorNode::TakeUp() {
  resumed_ = true;
  next_window_ = recorder_->committed_windows();
  const JobPosition position = job_.PositionAfter(next_window_, recorder_->has_parameters());
  phase_ = position.phase;
  phase_window_ = position.window;
  ASSIGN_OR_RETURN(const std::vector<uint64_t> complete, recorder_->CompleteCheckpoints());
  if (!complete.empty()) complete_checkpoint_ = checkpointed_ = complete.front();
  ASSIGN_OR_RETURN(const std::optional<ViewState> view, recorder_->LastView());
  if (view.has_value()) membership_.StartViewsAfter(view->number);
  start_recorded_ = view.has_value();
  return Expect(view);
}

absl::Status CoordinatorNode::Expect(const std::optional<ViewState>& view) {
  // Those of the last committed window, too: the last view may be that of a run in ruins.
  std::set<NodeId> took_part;
  if (next_window_ > 0) {
    ASSIGN_OR_RETURN(const WindowRecord last, recorder_->Committed(next_window_ - 1));
    took_part = MembersOf(options_.scenario, last);
  }
  const bool everybody =
      !view.has_value() || next_window_ == 0 || options_.scenario.on_failure == OnFailure::kWait;
  for (const Member& member : membership_.members()) {
    const std::vector<bool>* up = nullptr;
    if (view.has_value()) {
      up = member.id.role == Role::kTransmitter ? &view->transmitter_up : &view->receiver_up;
    }
    const bool was_up =
        up != nullptr && member.id.index < static_cast<int>(up->size()) && (*up)[member.id.index];
    if (everybody || was_up || took_part.count(member.id) > 0) expected_.insert(member.id);
  }
  RETURN_IF_ERROR(FindLastWindows());
  return recorder_->Event("resumed", {{"window", next_window_}, {"starts", recorder_->starts()}});
}

absl::Status CoordinatorNode::FindLastWindows() {
  size_t found = 0;
  uint64_t window = std::min(next_window_, job_.training_windows());
  while (window > 0 && found < membership_.members().size()) {
    ASSIGN_OR_RETURN(const WindowRecord record, recorder_->Committed(--window));
    for (const NodeId& id : MembersOf(options_.scenario, record)) {
      std::optional<uint64_t>& last = membership_.Find(id)->last_window;
      if (last.has_value()) continue;
      last = window;
      ++found;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CoordinatorNode::Gather() {
  if (resumed_) return GatherResumed();
  const bool all = membership_.Able().size() == membership_.members().size();
  if (!all || !membership_.PairsAwaited().empty()) return false;
  RETURN_IF_ERROR(StartFresh());
  return true;
}

absl::Status CoordinatorNode::StartFresh() {
  course_ = Course::kRunning;
  spdlog::info("all {} nodes are ready: run {}", membership_.members().size(), recorder_->run_id());
  RETURN_IF_ERROR(AdmitReady());
  return recorder_->Event("ready", {{"nodes", membership_.members().size()}});
}

absl::StatusOr<bool> CoordinatorNode::GatherResumed() {
  if (!membership_.In(MemberState::kJoining).empty() ||
      !membership_.In(MemberState::kRestoring).empty()) {
    return false;
  }
  const absl::Duration waited = clock_->Now() - gathering_since_;
  const bool late = waited >= options_.gather_timeout;
  const std::vector<NodeId> here = membership_.In(MemberState::kHeld);
  const bool pairs = membership_.PairsAwaited().empty();
  const bool all = here.size() == membership_.members().size();
  const bool expected = std::includes(here.begin(), here.end(), expected_.begin(), expected_.end());
  const auto is_held = [&](Role role) {
    return std::any_of(here.begin(), here.end(), [&](const NodeId& id) { return id.role == role; });
  };
  const bool enough = is_held(Role::kTransmitter) && is_held(Role::kReceiver);
  const bool degrade = options_.scenario.on_failure == OnFailure::kDegrade;
  if (phase() == nullptr && late) {
    RETURN_IF_ERROR(GoOnWithoutReplay());  // nothing is left to do but the end
    return true;
  }
  const bool live = !replay_.has_value() &&
                    std::any_of(here.begin(), here.end(),
                                [&](const NodeId& id) { return IsLive(*membership_.Find(id)); });
  if (live) {
    const bool enough_waited = late && (expected || (degrade && enough));
    if (!(pairs && (all || expected)) && !enough_waited) return false;
    RETURN_IF_ERROR(GoOnWithoutReplay());
    return true;
  }
  if (pairs && (all || (late && expected))) {
    ASSIGN_OR_RETURN(const uint64_t checkpoint, ChooseCheckpoint());
    ASSIGN_OR_RETURN(const bool possible, CanReplay(checkpoint));
    if (possible) {
      RETURN_IF_ERROR(BeginRestore(checkpoint));
      return true;
    }
  }
  if (!degrade || !enough || waited < options_.replay_timeout) return false;
  spdlog::warn("going on without a replay: not all nodes and streams that it needs are there");
  RETURN_IF_ERROR(recorder_->Event("replay_given_up", {{"waiting_for", Awaiting()}}));
  RETURN_IF_ERROR(GoOnWithoutReplay());
  return true;
}

absl::Status CoordinatorNode::GoOnWithoutReplay() {
  replay_.reset();
  course_ = Course::kRunning;
  settling_ = true;
  for (const NodeId& id : membership_.In(MemberState::kHeld)) {
    RETURN_IF_ERROR(AnswerReady(membership_.Find(id)));
  }
  Publish();
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> CoordinatorNode::ChooseCheckpoint() {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> complete, recorder_->CompleteCheckpoints());
  for (const uint64_t window : complete) {
    if (window > next_window_ || refused_checkpoints_.count(window) > 0) continue;
    bool held_by_all = true;
    for (const NodeId& id : membership_.In(MemberState::kHeld)) {
      v1::CheckpointId file;
      ASSIGN_OR_RETURN(const bool holds, Holds(*membership_.Find(id), window, &file));
      if (holds) continue;
      held_by_all = false;
      refused_checkpoints_.insert(window);
      spdlog::warn("{} lacks its file of checkpoint {}, or can't read it", id.ToString(), window);
      RETURN_IF_ERROR(recorder_->Event(
          "checkpoint_refused", {{"node", id.ToString()},
                                 {"window", window},
                                 {"reason", "it does not have the file, or can't read it"}}));
    }
    if (held_by_all) return window;
  }
  return 0;
}

absl::StatusOr<bool> CoordinatorNode::CanReplay(uint64_t checkpoint) {
  const uint64_t end = std::min(next_window_, job_.training_windows());
  std::set<NodeId> needed;
  for (uint64_t w = checkpoint; w < end; ++w) {
    ASSIGN_OR_RETURN(const WindowRecord record, recorder_->Committed(w));
    needed.merge(MembersOf(options_.scenario, record));
    if (needed.size() == membership_.members().size()) break;
  }
  return std::all_of(needed.begin(), needed.end(), [&](const NodeId& id) {
    return membership_.Find(id)->state == MemberState::kHeld;
  });
}

absl::Status CoordinatorNode::BeginRestore(uint64_t checkpoint) {
  ASSIGN_OR_RETURN(const std::vector<MemberEpoch> epochs, recorder_->Epochs());
  replay_ = Replay();
  replay_->checkpoint = checkpoint;
  replay_->next = checkpoint;
  replay_->end = std::min(next_window_, job_.training_windows());
  replay_->restores = RestoresSince(checkpoint, epochs);
  course_ = Course::kRestoring;
  spdlog::info("no node is live: all go back to window {}", checkpoint);
  for (const NodeId& id : membership_.In(MemberState::kHeld)) {
    Member* member = membership_.Find(id);
    v1::CheckpointId file;
    RETURN_IF_ERROR(Holds(*member, checkpoint, &file).status());
    Restore(member, file);
  }
  Publish();
  return absl::OkStatus();
}

absl::StatusOr<bool> CoordinatorNode::ContinueRestore() {
  if (!membership_.In(MemberState::kRestoring).empty()) return false;
  if (replay_->refused) {
    refused_checkpoints_.insert(replay_->checkpoint);
    GatherAgain();
    return true;
  }
  membership_.Admit();
  course_ = Course::kReplaying;
  const uint64_t windows =
      replay_->end > replay_->checkpoint ? replay_->end - replay_->checkpoint : 0;
  RETURN_IF_ERROR(recorder_->Event("replay_started",
                                   {{"checkpoint", replay_->checkpoint}, {"windows", windows}}));
  Publish();
  return true;
}

absl::StatusOr<bool> CoordinatorNode::ContinueReplay() {
  if (!membership_.In(MemberState::kRestoring).empty()) return false;
  membership_.Admit();
  if (!replay_->restored) return RestoreBetween();
  if (replay_->next < replay_->end) return OpenReplayWindow();
  if (replay_->next < next_window_) {
    ++replay_->next;  // windows that change no state
    replay_->restored = false;
    return true;
  }
  RETURN_IF_ERROR(FinishReplay());
  return true;
}

absl::StatusOr<bool> CoordinatorNode::RestoreBetween() {
  replay_->restored = true;
  const auto due = replay_->restores.find(replay_->next);
  if (due == replay_->restores.end()) return true;
  for (const auto& [id, checkpoint] : due->second) {
    if (!membership_.MarkHeldAgain(id)) continue;  // it is not there, and not needed
    Restore(membership_.Find(id), checkpoint);
  }
  return true;
}

absl::StatusOr<bool> CoordinatorNode::OpenReplayWindow() {
  ASSIGN_OR_RETURN(replay_->recorded, recorder_->Committed(replay_->next));
  v1::OpenWindow open = replay_->recorded.open;
  const Window members(options_.scenario, open, 0);
  for (const v1::Pair& pair : membership_.PairsAwaited()) {
    if (!members.HasPair(static_cast<int>(pair.transmitter()), static_cast<int>(pair.receiver()))) {
      continue;
    }
    RETURN_IF_ERROR(InterruptReplay(absl::StrCat("no stream for the pair ", Join({pair}))));
    return true;
  }
  open.set_replay(true);
  for (const v1::PairFailure& failure : replay_->recorded.failed()) *open.add_failed() = failure;
  SendOpenWindow(std::move(open));
  return true;
}

absl::Status CoordinatorNode::CheckReplayedClaims() {
  const WindowRecord& now = window_->record();
  const WindowRecord& then = replay_->recorded;
  if (SameLinks(now.granted, then.granted) && now.refused_links == then.refused_links) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(
      "window ", window_->number(), ", replayed from checkpoint ", replay_->checkpoint,
      ", came to other links than the ledger has (", now.granted.size(), " links and ",
      now.refused_links, " refused, ", then.granted.size(), " and ", then.refused_links,
      " in the ledger): the nodes run other software or data than then, or another machine"));
}

bool CoordinatorNode::FailedAnew() const {
  const std::vector<v1::PairFailure> then = replay_->recorded.failed();
  for (const v1::PairFailure& failure : window_->record().failed()) {
    // A stage brings the later ones with it.
    const bool known = std::any_of(then.begin(), then.end(), [&](const v1::PairFailure& f) {
      return f.transmitter() == failure.transmitter() && f.receiver() == failure.receiver() &&
             f.stage() <= failure.stage();
    });
    if (!known) return true;
  }
  return false;
}

void CoordinatorNode::CommitReplayed() {
  window_->Commit().IgnoreError();  // legal: all have reported
  v1::Message message;
  message.mutable_commit()->set_window(window_->number());
  SendToMembers(std::move(message));
  window_.reset();
  ++replay_->next;
  replay_->restored = false;
}

absl::Status CoordinatorNode::InterruptReplay(const std::string& why) {
  spdlog::warn("the replay starts over: {}", why);
  if (window_.has_value()) RETURN_IF_ERROR(AbortAttempt(why));
  GatherAgain();
  Publish();
  return recorder_->Event("replay_interrupted", {{"window", replay_->next}, {"reason", why}});
}

void CoordinatorNode::GatherAgain() {
  for (const NodeId& id : membership_.Able()) membership_.MarkHeldAgain(id);
  course_ = Course::kGathering;
  gathering_since_ = clock_->Now();  // whoever was lost just now has the full time to come back
}

absl::Status CoordinatorNode::FinishReplay() {
  const uint64_t windows =
      replay_->end > replay_->checkpoint ? replay_->end - replay_->checkpoint : 0;
  const uint64_t checkpoint = replay_->checkpoint;
  replay_.reset();
  course_ = Course::kRunning;
  RETURN_IF_ERROR(
      recorder_->Event("replay_finished", {{"checkpoint", checkpoint}, {"windows", windows}}));
  for (const NodeId& id : membership_.In(MemberState::kUp)) {
    // As if it had never stopped: a later replay must not go back to `checkpoint` here.
    MemberEpoch epoch;
    epoch.node = id;
    epoch.incarnation = membership_.Find(id)->incarnation;
    epoch.from_window = next_window_;
    epoch.live = true;
    RETURN_IF_ERROR(recorder_->Epoch(epoch));
  }
  for (const NodeId& id : membership_.In(MemberState::kHeld)) {
    RETURN_IF_ERROR(AnswerReady(membership_.Find(id)));
  }
  Publish();
  return RecordView();
}

std::string CoordinatorNode::Awaiting() const {
  if (done_) return "nothing";
  if (window_.has_value()) {
    return absl::StrCat(replaying() ? "replayed window " : "window ", window_->number(), " is ",
                        Name(window_->state()), ", waiting for ", Join(window_->Awaited()));
  }
  if (checkpoint_.has_value()) {
    return absl::StrCat(
        "waiting for the checkpoints of ",
        Join(std::vector<NodeId>(checkpoint_->awaited.begin(), checkpoint_->awaited.end())));
  }
  std::vector<NodeId> owing;
  for (const auto& [id, answered] : asked_) {
    if (!answered) owing.push_back(id);
  }
  if (!owing.empty()) return absl::StrCat("waiting for the parameters of ", Join(owing));
  std::vector<std::string> parts;
  const auto add = [&](const std::vector<NodeId>& nodes, const char* what) {
    if (!nodes.empty()) parts.push_back(absl::StrCat(Join(nodes), what));
  };
  std::vector<NodeId> absent = membership_.In(MemberState::kAwaited);
  for (const NodeId& id : membership_.In(MemberState::kLost)) absent.push_back(id);
  std::sort(absent.begin(), absent.end());
  add(absent, " to join");
  add(membership_.In(MemberState::kJoining), " to be ready");
  add(membership_.In(MemberState::kRestoring), " to be restored");
  const std::vector<v1::Pair> pairs = membership_.PairsAwaited();
  if (parts.empty() && !pairs.empty()) parts.push_back(absl::StrCat("the streams ", Join(pairs)));
  if (parts.empty()) return "nothing";
  std::string text = absl::StrCat("waiting for ", parts[0]);
  for (size_t i = 1; i < parts.size(); ++i) absl::StrAppend(&text, " and ", parts[i]);
  return text;
}

}  // namespace semlink::coordinator
