#include "common/transport/raw_call.h"

#include <grpcpp/generic/generic_stub.h>

#include <chrono>

namespace semlink {

grpc::Status CallWithEmptyRequest(const std::shared_ptr<grpc::Channel>& channel,
                                  const std::string& method, absl::Duration timeout,
                                  std::string* answer) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout));
  grpc::CompletionQueue queue;
  const grpc::Slice nothing;  // a ByteBuffer without any slice is no message, not an empty one
  const auto call = stub.PrepareUnaryCall(&context, method, grpc::ByteBuffer(&nothing, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer reply;
  grpc::Status status;
  call->Finish(&reply, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (!status.ok() || answer == nullptr) return status;
  grpc::Slice whole;
  if (const grpc::Status dumped = reply.DumpToSingleSlice(&whole); !dumped.ok()) return dumped;
  answer->assign(reinterpret_cast<const char*>(whole.begin()), whole.size());
  return status;
}

}  // namespace semlink
