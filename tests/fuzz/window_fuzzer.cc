// The coordinator's window under any claims and reports: it commits only what all have reported,
// and its grants keep the limits.
#include <string>

#include "coordinator/window.h"
#include "tests/coordinator/messages.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/require_limits.h"

namespace {

using semlink::NodeId;
using semlink::coordinator::Window;
using semlink::coordinator::WindowState;
using semlink::fuzz::Input;
using semlink::fuzz::Require;
namespace v1 = semlink::v1;

v1::OpenWindow Open(Input* input) {
  v1::OpenWindow open;
  open.set_window(3);
  open.set_kind(static_cast<v1::WindowKind>(1 + input->Below(3)));
  open.set_rounds(open.kind() == v1::INFER ? 1 : 4);
  open.set_batch_size(5);
  if (open.kind() == v1::EVALUATE) open.set_samples(18);
  const uint8_t up = input->Byte();
  for (int i = 0; i < 2; ++i) open.add_transmitter_up(!(up >> i & 1));
  for (int i = 0; i < 2; ++i) open.add_receiver_up(!(up >> (2 + i) & 1));
  if (up >> 4 & 1) open.add_cut()->set_receiver(up >> 5 & 1);
  return open;
}

// One of the nodes, or one that is not in the scenario.
NodeId Sender(Input* input) {
  const int which = input->Below(6);
  if (which == 5) return NodeId::Transmitter(input->Byte());
  if (which == 4) return NodeId::Coordinator();
  return which < 2 ? NodeId::Transmitter(which) : NodeId::Receiver(which - 2);
}

// What an honest node would say, so that the window gets on.
v1::Report HonestReport(const NodeId& from, const Window& window) {
  v1::Report report;
  report.set_window(window.number());
  if (from.role != semlink::Role::kReceiver) return report;
  const v1::OpenWindow& open = window.record().open;
  report.set_samples(open.kind() == v1::EVALUATE ? open.samples()
                                                 : open.rounds() * open.batch_size());
  for (int k = 0; k < open.transmitter_up_size(); ++k) report.add_transmitter_probability(0.5);
  return report;
}

template <typename Body>
Body Parsed(Input* input) {
  Body body;
  const size_t size = input->Byte();
  body.ParsePartialFromString(std::string(input->Bytes(size)));
  return body;
}

void Act(Input* input, Window* window) {
  std::string detail;
  const NodeId from = Sender(input);
  switch (input->Below(8)) {
    case 0:
      window->AddClaim(from, Parsed<v1::Claim>(input), &detail);
      break;
    case 1:
      window->AddReport(from, Parsed<v1::Report>(input), &detail);
      break;
    case 2:
      window->AddInferReport(from, Parsed<v1::InferReport>(input), &detail);
      break;
    case 3:
      window->Decide().IgnoreError();
      break;
    case 4: {
      v1::Claim claim = Parsed<v1::Claim>(input);
      claim.set_window(window->number());
      window->AddClaim(from, claim, &detail);
      break;
    }
    case 5: {
      v1::Report report = HonestReport(from, *window);
      report.MergeFrom(Parsed<v1::Report>(input));
      window->AddReport(from, report, &detail);
      break;
    }
    case 6: {
      v1::InferReport report = Parsed<v1::InferReport>(input);
      report.set_window(window->number());
      window->AddInferReport(from, report, &detail);
      break;
    }
    case 7:
      window->GrantFor(from);
      break;
  }
}

void CheckGrants(const semlink::Scenario& scenario, const Window& window) {
  const auto& granted = window.record().granted;
  semlink::fuzz::RequireLimits(granted, scenario.limits.e_t, scenario.limits.e_k);
  for (const v1::LinkRounds& link : granted) {
    Require(window.HasPair(link.transmitter(), link.task()), "both ends take part");
    for (uint32_t r : link.round()) {
      Require(r < window.record().open.rounds(), "the round exists");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const semlink::Scenario scenario = semlink::coordinator::SmallScenario();
  Input input(data, size);
  Window window(scenario, Open(&input), 17);
  Require(window.Ask(absl::UnixEpoch()).ok(), "a new window asks");
  while (!input.empty()) {
    Act(&input, &window);
    CheckGrants(scenario, window);
    const bool reported = window.state() == WindowState::kReported;
    if (reported) Require(window.Awaited().empty(), "nobody is awaited once all have reported");
  }
  const bool reported = window.state() == WindowState::kReported;
  Require(window.Commit().ok() == reported, "a window commits if all have reported, and only then");
  if (reported && window.kind() != v1::INFER) {
    Require(window.record().reports.size() == window.Members().size(), "every member has reported");
  }
  return 0;
}
