// SHA-256 of bytes and of files.
#ifndef SEMLINK_COMMON_BASE_SHA256_H_
#define SEMLINK_COMMON_BASE_SHA256_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semlink {

// A digest of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(absl::string_view bytes);
  // 64 lower-case hexadecimal digits. Ends the digest: neither Update nor Finish may follow.
  std::string Finish();

 private:
  struct Context;  // keeps OpenSSL out of this header
  std::unique_ptr<Context> context_;
};

// 64 lower-case hexadecimal digits.
std::string Sha256Hex(absl::string_view bytes);

// The same of a file's bytes, read in pieces. The error names the path and the system's reason.
absl::StatusOr<std::string> Sha256OfFile(const std::string& path);

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_SHA256_H_
