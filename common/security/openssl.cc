#include "common/security/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>

#include "absl/strings/str_cat.h"

namespace semlink::security {
namespace {

Bio ReadOnly(absl::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Without it OpenSSL would ask for a pass phrase on the terminal.
int NoPassPhrase(char*, int, int, void*) { return 0; }

std::string Content(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

absl::Status OpensslError(absl::string_view action) {
  char text[256] = "no reason given";
  if (const unsigned long code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, text, sizeof text);
  }
  ERR_clear_error();
  return absl::InternalError(absl::StrCat("can't ", action, ": ", text));
}

absl::StatusOr<X509Ptr> ParseCertificate(absl::string_view pem) {
  const Bio bio = ReadOnly(pem);
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPassPhrase, nullptr));
  ERR_clear_error();
  if (certificate == nullptr) {
    return absl::InvalidArgumentError("it holds no readable certificate in PEM form");
  }
  return certificate;
}

int CountCertificates(absl::string_view pem) {
  const Bio bio = ReadOnly(pem);
  int count = 0;
  while (X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, NoPassPhrase, nullptr)) != nullptr) ++count;
  ERR_clear_error();
  return count;
}

absl::StatusOr<Key> ParseKey(absl::string_view pem) {
  const Bio bio = ReadOnly(pem);
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassPhrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return absl::InvalidArgumentError("it holds no readable private key in PEM form");
  }
  return key;
}

absl::StatusOr<std::string> ToPem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return OpensslError("write a certificate");
  }
  return Content(bio.get());
}

absl::StatusOr<std::string> ToPem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpensslError("write a private key");
  }
  return Content(bio.get());
}

absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time) {
  std::tm utc = {};
  if (ASN1_TIME_to_tm(time, &utc) != 1) return OpensslError("read a time in a certificate");
  return absl::FromTM(utc, absl::UTCTimeZone());
}

}  // namespace semlink::security
