#include "common/transport/grpc_dialler.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/transport/grpc_channel_arguments.h"

namespace semlink {
namespace {

bool WorthTryingAgain(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

// gRPC wraps the cause several times over.
std::string Shorten(const absl::Status& status) {
  if (absl::StrContains(status.message(), "Connection refused")) return "connection refused";
  if (absl::StrContains(status.message(), "DNS resolution failed")) return "the name is not known";
  return std::string(status.message());
}

// Spreads nodes that start together. Not part of a run's reproducibility: by process, not by seed.
RandomStream Jitter(const NodeId& peer) {
  return RandomStream(static_cast<uint64_t>(getpid()), Purpose::kFault, 0, 0,
                      static_cast<uint64_t>(peer.index));
}

}  // namespace

GrpcDialler::GrpcDialler(const Options& options, StreamHub* hub, Clock* clock)
    : options_(options),
      hub_(hub),
      clock_(clock),
      backoff_(Jitter(options.peer), options.backoff),
      thread_([this] { Run(); }) {}

GrpcDialler::~GrpcDialler() {
  Stop();
  thread_.join();
}

void GrpcDialler::Stop() {
  std::shared_ptr<GrpcClientStream> stream;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    stopped_.Signal();
    stream = stream_;
  }
  if (stream != nullptr && !stream->was_opened()) stream->Cancel();
}

bool GrpcDialler::stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

bool GrpcDialler::trying() const {
  absl::MutexLock lock(&mutex_);
  return !finished_ && (stream_ == nullptr || !stream_->was_opened());
}

void GrpcDialler::GiveUp(const absl::Status& why) {
  {
    absl::MutexLock lock(&mutex_);
    finished_ = true;
  }
  hub_->GiveUp(options_.peer, why);
}

bool GrpcDialler::Sleep(absl::Duration duration) {
  const absl::Time deadline = absl::Now() + duration;
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    if (stopped_.WaitWithDeadline(&mutex_, deadline)) break;
  }
  return !stopping_;
}

absl::Status GrpcDialler::Attempt(absl::Duration timeout) {
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ChannelCredentials> credentials,
                   MakeChannelCredentials(options_.address, options_.security));
  v1::Message hello;
  *hello.mutable_hello() = options_.hello;
  std::shared_ptr<GrpcClientStream> stream;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return absl::OkStatus();
    stream = GrpcClientStream::Start(
        grpc::CreateCustomChannel(options_.address.ToString(), credentials,
                                  ClientArguments(hub_->max_message_bytes())),
        options_.peer, hello, hub_);
    stream_ = stream;
  }
  const absl::Status status = stream->WaitUntilOpen(timeout);
  if (absl::IsDeadlineExceeded(status)) stream->Cancel();
  stream->WaitUntilDone();
  return status;
}

void GrpcDialler::Run() {
  const std::string who =
      (options_.peer.role == Role::kCoordinator ? "the " : "") + options_.peer.ToString();
  const std::string where = options_.address.ToString();
  const absl::Duration start = clock_->Now();
  while (true) {
    const absl::Duration left = options_.wait - (clock_->Now() - start);
    const absl::Status status = Attempt(std::min(left, options_.attempt));
    if (status.ok() || stopping()) return;
    if (!WorthTryingAgain(status)) {
      GiveUp(absl::Status(status.code(), absl::StrCat("cannot connect to ", who, " at ", where,
                                                      ": ", status.message())));
      return;
    }
    const absl::Duration delay = backoff_.Next();
    if (clock_->Now() - start + delay >= options_.wait) {
      GiveUp(absl::DeadlineExceededError(
          absl::StrCat("could not reach ", who, " at ", where, " within ",
                       absl::FormatDuration(options_.wait), ": ", Shorten(status))));
      return;
    }
    spdlog::info("waiting for {} at {}: {}; next try in {}", who, where, Shorten(status),
                 absl::StrFormat("%.1f s", absl::ToDoubleSeconds(delay)));
    if (!Sleep(delay)) return;
  }
}

}  // namespace semlink
