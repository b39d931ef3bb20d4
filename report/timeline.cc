#include "report/timeline.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "report/axis.h"
#include "report/markup.h"

namespace semlink::report {
namespace {

constexpr double kTimeLeft = 178, kTimeWidth = 760, kRow = 18, kTimeTop = 8;

std::string Text(const Event& event, const char* key) {
  const auto found = event.fields.find(key);
  if (found == event.fields.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  return found->is_number() ? found->dump() : "";
}

// Puts the ends to the beginnings.
class Collector {
 public:
  explicit Collector(const RunData& run) : run_(run), start_(run.Start()) {}

  std::vector<Occasion> Run() {
    for (const Event& event : run_.events) Take(event);
    for (auto& [key, index] : open_) {
      occasions_[index].open = true;
      occasions_[index].end = Seconds(run_.events.back());
    }
    return std::move(occasions_);
  }

 private:
  double Seconds(const Event& event) const { return absl::ToDoubleSeconds(event.time - start_); }

  void Take(const Event& event) {
    const std::string node = Text(event, "node");
    const std::string pair = absl::StrCat(Text(event, "transmitter"), ":", Text(event, "receiver"));
    if (event.name == "fault_began") {
      Begin("fault " + Text(event, "id"), "injected faults",
            absl::StrCat(Text(event, "fault"), ", window ", Text(event, "window")), event, true);
    } else if (event.name == "fault_ended") {
      End("fault " + Text(event, "id"), event);
    } else if (event.name == "node_lost") {
      Begin(node, node, absl::StrCat(node, " lost: ", Text(event, "reason")), event, false);
    } else if (event.name == "node_joined") {
      End(node, event);
    } else if (event.name == "pair_down") {
      Begin(pair, pair, absl::StrCat(pair, " down: ", Text(event, "reason")), event, false);
    } else if (event.name == "pair_up") {
      End(pair, event);
    } else if (event.name == "aborted") {
      Moment("aborted windows",
             absl::StrCat("window ", Text(event, "window"), ": ", Text(event, "reason")), event);
    } else if (event.name == "refused" && !Text(event, "window").empty()) {
      Moment("refused", absl::StrCat("window ", Text(event, "window")), event);
    } else if (event.name == "resumed") {
      Moment("coordinator", absl::StrCat("started again after window ", Text(event, "window")),
             event);
      gathering_ = true;
    } else if (event.name == "replay_started") {
      Begin("replay", "coordinator", absl::StrCat("replays ", Text(event, "windows"), " windows"),
            event, false);
    } else if (event.name == "replay_finished" || event.name == "replay_given_up") {
      End("replay", event);
    } else if (event.name == "training_started" || event.name == "evaluation_started") {
      if (gathering_) EndPairs(event);
      gathering_ = false;
    } else if (event.name == "failed") {
      Moment("coordinator", absl::StrCat("failed: ", Text(event, "reason")), event);
    }
  }

  Occasion& Add(const std::string& row, const std::string& label, const Event& event) {
    Occasion occasion;
    occasion.row = row;
    occasion.label = label;
    occasion.begin = occasion.end = Seconds(event);
    occasion.source = run_.Place("events.jsonl", event.line);
    occasions_.push_back(std::move(occasion));
    return occasions_.back();
  }

  void Moment(const std::string& row, const std::string& label, const Event& event) {
    Add(row, label, event);
  }

  void Begin(const std::string& key, const std::string& row, const std::string& label,
             const Event& event, bool fault) {
    if (open_.count(key) > 0) return;
    Add(row, label, event).fault = fault;
    open_[key] = occasions_.size() - 1;
  }

  void End(const std::string& key, const Event& event) {
    const auto found = open_.find(key);
    if (found == open_.end()) return;  // it joined for the first time
    Occasion& occasion = occasions_[found->second];
    occasion.end = Seconds(event);
    absl::StrAppend(&occasion.source, "-", event.line);
    open_.erase(found);
  }

  // While nodes gather, streams are opened without a pair_up.
  void EndPairs(const Event& event) {
    std::vector<std::string> pairs;
    for (const auto& [key, index] : open_) {
      if (absl::StrContains(key, ':')) pairs.push_back(key);
    }
    for (const std::string& pair : pairs) End(pair, event);
  }

  const RunData& run_;
  const absl::Time start_;
  std::vector<Occasion> occasions_;
  std::map<std::string, size_t> open_;
  bool gathering_ = false;  // after a resume
};

std::vector<std::string> RowNames(const std::vector<Occasion>& occasions) {
  std::vector<std::string> rows = {"injected faults"};
  std::set<std::string> others;
  for (const Occasion& occasion : occasions) {
    if (!occasion.fault) others.insert(occasion.row);
  }
  if (std::none_of(occasions.begin(), occasions.end(), [](const auto& o) { return o.fault; })) {
    rows.clear();
  }
  rows.insert(rows.end(), others.begin(), others.end());
  return rows;
}

std::string Mark(const Occasion& occasion, double left, double right, double y) {
  const char* kind = occasion.fault ? "fault" : occasion.begin == occasion.end ? "moment" : "down";
  const double width = std::max(right - left, 3.0);
  return absl::StrCat("<rect class=\"", kind, "\" x=\"", Coordinate(left), "\" y=\"",
                      Coordinate(y + 3), "\" width=\"", Coordinate(width), "\" height=\"",
                      Coordinate(kRow - 6), "\"", Attribute("data-source", occasion.source),
                      "><title>", Escape(occasion.label), "</title></rect>");
}

// Long names end in an ellipsis: the table has them whole.
std::string RowLabel(const std::string& name) {
  constexpr size_t kLetters = 27;
  return name.size() <= kLetters ? name : name.substr(0, kLetters - 1) + "…";
}

}  // namespace

std::vector<Occasion> OccasionsOf(const RunData& run) { return Collector(run).Run(); }

std::string RenderTimeline(const RunData& run, const std::vector<Occasion>& occasions,
                           const std::string& id) {
  if (occasions.empty()) return "";
  double end = 1;
  for (const Occasion& occasion : occasions) end = std::max(end, occasion.end);
  const Axis axis = MakeAxis(0, end, 8);
  const auto x = [&](double seconds) {
    return kTimeLeft + std::max(axis.Share(seconds), 0.0) * (kTimeWidth - kTimeLeft - 16);
  };
  const std::vector<std::string> rows = RowNames(occasions);
  const double bottom = kTimeTop + kRow * static_cast<double>(rows.size());
  std::string out = absl::StrCat(
      "<svg class=\"natural\" width=\"", Coordinate(kTimeWidth), "\" height=\"",
      Coordinate(bottom + 36), "\" viewBox=\"0 0 ", Coordinate(kTimeWidth), " ",
      Coordinate(bottom + 36), "\" role=\"img\" aria-labelledby=\"", id, "-t ", id,
      "-d\"><title id=\"", id, "-t\">Faults in ", Escape(run.name), "</title><desc id=\"", id,
      "-d\">What was broken and what was lost, over the seconds since the training started. The "
      "table below says the same in words.</desc><g class=\"grid\">");
  for (const double tick : axis.ticks) {
    absl::StrAppend(&out, "<path d=\"M", Coordinate(x(tick)), " ", Coordinate(kTimeTop), "V",
                    Coordinate(bottom), "\"/><text class=\"xlab\" x=\"", Coordinate(x(tick)),
                    "\" y=\"", Coordinate(bottom + 14), "\">", Escape(axis.Label(tick)), "</text>");
  }
  absl::StrAppend(&out, "</g><text class=\"xlab\" x=\"", Coordinate((kTimeLeft + kTimeWidth) / 2),
                  "\" y=\"", Coordinate(bottom + 30),
                  "\">seconds since the training started</text>");
  for (size_t i = 0; i < rows.size(); ++i) {
    const double y = kTimeTop + kRow * static_cast<double>(i);
    absl::StrAppend(&out, "<text class=\"ylab\" x=\"", Coordinate(kTimeLeft - 8), "\" y=\"",
                    Coordinate(y + kRow / 2 + 1), "\">", Escape(RowLabel(rows[i])), "</text>");
    for (const Occasion& occasion : occasions) {
      if ((occasion.fault ? "injected faults" : occasion.row) != rows[i]) continue;
      out += Mark(occasion, x(occasion.begin), x(occasion.end), y);
    }
  }
  return out + "</svg>\n";
}

ReportTable OccasionTable(const RunData& run, const std::vector<Occasion>& occasions,
                          const std::string& id) {
  ReportTable table = EmptyTable(id, absl::StrCat("Faults in ", run.name), "what",
                                 {{"since the start", "s"}, {"for", "s"}, {"how", ""}});
  for (const Occasion& occasion : occasions) {
    Row row;
    row.head = occasion.row;
    Cell begin = TextCell(absl::StrFormat("%.1f", occasion.begin));
    begin.value = occasion.begin;
    begin.source = occasion.source;
    Cell lasted = TextCell("-");
    if (occasion.end > occasion.begin) {
      lasted.text = absl::StrFormat("%.1f", occasion.end - occasion.begin);
      lasted.value = occasion.end - occasion.begin;
      lasted.source = occasion.source;
    }
    if (occasion.open) lasted.text += " (to the end)";
    row.cells = {std::move(begin), std::move(lasted), TextCell(occasion.label)};
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace semlink::report
