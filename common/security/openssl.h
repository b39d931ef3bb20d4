// OpenSSL's objects as C++ values, for the files of this folder only.
#ifndef SEMLINK_COMMON_SECURITY_OPENSSL_H_
#define SEMLINK_COMMON_SECURITY_OPENSSL_H_

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace semlink::security {

// Frees with the function that OpenSSL names.
template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Freer<X509_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;
using Store = std::unique_ptr<X509_STORE, Freer<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;

// INTERNAL: "can't ACTION: " and what OpenSSL has to say. Empties OpenSSL's queue of errors.
absl::Status OpensslError(absl::string_view action);

// The first certificate of a PEM text. INVALID_ARGUMENT if there is none.
absl::StatusOr<X509Ptr> ParseCertificate(absl::string_view pem);
// How many certificates the text has.
int CountCertificates(absl::string_view pem);
// INVALID_ARGUMENT if there is none, or one with a pass phrase.
absl::StatusOr<Key> ParseKey(absl::string_view pem);

absl::StatusOr<std::string> ToPem(X509* certificate);
absl::StatusOr<std::string> ToPem(EVP_PKEY* key);  // PKCS #8, not encrypted

absl::StatusOr<absl::Time> ToTime(const ASN1_TIME* time);

}  // namespace semlink::security

#endif  // SEMLINK_COMMON_SECURITY_OPENSSL_H_
