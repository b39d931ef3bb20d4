// Calls of the Operator service, each with a deadline.
#ifndef SEMLINK_CLI_OPERATOR_CLIENT_H_
#define SEMLINK_CLI_OPERATOR_CLIENT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/operator_channel.h"
#include "common/node/exit_code.h"
#include "semlink/v1/services.grpc.pb.h"

namespace semlink::cli {

// The exit code for a coordinator that can't be reached or a call that it refused.
int OperatorExitCode(const absl::Status& status);

// Errors are those of OperatorError().
class OperatorClient {
 public:
  explicit OperatorClient(OperatorChannel coordinator, absl::Duration timeout = absl::Seconds(5))
      : coordinator_(std::move(coordinator)),
        timeout_(timeout),
        stub_(v1::Operator::NewStub(coordinator_.channel)) {}

  absl::StatusOr<v1::StatusReply> GetStatus();
  // Over the last so many windows.
  absl::StatusOr<v1::LinksReply> GetLinks(uint32_t windows);
  absl::StatusOr<uint64_t> AddFault(const v1::Fault& fault);
  absl::StatusOr<v1::ListFaultsReply> ListFaults();
  // Empty: all. Gives those that were cleared.
  absl::StatusOr<std::vector<uint64_t>> ClearFaults(const std::vector<uint64_t>& ids);

 private:
  // One call of the stub's method.
  template <class Request, class Reply>
  absl::StatusOr<Reply> Call(grpc::Status (v1::Operator::StubInterface::*method)(
                                 grpc::ClientContext*, const Request&, Reply*),
                             const Request& request);

  OperatorChannel coordinator_;
  absl::Duration timeout_;
  std::unique_ptr<v1::Operator::StubInterface> stub_;
};

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_OPERATOR_CLIENT_H_
