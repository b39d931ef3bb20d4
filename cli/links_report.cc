#include "cli/links_report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/table.h"
#include "common/transport/protocol.h"

namespace semlink::cli {
namespace {

std::string Bytes(uint64_t bytes) { return FormatBytes(static_cast<double>(bytes)); }

bool IsOf(const v1::LinkFigures& link, const v1::PairFigures& pair) {
  return pair.a().role() == v1::TRANSMITTER && link.transmitter() == pair.a().index() &&
         link.task() == pair.b().index();
}

std::string Header(const v1::LinksReply& reply) {
  if (reply.windows() == 0) return "no window was committed since the coordinator started";
  std::string text = absl::StrFormat("%d windows committed; ", reply.window());
  if (reply.windows() == 1) {
    absl::StrAppendFormat(&text, "the last one took %.3f s", reply.seconds());
  } else {
    absl::StrAppendFormat(&text, "the last %d took %.3f s", reply.windows(), reply.seconds());
  }
  return text;
}

void AddPair(const v1::PairFigures& pair, Table* table) {
  table->AddRow(
      {FromProto(pair.a()).ToString(), FromProto(pair.b()).ToString(), "", "", "",
       Bytes(pair.message_bytes_to_b()), Bytes(pair.message_bytes_to_a()),
       Bytes(pair.wire_bytes_to_b()), Bytes(pair.wire_bytes_to_a()), Bytes(pair.retransmitted()),
       pair.round_trip_us() > 0 ? absl::StrFormat("%.2f ms", pair.round_trip_us() / 1000) : "-",
       absl::StrCat(pair.state(), " for ", FormatTime(absl::Seconds(pair.state_seconds())))});
}

void AddLink(const v1::LinkFigures& link, Table* table) {
  table->AddRow({absl::StrCat("  modality ", link.modality() + 1), "", FormatPercent(link.active()),
                 absl::StrFormat("%.2f", link.rate_nats()),
                 absl::StrFormat("%.0f", link.coded_bits())});
}

}  // namespace

std::string LinksText(const v1::LinksReply& reply) {
  Table table({{"from"},
               {"to"},
               {"active", Align::kRight},
               {"nats", Align::kRight},
               {"bits", Align::kRight},
               {"messages", Align::kRight},
               {"back", Align::kRight},
               {"wire", Align::kRight},
               {"back", Align::kRight},
               {"resent", Align::kRight},
               {"round trip", Align::kRight},
               {"state"}});
  for (const v1::PairFigures& pair : reply.pair()) {
    AddPair(pair, &table);
    for (const v1::LinkFigures& link : reply.link()) {
      if (IsOf(link, pair)) AddLink(link, &table);
    }
  }
  return absl::StrCat(Header(reply), "\n\n", table.ToString());
}

Json LinksJson(const v1::LinksReply& reply) {
  Json links = Json::array(), pairs = Json::array();
  for (const v1::LinkFigures& link : reply.link()) {
    links.push_back({{"transmitter", link.transmitter() + 1},
                     {"modality", link.modality() + 1},
                     {"receiver", link.task() + 1},
                     {"active", link.active()},
                     {"rate_nats", link.rate_nats()},
                     {"coded_bits", link.coded_bits()}});
  }
  for (const v1::PairFigures& pair : reply.pair()) {
    pairs.push_back(
        {{"from", FromProto(pair.a()).ToString()},
         {"to", FromProto(pair.b()).ToString()},
         {"up", pair.up()},
         {"state", pair.state()},
         {"state_seconds", pair.state_seconds()},
         {"message_bytes",
          {{"there", pair.message_bytes_to_b()}, {"back", pair.message_bytes_to_a()}}},
         {"wire_bytes", {{"there", pair.wire_bytes_to_b()}, {"back", pair.wire_bytes_to_a()}}},
         {"retransmitted_bytes", pair.retransmitted()},
         {"round_trip_us", pair.round_trip_us()}});
  }
  return {{"window", reply.window()},
          {"windows", reply.windows()},
          {"seconds", reply.seconds()},
          {"links", std::move(links)},
          {"pairs", std::move(pairs)}};
}

}  // namespace semlink::cli
