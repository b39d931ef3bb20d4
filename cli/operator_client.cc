#include "cli/operator_client.h"

#include <grpcpp/grpcpp.h>

#include <chrono>

#include "common/base/status_macros.h"

namespace semlink::cli {

int OperatorExitCode(const absl::Status& status) {
  return absl::IsNotFound(status) ? kExitUsage : ExitCode(status);
}

template <class Request, class Reply>
absl::StatusOr<Reply> OperatorClient::Call(grpc::Status (v1::Operator::StubInterface::*method)(
                                               grpc::ClientContext*, const Request&, Reply*),
                                           const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout_));
  Reply reply;
  const grpc::Status status = (stub_.get()->*method)(&context, request, &reply);
  if (status.ok()) return reply;
  return OperatorError(coordinator_.address, status);
}

absl::StatusOr<v1::StatusReply> OperatorClient::GetStatus() {
  return Call(&v1::Operator::StubInterface::GetStatus, v1::StatusRequest());
}

absl::StatusOr<v1::LinksReply> OperatorClient::GetLinks(uint32_t windows) {
  v1::LinksRequest request;
  request.set_windows(windows);
  return Call(&v1::Operator::StubInterface::GetLinks, request);
}

absl::StatusOr<uint64_t> OperatorClient::AddFault(const v1::Fault& fault) {
  v1::AddFaultRequest request;
  *request.mutable_fault() = fault;
  ASSIGN_OR_RETURN(const v1::AddFaultReply reply,
                   Call(&v1::Operator::StubInterface::AddFault, request));
  return reply.id();
}

absl::StatusOr<v1::ListFaultsReply> OperatorClient::ListFaults() {
  return Call(&v1::Operator::StubInterface::ListFaults, v1::ListFaultsRequest());
}

absl::StatusOr<std::vector<uint64_t>> OperatorClient::ClearFaults(
    const std::vector<uint64_t>& ids) {
  v1::ClearFaultsRequest request;
  request.mutable_id()->Add(ids.begin(), ids.end());
  ASSIGN_OR_RETURN(const v1::ClearFaultsReply reply,
                   Call(&v1::Operator::StubInterface::ClearFaults, request));
  return std::vector<uint64_t>(reply.cleared().begin(), reply.cleared().end());
}

}  // namespace semlink::cli
