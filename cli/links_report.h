// What the links carried, as a run's coordinator says: text for people, and JSON.
#ifndef SEMLINK_CLI_LINKS_REPORT_H_
#define SEMLINK_CLI_LINKS_REPORT_H_

#include <string>

#include "common/base/json.h"
#include "semlink/v1/services.pb.h"

namespace semlink::cli {

// Nodes and modalities are numbered from 1 in both. The text has one line per pair, and below it
// one per link that was active.
std::string LinksText(const v1::LinksReply& reply);
Json LinksJson(const v1::LinksReply& reply);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_LINKS_REPORT_H_
