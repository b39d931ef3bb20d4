// The Operator service: how a run is going, faults, and an end to it. Only a shell around the
// StatusBoard and its FaultDesk.
#ifndef SEMLINK_COORDINATOR_OPERATOR_SERVICE_H_
#define SEMLINK_COORDINATOR_OPERATOR_SERVICE_H_

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/transport/peer_check.h"
#include "coordinator/status_board.h"
#include "semlink/v1/services.grpc.pb.h"

namespace semlink::coordinator {

// `now`: a date, for how long nodes have been there.
v1::StatusReply ToReply(const RunStatus& status, const std::vector<FaultView>& faults,
                        absl::Time now);

// Adds all pairs, in the order of `status.pairs`, and their states to what was read from the
// LinkHistory.
void FillPairs(const RunStatus& status, const std::vector<FaultView>& faults, absl::Time now,
               v1::LinksReply* reply);

// Handlers run on gRPC's threads and return at once. Each serves operators only, by their
// certificates; what `check` has refused is part of the status.
class OperatorService : public v1::Operator::CallbackService {
 public:
  OperatorService(std::shared_ptr<StatusBoard> board, std::shared_ptr<PeerCheck> check)
      : board_(std::move(board)), check_(std::move(check)) {}

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const v1::StatusRequest* request,
                                      v1::StatusReply* reply) override;
  grpc::ServerUnaryReactor* GetLinks(grpc::CallbackServerContext* context,
                                     const v1::LinksRequest* request,
                                     v1::LinksReply* reply) override;
  // Returns once the wish is noted; the run ends at the coordinator's next message or tick.
  grpc::ServerUnaryReactor* StopRun(grpc::CallbackServerContext* context,
                                    const v1::StopRequest* request, v1::StopReply* reply) override;

  // The fault begins at the coordinator's next moment between messages.
  grpc::ServerUnaryReactor* AddFault(grpc::CallbackServerContext* context,
                                     const v1::AddFaultRequest* request,
                                     v1::AddFaultReply* reply) override;
  grpc::ServerUnaryReactor* ListFaults(grpc::CallbackServerContext* context,
                                       const v1::ListFaultsRequest* request,
                                       v1::ListFaultsReply* reply) override;
  grpc::ServerUnaryReactor* ClearFaults(grpc::CallbackServerContext* context,
                                        const v1::ClearFaultsRequest* request,
                                        v1::ClearFaultsReply* reply) override;

 private:
  RealClock clock_;
  std::shared_ptr<StatusBoard> board_;
  std::shared_ptr<PeerCheck> check_;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_OPERATOR_SERVICE_H_
