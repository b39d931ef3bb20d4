#include "common/data/digest.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <fstream>
#include <memory>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace semlink::data {
namespace {

constexpr std::size_t kChunk = 1 << 18;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void Add(const void* bytes, std::size_t n) { EVP_DigestUpdate(context_.get(), bytes, n); }
  std::string Hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), digest, &size);
    return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), size));
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

absl::Status CantRead(const std::string& path) {
  return absl::NotFoundError(absl::StrCat(path, ": can't be read"));
}

}  // namespace

std::string Sha256OfText(absl::string_view text) {
  Sha256 hash;
  hash.Add(text.data(), text.size());
  return hash.Hex();
}

absl::StatusOr<std::string> Sha256OfFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return CantRead(path);
  Sha256 hash;
  std::vector<char> chunk(kChunk);
  while (file) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    hash.Add(chunk.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof()) return CantRead(path);
  return hash.Hex();
}

absl::StatusOr<std::string> Sha256OfContent(const std::string& path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) return CantRead(path);
  Sha256 hash;
  std::vector<char> chunk(kChunk);
  while (true) {
    const int got = gzread(file.get(), chunk.data(), static_cast<unsigned>(chunk.size()));
    int code = Z_OK;
    gzerror(file.get(), &code);
    if (got < 0 || code == Z_BUF_ERROR) {
      return absl::DataLossError(absl::StrCat(path, ": damaged gzip file"));
    }
    if (got == 0) return hash.Hex();
    hash.Add(chunk.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace semlink::data
