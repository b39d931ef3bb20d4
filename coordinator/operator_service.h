// The Operator service: how a run is going, and an end to it. Only a shell around the StatusBoard.
#ifndef SEMLINK_COORDINATOR_OPERATOR_SERVICE_H_
#define SEMLINK_COORDINATOR_OPERATOR_SERVICE_H_

#include <memory>

#include "coordinator/status_board.h"
#include "semlink/v1/services.grpc.pb.h"

namespace semlink::coordinator {

v1::StatusReply ToReply(const RunStatus& status);

// Handlers run on gRPC's threads and return at once.
class OperatorService : public v1::Operator::CallbackService {
 public:
  explicit OperatorService(std::shared_ptr<StatusBoard> board) : board_(std::move(board)) {}

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const v1::StatusRequest* request,
                                      v1::StatusReply* reply) override;
  // Returns once the wish is noted; the run ends at the coordinator's next message or tick.
  grpc::ServerUnaryReactor* StopRun(grpc::CallbackServerContext* context,
                                    const v1::StopRequest* request, v1::StopReply* reply) override;

 private:
  std::shared_ptr<StatusBoard> board_;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_OPERATOR_SERVICE_H_
