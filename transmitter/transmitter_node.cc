#include "transmitter/transmitter_node.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/codec/tensor_codec.h"
#include "common/method/node_report.h"
#include "common/method/parameters.h"
#include "common/method/schedule.h"
#include "common/scenario/reader.h"
#include "common/transport/protocol.h"

namespace semlink::transmitter {
namespace {

// Ascending, without repeats, below `rounds`.
absl::Status CheckRounds(const google::protobuf::RepeatedField<uint32_t>& list, uint64_t rounds) {
  for (int i = 0; i < list.size(); ++i) {
    if (list[i] >= rounds || (i > 0 && list[i] <= list[i - 1])) {
      return absl::InvalidArgumentError(absl::StrCat("rounds are not ascending below ", rounds));
    }
  }
  return absl::OkStatus();
}

bool AllOf(const std::vector<bool>& have, const std::vector<bool>& wanted) {
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] && !have[i]) return false;
  }
  return true;
}

std::string EncoderName(int m) { return absl::StrCat("encoder", m + 1); }

}  // namespace

TransmitterNode::TransmitterNode(int k, Transport* transport) : k_(k), transport_(transport) {}

absl::Status TransmitterNode::Handle(const NodeId& from, const v1::Message& message) {
  const CpuMeter::Scope scope(&cpu_);
  if (from.role == Role::kCoordinator) return HandleCoordinator(message);
  if (from.role == Role::kReceiver) return HandleReceiver(from.index, message);
  return absl::InternalError(absl::StrCat("message from ", from.ToString()));
}

absl::Status TransmitterNode::PeerDown(const NodeId& peer, const absl::Status& why) {
  if (peer.role != Role::kCoordinator || state_ == State::kDone) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("lost the coordinator: ", why.message()));
}

