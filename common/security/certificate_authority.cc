#include "common/security/certificate_authority.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/security/certificate.h"
#include "common/security/openssl.h"

namespace semlink::security {
namespace {

constexpr absl::Duration kCaLifetime = absl::Hours(24 * 3650);
constexpr absl::Duration kClockSkew = absl::Hours(1);
constexpr int kSerialBits = 127;

using BigNumber = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;

bool IsIpAddress(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

absl::StatusOr<Key> NewKey() {
  Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return OpensslError("make a key");
  return key;
}

bool IsP256(EVP_PKEY* key) {
  char group[80] = "";
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
         OBJ_txt2nid(group) == NID_X9_62_prime256v1;
}

absl::Status SetSerial(X509* certificate) {
  const BigNumber number(BN_new());
  if (number == nullptr ||
      BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1 ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) == nullptr) {
    return OpensslError("make a serial number");
  }
  return absl::OkStatus();
}

absl::Status SetSubject(const std::string& common_name, X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto add = [subject](const char* field, const std::string& value) {
    return X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  if (!add("O", "semlink") || !add("CN", common_name)) return OpensslError("name a certificate");
  return absl::OkStatus();
}

absl::Status SetValidity(absl::Time from, absl::Time until, X509* certificate) {
  if (ASN1_TIME_set(X509_getm_notBefore(certificate), absl::ToTimeT(from)) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(until)) == nullptr) {
    return OpensslError("date a certificate");
  }
  return absl::OkStatus();
}

absl::Status AddExtension(int nid, const std::string& value, X509* issuer, X509* certificate) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return OpensslError(absl::StrCat("add '", value, "' to a certificate"));
  }
  return absl::OkStatus();
}

absl::StatusOr<X509Ptr> NewCertificate(const std::string& common_name, EVP_PKEY* key) {
  X509Ptr certificate(X509_new());
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return OpensslError("make a certificate");
  }
  RETURN_IF_ERROR(SetSerial(certificate.get()));
  RETURN_IF_ERROR(SetSubject(common_name, certificate.get()));
  return certificate;
}

absl::Status Sign(X509* issuer, EVP_PKEY* key, X509* certificate) {
  if (X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1 ||
      X509_sign(certificate, key, EVP_sha256()) == 0) {
    return OpensslError("sign a certificate");
  }
  return absl::OkStatus();
}

// In OpenSSL's notation, which has commas between names: CheckHost keeps them out.
std::string AlternativeNames(const NodeId& node, bool dialled,
                             const std::vector<std::string>& hosts) {
  std::vector<std::string> names = {absl::StrCat("URI:", NodeUri(node)),
                                    absl::StrCat("DNS:", TlsName(node))};
  if (dialled) {
    names.push_back(absl::StrCat("DNS:", node.ToString()));
    for (const char* local : {"DNS:localhost", "IP:127.0.0.1", "IP:::1"}) names.push_back(local);
    for (const std::string& host : hosts) {
      const std::string name = absl::StrCat(IsIpAddress(host) ? "IP:" : "DNS:", host);
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return absl::StrJoin(names, ",");
}

}  // namespace

absl::Status CheckHost(absl::string_view host) {
  const std::string name(host);
  if (IsIpAddress(name)) return absl::OkStatus();
  const auto bad = [&](absl::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", absl::CHexEscape(name), "' is no host: ", why,
                     "; expected a DNS name or an IP address, such as node1.lab or 10.0.0.5"));
  };
  if (name.empty() || name.size() > 253) return bad("a name has 1 to 253 characters");
  if (absl::EndsWith(absl::AsciiStrToLower(name), ".semlink")) {
    return bad("names that end in .semlink stand for nodes");
  }
  for (const absl::string_view label : absl::StrSplit(name, '.')) {
    const bool letters = std::all_of(label.begin(), label.end(), [](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
    });
    if (label.empty() || label.size() > 63 || !letters || label.front() == '-' ||
        label.back() == '-') {
      return bad("between its dots stand letters, digits, '-' and '_', at most 63");
    }
  }
  return absl::OkStatus();
}

struct CertificateAuthority::State {
  X509Ptr certificate;
  Key key;
  absl::Time not_after;
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<State> state, PemPair pem)
    : state_(std::move(state)), pem_(std::move(pem)) {}
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) = default;
CertificateAuthority& CertificateAuthority::operator=(CertificateAuthority&&) = default;
CertificateAuthority::~CertificateAuthority() = default;

