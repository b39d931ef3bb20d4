// The answer to an operator's AddFault, which may have to wait for the nodes.
#ifndef SEMLINK_COORDINATOR_ADD_FAULT_REACTOR_H_
#define SEMLINK_COORDINATOR_ADD_FAULT_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "semlink/v1/services.pb.h"

namespace semlink::coordinator {

// Answers once: when it is known what became of the fault, or when the caller has gone or the
// server ends. Belongs to gRPC, and deletes itself.
class AddFaultReactor final : public grpc::ServerUnaryReactor {
 public:
  using Answer = std::function<void(const absl::StatusOr<uint64_t>& id)>;

  explicit AddFaultReactor(v1::AddFaultReply* reply) : call_(std::make_shared<Call>(this, reply)) {}

  // May be called by any thread, also when the call is over.
  Answer MakeAnswer() {
    return [call = call_](const absl::StatusOr<uint64_t>& id) {
      if (id.ok()) {
        call->End(grpc::Status::OK, *id);
      } else {
        call->End(grpc::Status(static_cast<grpc::StatusCode>(id.status().code()),
                               std::string(id.status().message())),
                  0);
      }
    };
  }

  void OnCancel() override {
    const std::shared_ptr<Call> call = call_;  // the reactor may end in End
    call->End(grpc::Status::CANCELLED, 0);
  }
  void OnDone() override { delete this; }

 private:
  class Call {
   public:
    Call(AddFaultReactor* reactor, v1::AddFaultReply* reply) : reactor_(reactor), reply_(reply) {}

    void End(const grpc::Status& status, uint64_t id) {
      absl::MutexLock lock(&mutex_);
      if (reactor_ == nullptr) return;
      if (status.ok()) reply_->set_id(id);
      reactor_->Finish(status);
      reactor_ = nullptr;
    }

   private:
    absl::Mutex mutex_;
    AddFaultReactor* reactor_ ABSL_GUARDED_BY(mutex_);  // null once the call is over
    v1::AddFaultReply* const reply_ ABSL_GUARDED_BY(mutex_);
  };

  const std::shared_ptr<Call> call_;
};

}  // namespace semlink::coordinator

#endif  // SEMLINK_COORDINATOR_ADD_FAULT_REACTOR_H_
