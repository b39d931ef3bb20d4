#include "report/link_costs.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "report/markup.h"
#include "report/series.h"

namespace semlink::report {
namespace {

constexpr size_t kLastWindows = 100;
constexpr const char* kKinds[] = {"request", "feature", "gradient", "control"};
enum PairColumn {
  kNats,
  kBits,
  kFirstKind,
  kMessages = kFirstKind + 4,
  kWire,
  kRetransmitted,
  kRtt
};

// Sums over lines, per link or pair.
struct Use {
  double rounds = 0;
  double nats = 0;  // weighted by rounds
  double bits = 0;

  void Add(const LinkUse& link) {
    if (std::isnan(link.rounds) || std::isnan(link.rate_nats)) return;
    rounds += link.rounds;
    nats += link.rounds * link.rate_nats;
    bits += link.rounds * (std::isnan(link.coded_bits) ? 0 : link.coded_bits);
  }
};

Estimate One(double value) {
  Estimate estimate;
  estimate.mean = value;
  estimate.n = 1;
  return estimate;
}

// The links of the windows from `begin` on.
std::string LinksFrom(const RunData& run, size_t begin) {
  return SourceOf(run, {begin, run.windows.size()}, "/link");
}

std::string Bytes(double bytes) {
  for (const char* unit : {"B", "kB", "MB", "GB"}) {
    if (bytes < 999.5) return absl::StrFormat(*unit == 'B' ? "%.0f %s" : "%.1f %s", bytes, unit);
    bytes /= 1000;
  }
  return absl::StrFormat("%.1f TB", bytes);
}

Cell BytesCell(double bytes, const std::vector<std::string>& sources) {
  Cell cell = TextCell("-");
  if (sources.empty()) return cell;
  cell.text = Bytes(bytes);
  cell.value = bytes;
  cell.n = 1;
  cell.source = absl::StrJoin(sources, "; ");
  return cell;
}

// Bytes with the places that they were read from.
struct Total {
  double bytes = 0;
  std::vector<std::string> sources;
  void Add(const std::optional<Figure>& figure) {
    if (!figure.has_value()) return;
    bytes += figure->value;
    sources.push_back(figure->source);
  }
};

struct PairBytes {
  std::map<std::string, Total> by_kind;
  Total messages, wire, retransmitted, round_trip;
};

// "1 → 2" or "coordinator, transmitter1".
std::string PairName(const Json& entry) {
  const auto text = [&](const char* key) {
    const auto found = entry.find(key);
    if (found == entry.end()) return std::string();
    return found->is_string() ? found->get<std::string>() : found->dump();
  };
  if (entry.contains("node")) return absl::StrCat("coordinator, ", text("node"));
  return absl::StrCat(text("transmitter"), " → ", text("receiver"));
}

void EachEntry(const RunData& run, const char* key,
               const std::function<void(const Json&, const std::string&)>& take) {
  if (!run.summary.is_object()) return;
  const auto list = run.summary.find(key);
  if (list == run.summary.end() || !list->is_array()) return;
  for (size_t i = 0; i < list->size(); ++i) {
    if ((*list)[i].is_object()) take((*list)[i], absl::StrCat("/", key, "/", i, "/"));
  }
}

std::map<std::string, PairBytes> BytesOf(const RunData& run) {
  std::map<std::string, PairBytes> pairs;
  EachEntry(run, "message_bytes", [&](const Json& entry, const std::string& at) {
    PairBytes& pair = pairs[PairName(entry)];
    const auto kind = entry.find("kind");
    const std::optional<Figure> bytes = run.Summary(at + "bytes");
    pair.messages.Add(bytes);
    if (kind != entry.end() && kind->is_string()) pair.by_kind[kind->get<std::string>()].Add(bytes);
  });
  EachEntry(run, "wire_bytes", [&](const Json& entry, const std::string& at) {
    PairBytes& pair = pairs[PairName(entry)];
    pair.wire.Add(run.Summary(at + "sent"));
    pair.wire.Add(run.Summary(at + "received"));
    pair.retransmitted.Add(run.Summary(at + "retransmitted"));
    pair.round_trip.Add(run.Summary(at + "round_trip_us"));
  });
  return pairs;
}

std::map<std::string, Use> UseOfPairs(const RunData& run) {
  std::map<std::string, Use> uses;
  for (const WindowLine& line : run.windows) {
    for (const LinkUse& link : line.links) {
      uses[absl::StrCat(link.transmitter + 1, " → ", link.receiver + 1)].Add(link);
    }
  }
  return uses;
}

Row PairRow(const RunData& run, const std::string& name, const PairBytes& bytes, const Use* use) {
  Row row;
  row.head = name;
  row.cells = {TextCell("-"), TextCell("-")};
  const double rounds =
      run.Number("training.rounds_per_window", 0) * static_cast<double>(run.windows.size());
  if (use != nullptr && rounds > 0) {
    row.cells[kNats] = NumberCell(One(use->nats / rounds), 2, LinksFrom(run, 0));
    row.cells[kBits] = NumberCell(One(use->bits / rounds), 1, LinksFrom(run, 0));
  }
  for (const char* kind : kKinds) {
    const auto found = bytes.by_kind.find(kind);
    row.cells.push_back(found == bytes.by_kind.end()
                            ? TextCell("-")
                            : BytesCell(found->second.bytes, found->second.sources));
  }
  row.cells.push_back(BytesCell(bytes.messages.bytes, bytes.messages.sources));
  row.cells.push_back(BytesCell(bytes.wire.bytes, bytes.wire.sources));
  row.cells.push_back(BytesCell(bytes.retransmitted.bytes, bytes.retransmitted.sources));
  Cell round_trip = BytesCell(bytes.round_trip.bytes, bytes.round_trip.sources);
  if (round_trip.value.has_value())
    round_trip.text = absl::StrFormat("%.2f", *round_trip.value / 1000);
  if (round_trip.value.has_value()) *round_trip.value /= 1000;
  row.cells.push_back(std::move(round_trip));
  return row;
}

struct Bar {
  std::string label;
  const Cell* cell;
};

std::string RenderBars(const std::string& id, const std::string& title, const std::string& unit,
                       const std::vector<Bar>& bars) {
  constexpr double kLeft = 60, kRight = 290, kStep = 16, kTop = 6;
  double most = 0;
  for (const Bar& bar : bars) most = std::max(most, *bar.cell->value);
  const double height = kTop + kStep * static_cast<double>(bars.size()) + 6;
  std::string out = absl::StrCat(
      "<svg viewBox=\"0 0 360 ", Coordinate(height), "\" role=\"img\" aria-labelledby=\"", id,
      "-t ", id, "-d\"><title id=\"", id, "-t\">", Escape(title), "</title><desc id=\"", id,
      "-d\">One bar per transmitter and "
      "receiver, ",
      Escape(unit), "; the table has the figures.</desc>");
  for (size_t i = 0; i < bars.size(); ++i) {
    const double y = kTop + kStep * static_cast<double>(i);
    const double width = most > 0 ? (kRight - kLeft) * *bars[i].cell->value / most : 0;
    absl::StrAppend(&out, "<text class=\"ylab\" x=\"", Coordinate(kLeft - 6), "\" y=\"",
                    Coordinate(y + kStep / 2), "\">", Escape(bars[i].label), "</text>",
                    "<rect class=\"bar\" x=\"", Coordinate(kLeft), "\" y=\"", Coordinate(y + 2),
                    "\" width=\"", Coordinate(width), "\" height=\"", Coordinate(kStep - 4), "\"",
                    Attribute("data-source", bars[i].cell->source), "/><text class=\"value\" x=\"",
                    Coordinate(kLeft + width + 5), "\" y=\"", Coordinate(y + kStep / 2), "\">",
                    Escape(bars[i].cell->text), "</text>");
  }
  return out + "</svg>\n";
}

}  // namespace

ReportTable LinkTable(const RunData& run, const std::string& id) {
  ReportTable table =
      EmptyTable(id, absl::StrCat("Links of ", run.name), "link",
                 {{"rounds", "%"}, {"rate", "nats per sample"}, {"coded size", "bits per sample"}});
  if (run.windows.empty()) return table;
  const size_t begin = run.windows.size() > kLastWindows ? run.windows.size() - kLastWindows : 0;
  std::map<std::pair<int, int>, Use> uses;  // (receiver, slot)
  for (size_t i = begin; i < run.windows.size(); ++i) {
    for (const LinkUse& link : run.windows[i].links) {
      uses[{link.receiver, run.Slot(link.transmitter, link.modality)}].Add(link);
    }
  }
  const double rounds =
      run.Number("training.rounds_per_window", 0) * static_cast<double>(run.windows.size() - begin);
  const std::string source = LinksFrom(run, begin);
  for (int t = 0; t < run.T(); ++t) {
    for (int k = 0; k < run.K(); ++k) {
      for (size_t m = 0; m < run.modalities[k].size(); ++m) {
        const auto found = uses.find({t, run.Slot(k, static_cast<int>(m))});
        if (found == uses.end() || found->second.rounds == 0 || rounds <= 0) continue;
        const Use& use = found->second;
        Row row;
        row.head = absl::StrCat(k + 1, ".", m + 1, " ", run.modalities[k][m], " → ", t + 1, " ",
                                run.tasks[t]);
        row.cells = {NumberCell(One(use.rounds / rounds), 2, source, 100),
                     NumberCell(One(use.nats / use.rounds), 2, source),
                     NumberCell(One(use.bits / use.rounds), 1, source)};
        table.rows.push_back(std::move(row));
      }
    }
  }
  table.note = absl::StrCat("Training windows ", run.windows[begin].window, " to ",
                            run.windows.back().window,
                            ". Rounds: share of all rounds in which the link was granted. Rate and "
                            "coded size: means over "
                            "these rounds.");
  return table;
}

ReportTable PairTable(const RunData& run, const std::string& id) {
  ReportTable table = EmptyTable(id, absl::StrCat("Pairs of ", run.name), "transmitter → receiver",
                                 {{"rate", "nats per sample"},
                                  {"coded size", "bits per sample"},
                                  {"request messages", "bytes"},
                                  {"feature messages", "bytes"},
                                  {"gradient messages", "bytes"},
                                  {"control messages", "bytes"},
                                  {"all messages", "bytes"},
                                  {"on the wire", "bytes"},
                                  {"of it sent again", "bytes"},
                                  {"round trip", "ms"}});
  std::map<std::string, PairBytes> bytes = BytesOf(run);
  const std::map<std::string, Use> uses = UseOfPairs(run);
  for (const auto& [name, use] : uses) bytes[name];
  for (const auto& [name, of_pair] : bytes) {
    const auto use = uses.find(name);
    table.rows.push_back(PairRow(run, name, of_pair, use == uses.end() ? nullptr : &use->second));
  }
  table.note =
      "Rate and coded size: what a round of training carried per sample, all links of the pair "
      "together, mean over all recorded windows and rounds. Bytes: totals over the whole run, both "
      "directions, its evaluation included; messages as serialised, the wire as the kernel counts "
      "it. "
      "A run in one process has no wire.";
  return table;
}

std::vector<std::string> RenderPairBars(const ReportTable& pairs, const std::string& id) {
  const struct {
    PairColumn column;
    const char* title;
    const char* unit;
  } kFigures[] = {{kNats, "Rate, nats per sample", "nats per sample"},
                  {kBits, "Coded size, bits per sample", "bits per sample"},
                  {kMessages, "Messages, bytes", "bytes"},
                  {kWire, "On the wire, bytes", "bytes"}};
  std::vector<std::string> out;
  for (const auto& figure : kFigures) {
    std::vector<Bar> bars;
    for (const Row& row : pairs.rows) {
      const bool data_pair = row.head.find("coordinator") == std::string::npos;
      if (data_pair && row.cells[figure.column].value.has_value()) {
        bars.push_back({row.head, &row.cells[figure.column]});
      }
    }
    if (bars.empty()) continue;
    out.push_back(absl::StrCat(
        "<figure>", RenderBars(absl::StrCat(id, "-", out.size()), figure.title, figure.unit, bars),
        "<figcaption>", figure.title, "</figcaption></figure>\n"));
  }
  return out;
}

}  // namespace semlink::report
