// The server's side of mutual TLS: who dials us, and what that node may do.
#ifndef SEMLINK_COMMON_TRANSPORT_PEER_CHECK_H_
#define SEMLINK_COMMON_TRANSPORT_PEER_CHECK_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/auth_metadata_processor.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/base/ids.h"
#include "common/security/certificate.h"

namespace semlink {

// Why somebody was refused.
enum class IdentityRefusal { kNoCertificate, kInvalidCertificate, kOtherNode, kNotOperator };
inline constexpr int kIdentityRefusals = 4;

// "no certificate", "certificate not valid", ...
const char* IdentityRefusalName(IdentityRefusal reason);

// Judges each call by the certificate of its connection, at the time of the call. Without a
// verifier (insecure, loopback only) everybody may do everything. Counts whom it refuses.
// Thread-safe.
class PeerCheck : public std::enable_shared_from_this<PeerCheck> {
 public:
  PeerCheck() = default;
  explicit PeerCheck(security::Verifier verifier) : verifier_(std::move(verifier)) {}

  // Whether the caller may be `claimed`: its certificate must name that node. UNAUTHENTICATED or
  // PERMISSION_DENIED with the reason. The caller of this logs.
  absl::Status AllowNode(const grpc::AuthContext& caller, const NodeId& claimed);

  // Whether the caller is an operator. Each handler of the Operator service asks first and returns
  // what is not OK. Logs refusals.
  grpc::Status AllowOperator(const grpc::CallbackServerContext& context, const char* method);

  // For the server's credentials: refuses every call without a valid certificate, whatever the
  // service (health checking and reflection included), except calls to semlink's own services:
  // these are let through to their handlers, which know the caller's address and can say why not.
  std::shared_ptr<grpc::AuthMetadataProcessor> MakeProcessor();

  // Since the start.
  std::array<uint64_t, kIdentityRefusals> refusals() const;
  // Of these, the ones of callers whose certificate was valid, by the node that it names.
  std::map<NodeId, uint64_t> refusals_by_node() const;

 private:
  class Processor;

  // The node that the caller's certificate names; counts it if there is none.
  absl::StatusOr<NodeId> Caller(const grpc::AuthContext& caller);
  void Count(IdentityRefusal reason, const std::optional<NodeId>& node = std::nullopt);

  const std::optional<security::Verifier> verifier_;
  mutable absl::Mutex mutex_;
  std::array<uint64_t, kIdentityRefusals> refusals_ ABSL_GUARDED_BY(mutex_) = {};
  std::map<NodeId, uint64_t> by_node_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_PEER_CHECK_H_
