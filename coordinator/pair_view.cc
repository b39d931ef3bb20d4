#include "coordinator/pair_view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace semlink::coordinator {
namespace {

std::string Absence(const Member& member) {
  return absl::StrCat(member.id.ToString(), " is ", Name(member.state));
}

PairView DataPair(const Member& transmitter, const Member& receiver,
                  const std::vector<v1::Pair>& cut) {
  PairView view;
  view.a = transmitter.id;
  view.b = receiver.id;
  for (const Member* end : {&transmitter, &receiver}) {
    if (Connected(end->state)) continue;
    view.why = Absence(*end);
    return view;
  }
  view.up = std::none_of(cut.begin(), cut.end(), [&](const v1::Pair& pair) {
    return static_cast<int>(pair.transmitter()) == view.a.index &&
           static_cast<int>(pair.receiver()) == view.b.index;
  });
  if (!view.up) view.why = "no stream";
  return view;
}

}  // namespace

std::vector<PairView> PairViews(const std::vector<Member>& members,
                                const std::vector<v1::Pair>& cut) {
  std::vector<PairView> views;
  for (const Member& transmitter : members) {
    if (transmitter.id.role != Role::kTransmitter) continue;
    for (const Member& receiver : members) {
      if (receiver.id.role == Role::kReceiver)
        views.push_back(DataPair(transmitter, receiver, cut));
    }
  }
  for (const Member& member : members) {
    PairView view;
    view.a = NodeId::Coordinator();
    view.b = member.id;
    view.up = Connected(member.state);
    if (!view.up) view.why = Absence(member);
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace semlink::coordinator