absl::StatusOr<CertificateAuthority> CertificateAuthority::Create(absl::Time now) {
  // A name of its own, so that the certificates of two CAs can't be mistaken for each other's.
  unsigned char random[4];
  if (RAND_bytes(random, sizeof random) != 1) return OpensslError("get random numbers");
  const std::string name = absl::StrCat(
      "semlink CA ", absl::BytesToHexString({reinterpret_cast<char*>(random), sizeof random}));
  ASSIGN_OR_RETURN(const Key key, NewKey());
  ASSIGN_OR_RETURN(const X509Ptr ca, NewCertificate(name, key.get()));
  RETURN_IF_ERROR(SetValidity(now - kClockSkew, now + kCaLifetime, ca.get()));
  const std::pair<int, const char*> extensions[] = {
      {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
      {NID_key_usage, "critical,keyCertSign,cRLSign"},
      {NID_subject_key_identifier, "hash"}};
  for (const auto& [nid, value] : extensions) {
    RETURN_IF_ERROR(AddExtension(nid, value, ca.get(), ca.get()));
  }
  RETURN_IF_ERROR(Sign(ca.get(), key.get(), ca.get()));
  PemPair pem;
  ASSIGN_OR_RETURN(pem.certificate, ToPem(ca.get()));
  ASSIGN_OR_RETURN(pem.key, ToPem(key.get()));
  return Load(pem, now);
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Load(const PemPair& pem,
                                                                absl::Time now) {
  RETURN_IF_ERROR(Verifier::Create(pem.certificate).status());
  auto state = std::make_unique<State>();
  ASSIGN_OR_RETURN(state->certificate, ParseCertificate(pem.certificate));
  ASSIGN_OR_RETURN(state->key, ParseKey(pem.key));
  if (!IsP256(state->key.get())) {
    return absl::InvalidArgumentError(
        absl::StrCat("its key is of another kind (", EVP_PKEY_get0_type_name(state->key.get()),
                     "): expected EC P-256, as semlink certs makes it"));
  }
  if (X509_check_private_key(state->certificate.get(), state->key.get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError("its key does not belong to its certificate");
  }
  ASSIGN_OR_RETURN(state->not_after, ToTime(X509_get0_notAfter(state->certificate.get())));
  if (state->not_after <= now) {
    return absl::FailedPreconditionError(absl::StrCat(
        "it has expired on ", absl::FormatTime("%Y-%m-%d", state->not_after, absl::UTCTimeZone())));
  }
  return CertificateAuthority(std::move(state), pem);
}

absl::StatusOr<PemPair> CertificateAuthority::Issue(const NodeId& node, absl::Duration lifetime,
                                                    const std::vector<std::string>& hosts,
                                                    absl::Time now) const {
  for (const std::string& host : hosts) RETURN_IF_ERROR(CheckHost(host));
  const bool dialled = node.role == Role::kCoordinator || node.role == Role::kTransmitter;
  ASSIGN_OR_RETURN(const Key key, NewKey());
  ASSIGN_OR_RETURN(const X509Ptr certificate, NewCertificate(node.ToString(), key.get()));
  RETURN_IF_ERROR(SetValidity(now - kClockSkew, std::min(now + lifetime, state_->not_after),
                              certificate.get()));
  const std::pair<int, std::string> extensions[] = {
      {NID_basic_constraints, "critical,CA:FALSE"},
      {NID_key_usage, "critical,digitalSignature"},
      {NID_ext_key_usage, dialled ? "serverAuth,clientAuth" : "clientAuth"},
      {NID_subject_key_identifier, "hash"},
      {NID_authority_key_identifier, "keyid:always"},
      {NID_subject_alt_name, AlternativeNames(node, dialled, hosts)}};
  for (const auto& [nid, value] : extensions) {
    RETURN_IF_ERROR(AddExtension(nid, value, state_->certificate.get(), certificate.get()));
  }
  RETURN_IF_ERROR(Sign(state_->certificate.get(), state_->key.get(), certificate.get()));
  PemPair pem;
  ASSIGN_OR_RETURN(pem.certificate, ToPem(certificate.get()));
  ASSIGN_OR_RETURN(pem.key, ToPem(key.get()));
  return pem;
}

}  // namespace semlink::security
