#include "common/transport/peer_check.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/transport/tcp_info.h"

namespace semlink {
namespace {

constexpr char kPemProperty[] = "x509_pem_cert";
// Calls that answer for themselves: see MakeProcessor.
constexpr char kOwnServices[] = "/semlink.v1.";
constexpr std::size_t kMaxShownPath = 100;

std::string CertificateOf(const grpc::AuthContext& caller) {
  const std::vector<grpc::string_ref> found = caller.FindPropertyValues(kPemProperty);
  return found.size() == 1 ? std::string(found[0].data(), found[0].size()) : "";
}

}  // namespace

const char* IdentityRefusalName(IdentityRefusal reason) {
  switch (reason) {
    case IdentityRefusal::kNoCertificate:
      return "no certificate";
    case IdentityRefusal::kInvalidCertificate:
      return "certificate not valid";
    case IdentityRefusal::kOtherNode:
      return "certificate of another node";
    case IdentityRefusal::kNotOperator:
      break;
  }
  return "not an operator";
}

// One per server, on gRPC's threads; lives as long as its credentials.
class PeerCheck::Processor final : public grpc::AuthMetadataProcessor {
 public:
  explicit Processor(std::shared_ptr<PeerCheck> check) : check_(std::move(check)) {}

  bool IsBlocking() const override { return false; }  // some 100 us: no thread of its own

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* caller,
                       OutputMetadata* consumed, OutputMetadata* response) override {
    const auto path = metadata.find(":path");
    const std::string method =
        path == metadata.end() ? "" : std::string(path->second.data(), path->second.size());
    if (absl::StartsWith(method, kOwnServices)) return grpc::Status::OK;
    const absl::StatusOr<NodeId> node = check_->Caller(*caller);
    if (node.ok()) return grpc::Status::OK;
    spdlog::warn("refused a call of {}: {}", absl::CHexEscape(method.substr(0, kMaxShownPath)),
                 std::string(node.status().message()));
    return {grpc::StatusCode::UNAUTHENTICATED, std::string(node.status().message())};
  }

 private:
  const std::shared_ptr<PeerCheck> check_;
};

std::shared_ptr<grpc::AuthMetadataProcessor> PeerCheck::MakeProcessor() {
  return std::make_shared<Processor>(shared_from_this());
}

void PeerCheck::Count(IdentityRefusal reason, const std::optional<NodeId>& node) {
  absl::MutexLock lock(&mutex_);
  ++refusals_[static_cast<std::size_t>(reason)];
  if (node.has_value()) ++by_node_[*node];
}

absl::StatusOr<NodeId> PeerCheck::Caller(const grpc::AuthContext& caller) {
  const std::string pem = CertificateOf(caller);
  if (pem.empty()) {
    Count(IdentityRefusal::kNoCertificate);
    return absl::UnauthenticatedError(
        "no certificate was shown, and this run asks for one: start with --tls DIR");
  }
  absl::StatusOr<NodeId> node =
      verifier_->Verify(pem, security::Purpose::kClient, RealClock().WallTime());
  if (!node.ok()) Count(IdentityRefusal::kInvalidCertificate);
  return node;
}

absl::Status PeerCheck::AllowNode(const grpc::AuthContext& caller, const NodeId& claimed) {
  if (!verifier_.has_value()) return absl::OkStatus();
  const absl::StatusOr<NodeId> node = Caller(caller);
  if (!node.ok() || *node == claimed) return node.status();
  Count(IdentityRefusal::kOtherNode, *node);
  return absl::PermissionDeniedError(absl::StrCat("the certificate of ", node->ToString(),
                                                  " does not allow its holder to be ",
                                                  claimed.ToString()));
}

grpc::Status PeerCheck::AllowOperator(const grpc::CallbackServerContext& context,
                                      const char* method) {
  if (!verifier_.has_value()) return grpc::Status::OK;
  const absl::StatusOr<NodeId> node = Caller(*context.auth_context());
  if (node.ok() && node->role == Role::kOperator) return grpc::Status::OK;
  std::string why = std::string(node.status().message());
  if (node.ok()) {
    Count(IdentityRefusal::kNotOperator, *node);
    why = absl::StrCat("only an operator may do that, and the certificate is that of ",
                       node->ToString());
  }
  spdlog::warn("refused {} asking for {}: {}", FromGrpcPeer(context.peer()), method, why);
  return {node.ok() ? grpc::StatusCode::PERMISSION_DENIED : grpc::StatusCode::UNAUTHENTICATED, why};
}

std::array<uint64_t, kIdentityRefusals> PeerCheck::refusals() const {
  absl::MutexLock lock(&mutex_);
  return refusals_;
}

std::map<NodeId, uint64_t> PeerCheck::refusals_by_node() const {
  absl::MutexLock lock(&mutex_);
  return by_node_;
}

}  // namespace semlink
