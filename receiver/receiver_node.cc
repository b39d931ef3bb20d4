#include "receiver/receiver_node.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/codec/tensor_codec.h"
#include "common/method/node_report.h"
#include "common/method/parameters.h"
#include "common/method/schedule.h"
#include "common/scenario/reader.h"
#include "common/transport/protocol.h"

namespace semlink::receiver {

ReceiverNode::ReceiverNode(int t, Transport* transport, Clock* clock)
    : t_(t), transport_(transport), clock_(clock) {}

absl::Status ReceiverNode::Handle(const NodeId& from, const v1::Message& message) {
  const CpuMeter::Scope scope(&cpu_);
  if (from.role == Role::kCoordinator) return HandleCoordinator(message);
  if (from.role == Role::kTransmitter) return HandleTransmitter(from.index, message);
  return absl::InternalError(absl::StrCat("message from ", from.ToString()));
}

absl::Status ReceiverNode::PeerDown(const NodeId& peer, const absl::Status& why) {
  if (state_ == State::kDone) return absl::OkStatus();
  if (peer.role == Role::kCoordinator) {
    return absl::UnavailableError(absl::StrCat("lost the coordinator: ", why.message()));
  }
  spdlog::warn("lost {}: {}", peer.ToString(), std::string(why.message()));
  return absl::OkStatus();
}

absl::Status ReceiverNode::HandleCoordinator(const v1::Message& message) {
  switch (message.body_case()) {
    case v1::Message::kWelcome:
      return OnWelcome(message.welcome());
    case v1::Message::kOpenWindow:
      return OnOpenWindow(message.open_window());
    case v1::Message::kGrant:
      return OnGrant(message.grant());
    case v1::Message::kInferStart:
      return OnInferStart(message.infer_start());
    case v1::Message::kCommit:
      return OnCommit(message.commit());
    case v1::Message::kAbort:
      OnAbort();
      return absl::OkStatus();
    case v1::Message::kParametersRequest:
      return OnParametersRequest(message.parameters_request());
    case v1::Message::kRefusal:
      state_ = State::kDone;
      return absl::PermissionDeniedError(
          absl::StrCat("the coordinator refused this node: ", message.refusal().detail()));
    case v1::Message::kStop:
      state_ = State::kDone;
      if (message.stop().failed())
        return absl::AbortedError(absl::StrCat("the run failed: ", message.stop().reason()));
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

absl::Status ReceiverNode::OnWelcome(const v1::Welcome& welcome) {
  if (state_ != State::kJoining)
    return absl::FailedPreconditionError("second Welcome from the coordinator");
  ASSIGN_OR_RETURN(scenario_,
                   ParseScenario(welcome.scenario_yaml(), "scenario from the coordinator"));
  if (t_ >= scenario_.T()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the scenario has ", scenario_.T(), " receivers, this is number ", t_ + 1));
  }
  if (welcome.transmitter_address_size() != scenario_.K()) {
    return absl::InvalidArgumentError("Welcome does not name the address of every transmitter");
  }
  ASSIGN_OR_RETURN(labels_, data::OpenLabels(scenario_, t_));
  decoders_ = std::make_unique<DecoderBank>(scenario_, t_);
  selection_ = std::make_unique<RequestSelection>(scenario_, t_);
  if (welcome.parameters_size() > 0) {
    RETURN_IF_ERROR(method::LoadParameters("decoder", welcome.parameters(), &decoders_->fused()));
    RETURN_IF_ERROR(
        method::LoadParameters("local_decoder", welcome.parameters(), &decoders_->local()));
    RETURN_IF_ERROR(method::LoadParameters("selector", welcome.parameters(),
                                           &selection_->selector().network()));
  }
  connected_.assign(scenario_.K(), false);
  state_ = State::kConnecting;
  spdlog::info("joined run {}: task {}, {} training samples", welcome.run_id(),
               Name(scenario_.receivers[t_].task), labels_->size(data::Split::kTrain));
  for (int k = 0; k < scenario_.K(); ++k) {
    RETURN_IF_ERROR(transport_->Connect(NodeId::Transmitter(k), welcome.transmitter_address(k)));
  }
  return absl::OkStatus();
}

absl::Status ReceiverNode::OnTransmitterWelcome(int k) {
  if (state_ != State::kConnecting || k >= scenario_.K()) return absl::OkStatus();
  connected_[k] = true;
  if (!std::all_of(connected_.begin(), connected_.end(), [](bool up) { return up; }))
    return absl::OkStatus();
  state_ = State::kIdle;
  cpu_.Take();  // loading the data is no window's work
  return SendToCoordinator(method::ReadyReport());
}

absl::Status ReceiverNode::OnOpenWindow(const v1::OpenWindow& open) {
  if (state_ != State::kIdle || open.window() < next_window_) {
    return absl::FailedPreconditionError(
        absl::StrCat("OpenWindow ", open.window(), " out of order"));
  }
  ASSIGN_OR_RETURN(plan_,
                   method::MakeWindowPlan(scenario_, open, labels_->size(data::Split::kTrain),
                                          labels_->size(data::Split::kTest)));
  granted_ = false;
  links_.clear();
  features_.assign(scenario_.K(), std::nullopt);
  requests_ = selection_->Draw(plan_);
  state_ = State::kAsked;
  for (int k = 0; k < scenario_.K(); ++k) {
    if (!plan_.transmitter_up[k]) continue;
    v1::Message message;
    v1::Request* request = message.mutable_request();
    request->set_window(plan_.window);
    request->mutable_round()->Add(requests_[k].begin(), requests_[k].end());
    request->set_common_randomness_digest(plan_.digest);
    RETURN_IF_ERROR(transport_->Send(NodeId::Transmitter(k), std::move(message)));
  }
  return absl::OkStatus();
}

absl::Status ReceiverNode::OnGrant(const v1::Grant& grant) {
  if (state_ != State::kAsked || granted_ || grant.window() != plan_.window) {
    return absl::FailedPreconditionError(
        absl::StrCat("Grant for window ", grant.window(), " out of order"));
  }
  for (const v1::LinkRounds& link : grant.link()) {
    if (link.transmitter() >= static_cast<uint32_t>(scenario_.K()) ||
        link.modality() >= static_cast<uint32_t>(scenario_.M(link.transmitter())) ||
        link.task() != static_cast<uint32_t>(t_)) {
      return absl::InternalError("Grant names a link that this receiver does not have");
    }
    ReceivedLink received;
    received.k = static_cast<int>(link.transmitter());
    received.m = static_cast<int>(link.modality());
    received.rounds.assign(link.round().begin(), link.round().end());
    for (uint32_t round : received.rounds) {
      if (round >= plan_.rounds.size())
        return absl::InternalError("Grant names a round that the window does not have");
    }
    links_.push_back(std::move(received));
  }
  granted_ = true;
  if (plan_.kind == v1::INFER) return absl::OkStatus();
  // Features that overtook the grant can be checked only now.
  for (int k = 0; k < scenario_.K(); ++k) {
    if (!features_[k].has_value()) continue;
    if (const auto checked = CheckFeatures(k, *features_[k]); !checked.ok()) {
      features_[k].reset();
      RETURN_IF_ERROR(Refuse(k, checked.status()));
    }
  }
  return RunIfComplete();
}

absl::Status ReceiverNode::HandleTransmitter(int k, const v1::Message& message) {
  if (message.has_welcome()) return OnTransmitterWelcome(k);
  if (message.has_refusal()) {
    if (state_ == State::kConnecting) {
      return absl::PermissionDeniedError(
          absl::StrCat("transmitter", k + 1, " refused this node: ", message.refusal().detail()));
    }
    spdlog::warn("transmitter{} refused a message: {}", k + 1, message.refusal().detail());
    return absl::OkStatus();
  }
  if (!message.has_features() || k >= scenario_.K()) return absl::OkStatus();
  if (state_ == State::kInferring) {
    const absl::Status status = inference_->OnFeatures(k, message.features());
    if (absl::IsInvalidArgument(status)) return Refuse(k, status);
    RETURN_IF_ERROR(status);
    return SendInferReportIfFinished();
  }
  if (state_ != State::kAsked || plan_.kind == v1::INFER || !plan_.transmitter_up[k] ||
      message.features().window() != plan_.window || features_[k].has_value()) {
    return Refuse(
        k, absl::InvalidArgumentError(absl::StrCat(
               "Features for window ", message.features().window(), " are late or repeated")));
  }
  if (granted_) {
    // Features that overtake the grant are checked when it is here.
    if (const auto checked = CheckFeatures(k, message.features()); !checked.ok())
      return Refuse(k, checked.status());
  }
  features_[k] = message.features();
  return RunIfComplete();
}

absl::StatusOr<std::vector<ReceivedLink>> ReceiverNode::CheckFeatures(
    int k, const v1::Features& features) const {
  std::vector<ReceivedLink> links;
  for (const ReceivedLink& link : links_) {
    if (link.k != k) continue;
    const int i = static_cast<int>(links.size());
    if (i >= features.link_size() || static_cast<int>(features.link(i).modality()) != link.m ||
        !std::equal(features.link(i).round().begin(), features.link(i).round().end(),
                    link.rounds.begin(), link.rounds.end())) {
      return absl::InvalidArgumentError("Features do not cover the granted links");
    }
    const v1::LinkFeatures& part = features.link(i);
    if (part.rate_nats_size() != static_cast<int>(link.rounds.size()) ||
        !std::all_of(part.rate_nats().begin(), part.rate_nats().end(),
                     [](float rate) { return std::isfinite(rate); })) {
      return absl::InvalidArgumentError("Features need one finite rate per round");
    }
    ReceivedLink received = link;
    ASSIGN_OR_RETURN(
        received.z,
        codec::DecodeFloat32(part.z(), {plan_.rows(link.rounds), scenario_.model.embedding},
                             absl::StrCat("features of link ", Link{k, link.m, t_}.ToString())));
    received.rate_nats.assign(part.rate_nats().begin(), part.rate_nats().end());
    links.push_back(std::move(received));
  }
  if (static_cast<int>(links.size()) != features.link_size()) {
    return absl::InvalidArgumentError("Features name links that were not granted");
  }
  return links;
}

absl::Status ReceiverNode::RunIfComplete() {
  if (!granted_) return absl::OkStatus();
  for (int k = 0; k < scenario_.K(); ++k) {
    if (plan_.transmitter_up[k] && !features_[k].has_value()) return absl::OkStatus();
  }
  std::vector<ReceivedLink> links;
  for (int k = 0; k < scenario_.K(); ++k) {
    if (!features_[k].has_value()) continue;
    ASSIGN_OR_RETURN(std::vector<ReceivedLink> checked, CheckFeatures(k, *features_[k]));
    std::move(checked.begin(), checked.end(), std::back_inserter(links));
  }
  const WindowResult result =
      decoders_->Run(plan_, links, labels_->Batch(plan_.split(), plan_.rounds));
  if (plan_.train()) {
    std::vector<float> policy_loss = result.loss;
    for (size_t r = 0; r < policy_loss.size(); ++r) {
      if (result.links[r] == 0)
        policy_loss[r] += static_cast<float>(scenario_.policy.penalty_no_link);
    }
    const std::vector<float> advantage = selection_->Advantage(policy_loss);
    RETURN_IF_ERROR(SendGradients(links, result, advantage));
    selection_->Accumulate(advantage, method::EntropyBonus(scenario_.policy, plan_.progress));
  }
  return SendReport(result);
}

absl::Status ReceiverNode::SendGradients(const std::vector<ReceivedLink>& links,
                                         const WindowResult& result,
                                         const std::vector<float>& advantage) {
  for (int k = 0; k < scenario_.K(); ++k) {
    if (!plan_.transmitter_up[k]) continue;
    v1::Message message;
    v1::Gradients* gradients = message.mutable_gradients();
    gradients->set_window(plan_.window);
    for (size_t i = 0; i < links.size(); ++i) {
      if (links[i].k != k) continue;
      v1::LinkGradients* link = gradients->add_link();
      link->set_modality(links[i].m);
      link->mutable_round()->Add(links[i].rounds.begin(), links[i].rounds.end());
      *link->mutable_dz() = codec::EncodeFloat32(result.dz[i]);
    }
    for (uint32_t round : requests_[k]) {
      gradients->add_round(round);
      gradients->add_loss(result.loss[round]);
      gradients->add_advantage(advantage[round]);
    }
    RETURN_IF_ERROR(transport_->Send(NodeId::Transmitter(k), std::move(message)));
  }
  return absl::OkStatus();
}

absl::Status ReceiverNode::SendReport(const WindowResult& result) {
  v1::Message message;
  v1::Report* report = message.mutable_report();
  *report = method::StartReport(plan_, *transport_, cpu_.Take());
  double loss = 0;
  for (float value : result.loss) loss += value;
  if (!result.loss.empty()) report->set_loss(loss / static_cast<double>(result.loss.size()));
  report->set_cross_entropy(result.cross_entropy);
  report->set_correct(static_cast<double>(result.correct));
  report->set_samples(static_cast<uint64_t>(result.samples));
  if (plan_.train()) report->set_selection_entropy(selection_->selector().entropy());
  for (const std::vector<uint32_t>& rounds : requests_) {
    report->add_transmitter_probability(static_cast<double>(rounds.size()) /
                                        static_cast<double>(plan_.rounds.size()));
  }
  report->set_rounds_without_link(
      static_cast<uint32_t>(std::count(result.links.begin(), result.links.end(), 0)));
  state_ = State::kReported;
  return SendToCoordinator(std::move(message));
}

absl::Status ReceiverNode::OnInferStart(const v1::InferStart& start) {
  if (state_ != State::kAsked || !granted_ || plan_.kind != v1::INFER ||
      start.window() != plan_.window || start.batch_size() == 0 || start.in_flight() == 0 ||
      start.samples() == 0) {
    return absl::FailedPreconditionError("InferStart out of order or empty");
  }
  inference_ = std::make_unique<InferenceClient>(scenario_, links_, decoders_.get(), labels_.get(),
                                                 clock_, transport_);
  state_ = State::kInferring;
  RETURN_IF_ERROR(inference_->Start(start));
  return SendInferReportIfFinished();
}

absl::Status ReceiverNode::SendInferReportIfFinished() {
  if (!inference_->finished()) return absl::OkStatus();
  v1::Message message;
  *message.mutable_infer_report() = inference_->report();
  inference_.reset();
  state_ = State::kReported;
  return SendToCoordinator(std::move(message));
}

absl::Status ReceiverNode::OnCommit(const v1::Commit& commit) {
  if (state_ != State::kReported || commit.window() != plan_.window) {
    return absl::FailedPreconditionError(
        absl::StrCat("Commit of window ", commit.window(), " out of order"));
  }
  if (plan_.train()) {
    decoders_->Step(method::CodecRateFactor(scenario_.training, plan_.progress));
    selection_->Step();
  }
  next_window_ = plan_.window + 1;
  state_ = State::kIdle;
  return absl::OkStatus();
}

void ReceiverNode::OnAbort() {
  if (state_ == State::kJoining || state_ == State::kConnecting || state_ == State::kDone) return;
  decoders_->Discard();
  selection_->Discard();
  inference_.reset();
  state_ = State::kIdle;
}

absl::Status ReceiverNode::OnParametersRequest(const v1::ParametersRequest& request) {
  if (state_ != State::kIdle)
    return absl::FailedPreconditionError("ParametersRequest inside a window");
  v1::Message message;
  v1::Parameters* parameters = message.mutable_parameters();
  parameters->set_window(request.window());
  method::AppendParameters("decoder", decoders_->fused(), parameters);
  method::AppendParameters("local_decoder", decoders_->local(), parameters);
  method::AppendParameters("selector", selection_->selector().network(), parameters);
  return SendToCoordinator(std::move(message));
}

absl::Status ReceiverNode::Refuse(int k, const absl::Status& why) {
  ++refusals_;
  spdlog::warn("refused a message of transmitter{}: {}", k + 1, std::string(why.message()));
  v1::Message message;
  message.mutable_refusal()->set_reason(v1::Refusal::BAD_MESSAGE);
  message.mutable_refusal()->set_detail(std::string(why.message()));
  // Best effort: the peer may be gone.
  transport_->Send(NodeId::Transmitter(k), std::move(message)).IgnoreError();
  return absl::OkStatus();
}

absl::Status ReceiverNode::SendToCoordinator(v1::Message message) {
  return transport_->Send(NodeId::Coordinator(), std::move(message));
}

}  // namespace semlink::receiver
