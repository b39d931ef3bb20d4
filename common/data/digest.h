// SHA-256 of files.
#ifndef SEMLINK_COMMON_DATA_DIGEST_H_
#define SEMLINK_COMMON_DATA_DIGEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semlink::data {

// Hex, lower case.
std::string Sha256OfText(absl::string_view text);

// Of the bytes on disk. NOT_FOUND if the file can't be read.
absl::StatusOr<std::string> Sha256OfFile(const std::string& path);

// Of what a gzip file holds, or of the file itself if it is not gzip: the same for every way of
// compressing the same content. NOT_FOUND if the file can't be read, DATA_LOSS if it is damaged.
absl::StatusOr<std::string> Sha256OfContent(const std::string& path);

}  // namespace semlink::data

#endif  // SEMLINK_COMMON_DATA_DIGEST_H_
