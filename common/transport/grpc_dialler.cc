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

// A stream that lived so long was a success: the next tries start with short delays again.
constexpr absl::Duration kSuccess = absl::Seconds(2);
// Between lines in the log that say the same.
constexpr absl::Duration kRepeatLine = absl::Seconds(30);

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
  // Under the lock, so that the dialler's thread, not this one, lets go of the stream last.
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
  stopped_.Signal();
  // Not cancelled: the peer may have taken our Hello already, and should see an end in good order.
  if (stream_ != nullptr && !stream_->was_opened()) stream_->Leave();
}

void GrpcDialler::Abort(const absl::Status& why) {
  Stop();
  std::shared_ptr<GrpcClientStream> stream;
  {
    absl::MutexLock lock(&mutex_);
    stream = stream_;
  }
  if (stream != nullptr) stream->Fail(why);
}

bool GrpcDialler::stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

bool GrpcDialler::finished() const {
  absl::MutexLock lock(&mutex_);
  return finished_;
}

bool GrpcDialler::gave_up() const {
  absl::MutexLock lock(&mutex_);
  return gave_up_;
}

std::string GrpcDialler::Who() const {
  return absl::StrCat(options_.peer.role == Role::kCoordinator ? "the " : "",
                      options_.peer.ToString(), " at ", options_.address.ToString());
}

void GrpcDialler::GiveUp(const absl::Status& why, bool already) {
  {
    absl::MutexLock lock(&mutex_);
    gave_up_ = true;
  }
  if (!already) hub_->GiveUp(options_.peer, why);
}

bool GrpcDialler::Sleep(absl::Duration duration) {
  const absl::Time deadline = absl::Now() + duration;
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    if (stopped_.WaitWithDeadline(&mutex_, deadline)) break;
  }
  return !stopping_;
}

absl::Status GrpcDialler::Attempt(absl::Duration timeout, bool* opened) {
  *opened = false;
  const NodeId& self = hub_->self();
  if (hub_->faults().IsCut(self, options_.peer) || hub_->faults().IsCut(options_.peer, self)) {
    return absl::UnavailableError("the link is cut by a fault");
  }
  grpc::ChannelArguments arguments = ClientArguments(hub_->max_message_bytes());
  ASSIGN_OR_RETURN(
      const std::shared_ptr<grpc::ChannelCredentials> credentials,
      MakeChannelCredentials(options_.address, options_.peer, options_.security, &arguments));
  v1::Message hello;
  *hello.mutable_hello() = options_.hello;
  std::shared_ptr<GrpcClientStream> stream;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return absl::CancelledError("stopped");
    stream = GrpcClientStream::Start(
        grpc::CreateCustomChannel(options_.address.ToString(), credentials, arguments),
        options_.peer, hello, hub_);
    stream_ = stream;
  }
  const absl::Status status = stream->WaitUntilOpen(timeout);
  *opened = status.ok();
  if (*opened) opened_at_ = clock_->Now();
  if (absl::IsDeadlineExceeded(status)) stream->Cancel();
  const absl::Status end = stream->WaitUntilDone();
  if (!*opened && stream->was_opened()) *opened = true;  // in the last moment
  {
    absl::MutexLock lock(&mutex_);
    stream_ = nullptr;
  }
  return *opened ? end : status;
}

bool GrpcDialler::WorthTryingAgain(const absl::Status& status) const {
  if (absl::IsPermissionDenied(status)) return false;
  return connected_before_ || absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

bool GrpcDialler::Pause(const absl::Status& why, bool opened) {
  if (opened && clock_->Now() - opened_at_ > kSuccess) backoff_.Reset();
  const absl::Duration delay =
      connected_before_ ? std::min(backoff_.Next(), options_.longest_again) : backoff_.Next();
  const absl::Duration now = clock_->Now();
  const std::string reason = Shorten(why);
  if (!connected_before_ && now - start_ + delay >= options_.wait) {
    GiveUp(absl::DeadlineExceededError(absl::StrCat("could not reach ", Who(), " within ",
                                                    absl::FormatDuration(options_.wait), ": ",
                                                    reason)),
           false);
    return false;
  }
  if (reason != logged_ || now - logged_at_ > kRepeatLine) {
    logged_ = reason;
    logged_at_ = now;
    spdlog::info("{} {}: {}; next try in {}", opened ? "lost" : "waiting for", Who(), reason,
                 absl::StrFormat("%.1f s", absl::ToDoubleSeconds(delay)));
  }
  return Sleep(delay);
}

void GrpcDialler::DialOn() {
  start_ = clock_->Now();
  while (true) {
    const absl::Duration left =
        connected_before_ ? absl::InfiniteDuration() : options_.wait - (clock_->Now() - start_);
    bool opened = false;
    const absl::Status status = Attempt(std::min(left, options_.attempt), &opened);
    if (stopping()) return;
    connected_before_ |= opened;
    if (!WorthTryingAgain(status)) {
      GiveUp(absl::Status(status.code(),
                          absl::StrCat("cannot connect to ", Who(), ": ", status.message())),
             /*already=*/opened);
      return;
    }
    if (!Pause(status, opened)) return;
  }
}

void GrpcDialler::Run() {
  DialOn();
  absl::MutexLock lock(&mutex_);
  finished_ = true;
}

}  // namespace semlink
