#include "common/security/certificate.h"

#include <arpa/inet.h>
#include <openssl/err.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/security/openssl.h"

namespace semlink::security {
namespace {

constexpr char kScheme[] = "semlink:";
constexpr int kMaxIndex = 65536;
constexpr std::size_t kMaxShownName = 64;

std::string CommonName(const X509_NAME* name) {
  const int position = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (position < 0) return "";
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, position)));
  if (size < 0) return "";
  std::string text(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return text;
}

std::string Text(const ASN1_STRING* string) {
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                     static_cast<std::size_t>(ASN1_STRING_length(string)));
}

std::string IpText(const ASN1_OCTET_STRING* bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(bytes) != 16) return "";
  inet_ntop(family, ASN1_STRING_get0_data(bytes), text, sizeof text);
  return text;
}

void ReadAlternativeNames(X509* certificate, CertificateInfo* info) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  ERR_clear_error();
  if (names == nullptr) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) {
      info->uri.push_back(Text(name->d.uniformResourceIdentifier));
    } else if (name->type == GEN_DNS) {
      info->dns.push_back(Text(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
      info->ip.push_back(IpText(name->d.iPAddress));
    }
  }
}

absl::StatusOr<CertificateInfo> Describe(X509* certificate) {
  CertificateInfo info;
  info.common_name = CommonName(X509_get_subject_name(certificate));
  info.issuer = CommonName(X509_get_issuer_name(certificate));
  ASSIGN_OR_RETURN(info.not_before, ToTime(X509_get0_notBefore(certificate)));
  ASSIGN_OR_RETURN(info.not_after, ToTime(X509_get0_notAfter(certificate)));
  info.is_ca = X509_check_ca(certificate) == 1;
  ReadAlternativeNames(certificate, &info);
  return info;
}

// A name that a stranger chose: short, one line.
std::string Shown(const std::string& name) {
  if (name.empty()) return "without a name";
  return absl::StrCat("of '", absl::CHexEscape(name.substr(0, kMaxShownName)), "'");
}

std::string Date(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M UTC", time, absl::UTCTimeZone());
}

std::string WhyNot(int error, const CertificateInfo& info, absl::Time now) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      if (info.not_after < now) return absl::StrCat("has expired on ", Date(info.not_after));
      return "was issued by a CA whose own certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return absl::StrCat("is not valid before ", Date(info.not_before),
                          ": compare the machines' clocks");
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "was not issued by this run's CA";
    case X509_V_ERR_INVALID_PURPOSE:
      return "is not made for this use";
    default:
      return absl::StrCat("is not valid: ", X509_verify_cert_error_string(error));
  }
}

}  // namespace

std::string NodeUri(const NodeId& node) {
  switch (node.role) {
    case Role::kCoordinator:
      return "semlink:coordinator";
    case Role::kTransmitter:
      return absl::StrCat("semlink:transmitter/", node.index + 1);
    case Role::kReceiver:
      return absl::StrCat("semlink:receiver/", node.index + 1);
    case Role::kOperator:
      break;
  }
  return "semlink:operator";
}

absl::StatusOr<NodeId> ParseNodeUri(absl::string_view uri) {
  for (const NodeId node : {NodeId::Coordinator(), NodeId{Role::kOperator, 0}}) {
    if (uri == NodeUri(node)) return node;
  }
  for (const Role role : {Role::kTransmitter, Role::kReceiver}) {
    const std::size_t slash = uri.rfind('/');
    int number = 0;
    if (slash == absl::string_view::npos || !absl::SimpleAtoi(uri.substr(slash + 1), &number) ||
        number < 1 || number > kMaxIndex) {
      continue;
    }
    const NodeId node = {role, number - 1};
    if (uri == NodeUri(node)) return node;  // one spelling only: no "+1", no "01"
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", absl::CHexEscape(std::string(uri.substr(0, kMaxShownName))), "' names no node"));
}

std::string TlsName(const NodeId& node) { return absl::StrCat(node.ToString(), ".semlink"); }

absl::StatusOr<CertificateInfo> ReadCertificate(absl::string_view pem) {
  ASSIGN_OR_RETURN(const X509Ptr certificate, ParseCertificate(pem));
  return Describe(certificate.get());
}

absl::StatusOr<NodeId> NodeOf(const CertificateInfo& info) {
  std::string found;
  for (const std::string& uri : info.uri) {
    if (!absl::StartsWith(uri, kScheme)) continue;
    if (!found.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the certificate ", Shown(info.common_name), " names several nodes"));
    }
    found = uri;
  }
  if (found.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("the certificate ", Shown(info.common_name),
                                                   " names no node of semlink (", kScheme, "...)"));
  }
  return ParseNodeUri(found);
}

absl::StatusOr<bool> KeyFits(absl::string_view certificate_pem, absl::string_view key_pem) {
  ASSIGN_OR_RETURN(const X509Ptr certificate, ParseCertificate(certificate_pem));
  ASSIGN_OR_RETURN(const Key key, ParseKey(key_pem));
  const bool fits = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return fits;
}

struct Verifier::State {
  Store store;
};

Verifier::Verifier(std::unique_ptr<State> state) : state_(std::move(state)) {}
Verifier::Verifier(Verifier&&) = default;
Verifier& Verifier::operator=(Verifier&&) = default;
Verifier::~Verifier() = default;

absl::StatusOr<Verifier> Verifier::Create(absl::string_view ca_pem) {
  ASSIGN_OR_RETURN(const X509Ptr ca, ParseCertificate(ca_pem));
  if (CountCertificates(ca_pem) != 1) {
    return absl::InvalidArgumentError("it holds several certificates: a run has one CA");
  }
  if (X509_check_ca(ca.get()) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the certificate ", Shown(CommonName(X509_get_subject_name(ca.get()))),
                     " is not that of a CA"));
  }
  auto state = std::make_unique<State>();
  state->store.reset(X509_STORE_new());
  if (state->store == nullptr || X509_STORE_add_cert(state->store.get(), ca.get()) != 1) {
    return OpensslError("use a CA");
  }
  return Verifier(std::move(state));
}

absl::StatusOr<NodeId> Verifier::Verify(absl::string_view pem, Purpose purpose,
                                        absl::Time now) const {
  if (pem.empty()) return absl::UnauthenticatedError("there is no certificate");
  const absl::StatusOr<X509Ptr> certificate = ParseCertificate(pem);
  if (!certificate.ok()) return absl::UnauthenticatedError("the certificate can't be read");
  const absl::StatusOr<CertificateInfo> info = Describe(certificate->get());
  if (!info.ok()) return absl::UnauthenticatedError("the certificate can't be read");
  const StoreContext context(X509_STORE_CTX_new());
  if (context == nullptr ||
      X509_STORE_CTX_init(context.get(), state_->store.get(), certificate->get(), nullptr) != 1) {
    return OpensslError("check a certificate");
  }
  X509_STORE_CTX_set_purpose(context.get(), purpose == Purpose::kServer ? X509_PURPOSE_SSL_SERVER
                                                                        : X509_PURPOSE_SSL_CLIENT);
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), absl::ToTimeT(now));
  const int verified = X509_verify_cert(context.get());
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (verified != 1) {
    return absl::UnauthenticatedError(
        absl::StrCat("the certificate ", Shown(info->common_name), " ", WhyNot(error, *info, now)));
  }
  absl::StatusOr<NodeId> node = NodeOf(*info);
  if (!node.ok()) return absl::UnauthenticatedError(node.status().message());
  return node;
}

}  // namespace semlink::security