absl::Status TransmitterNode::HandleCoordinator(const v1::Message& message) {
  switch (message.body_case()) {
    case v1::Message::kWelcome:
      return OnWelcome(message.welcome());
    case v1::Message::kOpenWindow:
      return OnOpenWindow(message.open_window());
    case v1::Message::kGrant:
      return OnGrant(message.grant());
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

absl::Status TransmitterNode::OnWelcome(const v1::Welcome& welcome) {
  if (state_ != State::kJoining)
    return absl::FailedPreconditionError("second Welcome from the coordinator");
  ASSIGN_OR_RETURN(scenario_,
                   ParseScenario(welcome.scenario_yaml(), "scenario from the coordinator"));
  if (k_ >= scenario_.K()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the scenario has ", scenario_.K(), " transmitters, this is number ", k_ + 1));
  }
  ASSIGN_OR_RETURN(encoders_, EncoderBank::Create(scenario_, k_));
  selection_ = std::make_unique<LinkSelection>(scenario_, k_);
  if (welcome.parameters_size() > 0) {
    for (int m = 0; m < scenario_.M(k_); ++m) {
      RETURN_IF_ERROR(
          method::LoadParameters(EncoderName(m), welcome.parameters(), &encoders_->networks()[m]));
    }
    RETURN_IF_ERROR(method::LoadParameters("selector", welcome.parameters(),
                                           &selection_->selector().network()));
  }
  state_ = State::kIdle;
  spdlog::info("joined run {}: {} modalities, {} training samples", welcome.run_id(),
               scenario_.M(k_), encoders_->train_size());
  cpu_.Take();  // loading the data is no window's work
  return SendToCoordinator(method::ReadyReport());
}

absl::Status TransmitterNode::OnOpenWindow(const v1::OpenWindow& open) {
  if (state_ != State::kIdle || open.window() < next_window_) {
    return absl::FailedPreconditionError(
        absl::StrCat("OpenWindow ", open.window(), " out of order"));
  }
  ASSIGN_OR_RETURN(plan_, method::MakeWindowPlan(scenario_, open, encoders_->train_size(),
                                                 encoders_->test_size()));
  asked_.assign(scenario_.T(), false);
  answered_.assign(scenario_.T(), false);
  requests_.assign(scenario_.T(), {});
  advantage_.assign(scenario_.T(), {});
  state_ = State::kAsking;
  return ReplayEarly();
}

bool TransmitterNode::IsEarly(const v1::Message& message) const {
  switch (message.body_case()) {
    case v1::Message::kRequest:
      if (state_ == State::kIdle) return message.request().window() >= next_window_;
      return AwaitsCommit() && message.request().window() > plan_.window;
    case v1::Message::kSampleRequest:
      return state_ == State::kClaimed && message.sample_request().window() == plan_.window;
    default:
      return false;
  }
}

absl::Status TransmitterNode::ReplayEarly() {
  std::deque<std::pair<int, v1::Message>> waiting;
  waiting.swap(early_);
  for (auto& [t, message] : waiting) RETURN_IF_ERROR(HandleReceiver(t, message));
  return absl::OkStatus();
}

absl::Status TransmitterNode::HandleReceiver(int t, const v1::Message& message) {
  if (message.has_hello()) {
    v1::Message welcome;
    welcome.mutable_welcome();
    return transport_->Send(NodeId::Receiver(t), std::move(welcome));
  }
  if (message.has_refusal()) {
    spdlog::warn("receiver{} refused a message: {}", t + 1, message.refusal().detail());
    return absl::OkStatus();
  }
  if (state_ == State::kJoining || state_ == State::kDone || t >= scenario_.T())
    return absl::OkStatus();
  if (IsEarly(message)) {
    // Inference keeps several requests under way; training never more than one message ahead.
    constexpr size_t kMaxEarly = 1024;
    if (early_.size() >= kMaxEarly)
      return Refuse(t, absl::ResourceExhaustedError("too many early messages"));
    early_.emplace_back(t, message);
    return absl::OkStatus();
  }
  absl::Status status =
      absl::InvalidArgumentError(absl::StrCat(MessageName(message), " is not expected now"));
  if (message.has_request()) status = OnRequest(t, message.request());
  if (message.has_gradients()) status = OnGradients(t, message.gradients());
  if (message.has_sample_request()) status = OnSampleRequest(t, message.sample_request());
  if (absl::IsInvalidArgument(status)) return Refuse(t, status);
  RETURN_IF_ERROR(status);
  if (message.has_request()) return ClaimIfAllAsked();
  if (message.has_gradients()) return BackwardIfAllAnswered();
  return absl::OkStatus();
}

absl::Status TransmitterNode::Refuse(int t, const absl::Status& why) {
  ++refusals_;
  spdlog::warn("refused a message of receiver{}: {}", t + 1, std::string(why.message()));
  v1::Message message;
  message.mutable_refusal()->set_reason(v1::Refusal::BAD_MESSAGE);
  message.mutable_refusal()->set_detail(std::string(why.message()));
  // Best effort: the peer may be gone.
  transport_->Send(NodeId::Receiver(t), std::move(message)).IgnoreError();
  return absl::OkStatus();
}

absl::Status TransmitterNode::OnRequest(int t, const v1::Request& request) {
  if (state_ != State::kAsking || request.window() != plan_.window || asked_[t]) {
    return absl::InvalidArgumentError(
        absl::StrCat("Request for window ", request.window(), " is late or repeated"));
  }
  if (!plan_.receiver_up[t]) {
    return absl::InvalidArgumentError("Request from a receiver that is not in this window");
  }
  if (request.common_randomness_digest() != plan_.digest) {
    return absl::InvalidArgumentError("Request was drawn with another common randomness");
  }
  RETURN_IF_ERROR(CheckRounds(request.round(), plan_.rounds.size()));
  asked_[t] = true;
  requests_[t].assign(request.round().begin(), request.round().end());
  return absl::OkStatus();
}

absl::Status TransmitterNode::ClaimIfAllAsked() {
  if (!AllOf(asked_, plan_.receiver_up)) return absl::OkStatus();
  granted_ = selection_->Draw(plan_, requests_);
  v1::Message message;
  v1::Claim* claim = message.mutable_claim();
  claim->set_window(plan_.window);
  for (const ActiveLink& active : granted_) {
    v1::LinkRounds* link = claim->add_link();
    link->set_transmitter(k_);
    link->set_modality(active.m);
    link->set_task(active.t);
    link->mutable_round()->Add(active.rounds.begin(), active.rounds.end());
  }
  state_ = State::kClaimed;
  RETURN_IF_ERROR(SendToCoordinator(std::move(message)));
  // Encode while the coordinator decides: it grants all of it unless something is wrong.
  if (plan_.kind != v1::INFER) encoded_ = encoders_->Encode(plan_, granted_);
  return absl::OkStatus();
}

absl::Status TransmitterNode::OnGrant(const v1::Grant& grant) {
  if (state_ != State::kClaimed || grant.window() != plan_.window) {
    return absl::FailedPreconditionError(
        absl::StrCat("Grant for window ", grant.window(), " out of order"));
  }
  std::vector<ActiveLink> granted;
  for (const v1::LinkRounds& link : grant.link()) {
    RETURN_IF_ERROR(CheckRounds(link.round(), plan_.rounds.size()));
    if (link.transmitter() != static_cast<uint32_t>(k_) || link.round().empty() ||
        link.modality() >= static_cast<uint32_t>(scenario_.M(k_)) ||
        link.task() >= static_cast<uint32_t>(scenario_.T())) {
      return absl::InternalError("Grant names a link that this transmitter does not have");
    }
    granted.push_back({static_cast<int>(link.modality()),
                       static_cast<int>(link.task()),
                       {link.round().begin(), link.round().end()}});
  }
  state_ = State::kGranted;
  if (plan_.kind == v1::INFER) {
    granted_ = std::move(granted);
    return ReplayEarly();
  }
  if (!(granted == granted_)) {
    granted_ = std::move(granted);
    encoded_ = encoders_->Encode(plan_, granted_);
  }
  return SendFeatures();
}

absl::Status TransmitterNode::SendFeatures() {
  for (int t = 0; t < scenario_.T(); ++t) {
    if (!plan_.receiver_up[t]) continue;
    v1::Message message;
    message.mutable_features()->set_window(plan_.window);
    for (const EncodedLink& encoded : encoded_) {
      if (encoded.link.t != t) continue;
      v1::LinkFeatures* link = message.mutable_features()->add_link();
      link->set_modality(encoded.link.m);
      link->mutable_round()->Add(encoded.link.rounds.begin(), encoded.link.rounds.end());
      *link->mutable_z() = codec::EncodeFloat32(encoded.z);
      link->mutable_rate_nats()->Add(encoded.rate_nats.begin(), encoded.rate_nats.end());
    }
    RETURN_IF_ERROR(transport_->Send(NodeId::Receiver(t), std::move(message)));
  }
  if (plan_.train()) {
    dz_.assign(encoded_.size(), at::Tensor());
    return absl::OkStatus();
  }
  return SendReport();
}

absl::Status TransmitterNode::OnGradients(int t, const v1::Gradients& gradients) {
  if (state_ != State::kGranted || !plan_.train() || gradients.window() != plan_.window ||
      answered_[t]) {
    return absl::InvalidArgumentError(
        absl::StrCat("Gradients for window ", gradients.window(), " are late or repeated"));
  }
  if (!std::equal(gradients.round().begin(), gradients.round().end(), requests_[t].begin(),
                  requests_[t].end()) ||
      gradients.advantage_size() != gradients.round_size() ||
      gradients.loss_size() != gradients.round_size()) {
    return absl::InvalidArgumentError("Gradients do not cover the rounds that were asked for");
  }
  const auto finite = [](float value) { return std::isfinite(value); };
  if (!std::all_of(gradients.advantage().begin(), gradients.advantage().end(), finite) ||
      !std::all_of(gradients.loss().begin(), gradients.loss().end(), finite)) {
    return absl::InvalidArgumentError("Gradients have a loss or advantage that is not finite");
  }
  std::vector<std::pair<size_t, at::Tensor>> parts;
  int next = 0;
  for (size_t i = 0; i < encoded_.size(); ++i) {
    const ActiveLink& link = encoded_[i].link;
    if (link.t != t) continue;
    if (next >= gradients.link_size() ||
        static_cast<int>(gradients.link(next).modality()) != link.m ||
        !std::equal(gradients.link(next).round().begin(), gradients.link(next).round().end(),
                    link.rounds.begin(), link.rounds.end())) {
      return absl::InvalidArgumentError("Gradients do not cover the granted links");
    }
    ASSIGN_OR_RETURN(at::Tensor dz,
                     codec::DecodeFloat32(gradients.link(next).dz(), encoded_[i].z.sizes().vec(),
                                          absl::StrCat("gradient of modality ", link.m + 1)));
    parts.emplace_back(i, std::move(dz));
    ++next;
  }
  if (next != gradients.link_size())
    return absl::InvalidArgumentError("Gradients name links that were not granted");
  for (auto& [i, dz] : parts) dz_[i] = std::move(dz);
  advantage_[t].assign(gradients.advantage().begin(), gradients.advantage().end());
  answered_[t] = true;
  return absl::OkStatus();
}

absl::Status TransmitterNode::BackwardIfAllAnswered() {
  if (!AllOf(answered_, plan_.receiver_up)) return absl::OkStatus();
  encoders_->Backward(dz_);
  selection_->Accumulate(advantage_, method::EntropyBonus(scenario_.policy, plan_.progress));
  return SendReport();
}

absl::Status TransmitterNode::SendReport() {
  v1::Message message;
  v1::Report* report = message.mutable_report();
  *report = method::StartReport(plan_, *transport_, cpu_.Take());
  for (int m = 0; m < scenario_.M(k_); ++m) {
    for (int t = 0; t < scenario_.T(); ++t) {
      const auto encoded =
          std::find_if(encoded_.begin(), encoded_.end(),
                       [&](const EncodedLink& e) { return e.link.m == m && e.link.t == t; });
      const double drawn = selection_->DrawnShare(m, t);
      if (drawn == 0 && encoded == encoded_.end()) continue;
      v1::LinkReport* link = report->add_link();
      link->set_transmitter(k_);
      link->set_modality(m);
      link->set_task(t);
      link->set_request_probability(drawn);
      if (encoded == encoded_.end()) continue;
      double sum = 0;
      for (float rate : encoded->rate_nats) sum += rate;
      link->set_rounds(static_cast<uint32_t>(encoded->rate_nats.size()));
      link->set_rate_nats(sum / static_cast<double>(encoded->rate_nats.size()));
      link->set_coded_bits(32.0 * scenario_.model.embedding);
    }
  }
  state_ = State::kReported;
  return SendToCoordinator(std::move(message));
}

absl::Status TransmitterNode::OnCommit(const v1::Commit& commit) {
  if (!AwaitsCommit() || commit.window() != plan_.window) {
    return absl::FailedPreconditionError(
        absl::StrCat("Commit of window ", commit.window(), " out of order"));
  }
  if (plan_.train()) {
    encoders_->Step(method::CodecRateFactor(scenario_.training, plan_.progress));
    selection_->Step();
  }
  encoded_.clear();
  next_window_ = plan_.window + 1;
  state_ = State::kIdle;
  return absl::OkStatus();
}

void TransmitterNode::OnAbort() {
  if (state_ == State::kJoining || state_ == State::kDone) return;
  encoders_->Discard();
  selection_->Discard();
  encoded_.clear();
  early_.clear();
  state_ = State::kIdle;
}

absl::Status TransmitterNode::OnParametersRequest(const v1::ParametersRequest& request) {
  if (state_ != State::kIdle)
    return absl::FailedPreconditionError("ParametersRequest inside a window");
  v1::Message message;
  v1::Parameters* parameters = message.mutable_parameters();
  parameters->set_window(request.window());
  for (int m = 0; m < scenario_.M(k_); ++m) {
    method::AppendParameters(EncoderName(m), encoders_->networks()[m], parameters);
  }
  method::AppendParameters("selector", selection_->selector().network(), parameters);
  return SendToCoordinator(std::move(message));
}

absl::Status TransmitterNode::OnSampleRequest(int t, const v1::SampleRequest& request) {
  constexpr uint32_t kMaxSamples = 1 << 14;
  if (state_ != State::kGranted || plan_.kind != v1::INFER || request.window() != plan_.window) {
    return absl::InvalidArgumentError("SampleRequest outside an inference session");
  }
  if (request.samples() == 0 || request.samples() > kMaxSamples) {
    return absl::InvalidArgumentError(absl::StrCat("SampleRequest for ", request.samples(),
                                                   " samples; 1 to ", kMaxSamples,
                                                   " can be asked for"));
  }
  v1::Message message;
  v1::Features* features = message.mutable_features();
  features->set_window(plan_.window);
  features->set_sequence(request.sequence());
  const int64_t first =
      static_cast<int64_t>(request.first_sample() % static_cast<uint64_t>(encoders_->test_size()));
  for (const ActiveLink& active : granted_) {
    if (active.t != t) continue;
    v1::LinkFeatures* link = features->add_link();
    link->set_modality(active.m);
    link->add_round(0);
    *link->mutable_z() = codec::EncodeFloat32(
        encoders_->EncodeSamples(plan_, active.m, t, request.sequence(), first, request.samples()));
  }
  return transport_->Send(NodeId::Receiver(t), std::move(message));
}

absl::Status TransmitterNode::SendToCoordinator(v1::Message message) {
  return transport_->Send(NodeId::Coordinator(), std::move(message));
}

}  // namespace semlink::transmitter
