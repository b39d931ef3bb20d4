#include "coordinator/environment.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/file_system.h"
#include "common/transport/protocol.h"

namespace semlink::coordinator {
namespace {

// "model name : X" of the first processor; "unknown" where the kernel does not say.
std::string CpuModel() {
  const auto text = ReadFile("/proc/cpuinfo");
  if (!text.ok()) return "unknown";
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    if (!absl::StartsWith(line, "model name")) continue;
    const size_t colon = line.find(':');
    if (colon != absl::string_view::npos) {
      return std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
    }
  }
  return "unknown";
}

Json MachineJson() {
  Json machine;
  utsname name;
  if (uname(&name) == 0) {
    machine["system"] = name.sysname;
    machine["release"] = name.release;
    machine["version"] = name.version;
    machine["architecture"] = name.machine;
  }
  machine["cpu"] = CpuModel();
  machine["cores"] = sysconf(_SC_NPROCESSORS_ONLN);
  machine["memory_bytes"] =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return machine;
}

}  // namespace

Json EnvironmentJson(const Scenario& scenario, const Membership& membership) {
  Json nodes = Json::array();
  for (const Member& member : membership.members()) {
    const std::string& device = member.id.role == Role::kTransmitter
                                    ? scenario.transmitters[member.id.index].device
                                    : scenario.receivers[member.id.index].device;
    nodes.push_back({{"node", member.id.ToString()},
                     {"device", device},
                     {"software", member.software},
                     {"address", member.address},
                     {"pid", member.pid}});
  }
  return {{"software", kSoftware},
          {"protocol", kProtocolVersion},
          {"compiler", __VERSION__},
          {"coordinator_machine", MachineJson()},
          {"nodes", std::move(nodes)}};
}

}  // namespace semlink::coordinator
