#include "common/security/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "common/security/certificate_authority.h"
#include "common/security/openssl.h"

namespace semlink::security {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const absl::Time kNow =
    absl::FromCivil(absl::CivilSecond(2030, 6, 1, 12, 0, 0), absl::UTCTimeZone());
constexpr absl::Duration kYear = absl::Hours(24 * 365);

class CertificateTest : public testing::Test {
 protected:
  CertificateTest()
      : ca_(*CertificateAuthority::Create(kNow)),
        verifier_(*Verifier::Create(ca_.pem().certificate)) {}

  PemPair Issue(const NodeId& node, absl::Duration lifetime = kYear) {
    return *ca_.Issue(node, lifetime, {"node7.lab", "10.0.0.5"}, kNow);
  }
  // Why it is not believed; "" if it is.
  std::string WhyNot(const std::string& pem, Purpose purpose, absl::Time now = kNow) {
    const absl::StatusOr<NodeId> node = verifier_.Verify(pem, purpose, now);
    EXPECT_TRUE(node.ok() || absl::IsUnauthenticated(node.status()));
    return std::string(node.status().message());
  }

  CertificateAuthority ca_;
  Verifier verifier_;
};

TEST(NodeUriTest, NamesEachNodeInOneWay) {
  EXPECT_EQ(NodeUri(NodeId::Transmitter(0)), "semlink:transmitter/1");
  EXPECT_EQ(TlsName(NodeId::Transmitter(0)), "transmitter1.semlink");
  for (const NodeId node : {NodeId::Coordinator(), NodeId::Transmitter(0), NodeId::Receiver(41),
                            NodeId{Role::kOperator, 0}}) {
    const absl::StatusOr<NodeId> parsed = ParseNodeUri(NodeUri(node));
    ASSERT_TRUE(parsed.ok()) << NodeUri(node);
    EXPECT_EQ(*parsed, node);
  }
  for (const char* uri :
       {"", "semlink:", "semlink:transmitter", "semlink:transmitter/", "semlink:transmitter/0",
        "semlink:transmitter/01", "semlink:transmitter/+1", "semlink:transmitter/ 1",
        "semlink:transmitter/1/2", "semlink:transmitter/99999999999", "semlink:Transmitter/1",
        "semlink:coordinator/1", "spiffe:transmitter/1"}) {
    EXPECT_FALSE(ParseNodeUri(uri).ok()) << uri;
  }
}

TEST_F(CertificateTest, SaysWhoTheNodeIsAndWhereItMayBeDialled) {
  const CertificateInfo info = *ReadCertificate(Issue(NodeId::Transmitter(1)).certificate);
  EXPECT_EQ(info.common_name, "transmitter2");
  EXPECT_EQ(info.issuer, ReadCertificate(ca_.pem().certificate)->common_name);
  EXPECT_THAT(info.uri, testing::ElementsAre("semlink:transmitter/2"));
  EXPECT_THAT(info.dns, testing::ElementsAre("transmitter2.semlink", "transmitter2", "localhost",
                                             "node7.lab"));
  EXPECT_THAT(info.ip, testing::ElementsAre("127.0.0.1", "::1", "10.0.0.5"));
  EXPECT_FALSE(info.is_ca);
  EXPECT_EQ(info.not_before, kNow - absl::Hours(1));
  EXPECT_EQ(info.not_after, kNow + kYear);
  EXPECT_EQ(*NodeOf(info), NodeId::Transmitter(1));
}

TEST_F(CertificateTest, WhoIsNeverDialledGetsNoNamesOfMachines) {
  const CertificateInfo info = *ReadCertificate(Issue(NodeId::Receiver(0)).certificate);
  EXPECT_THAT(info.dns, testing::ElementsAre("receiver1.semlink"));
  EXPECT_TRUE(info.ip.empty());
}

TEST_F(CertificateTest, IsBelievedForItsUseAndWhileItIsValid) {
  const PemPair transmitter = Issue(NodeId::Transmitter(0));
  EXPECT_EQ(WhyNot(transmitter.certificate, Purpose::kServer), "");
  EXPECT_EQ(WhyNot(transmitter.certificate, Purpose::kClient), "");
  EXPECT_EQ(*verifier_.Verify(transmitter.certificate, Purpose::kClient, kNow),
            NodeId::Transmitter(0));
  EXPECT_TRUE(*KeyFits(transmitter.certificate, transmitter.key));
  const PemPair receiver = Issue(NodeId::Receiver(0));
  EXPECT_EQ(WhyNot(receiver.certificate, Purpose::kClient), "");
  EXPECT_THAT(WhyNot(receiver.certificate, Purpose::kServer), HasSubstr("not made for this use"));
  EXPECT_EQ(WhyNot(receiver.certificate, Purpose::kClient, kNow + kYear - absl::Hours(1)), "");
  EXPECT_THAT(WhyNot(receiver.certificate, Purpose::kClient, kNow + kYear + absl::Hours(1)),
              AllOf(HasSubstr("'receiver1'"), HasSubstr("has expired on 2031-06-01")));
  EXPECT_THAT(WhyNot(receiver.certificate, Purpose::kClient, kNow - absl::Hours(2)),
              HasSubstr("not valid before 2030-06-01 11:00"));
}

TEST_F(CertificateTest, OfAnotherCaOrNoneIsNotBelieved) {
  const auto other = *CertificateAuthority::Create(kNow);
  const PemPair foreign = *other.Issue(NodeId::Receiver(0), kYear, {}, kNow);
  EXPECT_THAT(WhyNot(foreign.certificate, Purpose::kClient),
              HasSubstr("was not issued by this run's CA"));
  EXPECT_EQ(WhyNot("", Purpose::kClient), "there is no certificate");
  EXPECT_EQ(WhyNot("junk", Purpose::kClient), "the certificate can't be read");
  EXPECT_THAT(WhyNot(ca_.pem().certificate, Purpose::kClient), Not(testing::IsEmpty()));
}

// The certificate with `from` replaced by `to`, of the same length, wherever it stands.
std::string Altered(const std::string& pem, const std::string& from, const std::string& to) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(ParseCertificate(pem)->get(), &bytes);
  std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  EXPECT_THAT(der, HasSubstr(from));
  for (std::size_t at = der.find(from); at != std::string::npos; at = der.find(from, at)) {
    der.replace(at, from.size(), to);
  }
  const auto* begin = reinterpret_cast<const unsigned char*>(der.data());
  const X509Ptr altered(d2i_X509(nullptr, &begin, size));
  return *ToPem(altered.get());
}

TEST_F(CertificateTest, AnAlteredOneIsNotBelieved) {
  const std::string altered =
      Altered(Issue(NodeId::Receiver(0)).certificate, "receiver/1", "receiver/2");
  EXPECT_EQ(*NodeOf(*ReadCertificate(altered)), NodeId::Receiver(1));
  EXPECT_THAT(WhyNot(altered, Purpose::kClient), HasSubstr("was not issued by this run's CA"));
}

TEST_F(CertificateTest, DoesNotOutliveItsCa) {
  const CertificateInfo ca = *ReadCertificate(ca_.pem().certificate);
  const PemPair longest = Issue(NodeId::Receiver(0), 100 * kYear);
  EXPECT_EQ(ReadCertificate(longest.certificate)->not_after, ca.not_after);
  EXPECT_TRUE(ca.is_ca);
}

TEST_F(CertificateTest, ANodeIsNoCa) {
  const PemPair node = Issue(NodeId::Transmitter(0));
  const auto as_ca = CertificateAuthority::Load(node, kNow);
  EXPECT_EQ(as_ca.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(as_ca.status().message()), HasSubstr("not that of a CA"));
  EXPECT_FALSE(Verifier::Create(node.certificate).ok());
  EXPECT_FALSE(Verifier::Create(ca_.pem().certificate + node.certificate).ok());
}

TEST_F(CertificateTest, ACaIsLoadedWithItsOwnKeyOfTheRightKindInTime) {
  EXPECT_TRUE(CertificateAuthority::Load(ca_.pem(), kNow).ok());
  const auto load = [](PemPair pem, absl::Time now) {
    return CertificateAuthority::Load(pem, now).status();
  };
  const auto other = *CertificateAuthority::Create(kNow);
  EXPECT_THAT(std::string(load({ca_.pem().certificate, other.pem().key}, kNow).message()),
              HasSubstr("does not belong"));
  EXPECT_THAT(std::string(load({ca_.pem().certificate, "junk"}, kNow).message()),
              HasSubstr("no readable private key"));
  const absl::Status expired = load(ca_.pem(), kNow + 11 * kYear);
  EXPECT_EQ(expired.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(expired.message()), HasSubstr("expired on 2040"));
  const Key rsa(EVP_RSA_gen(2048));
  EXPECT_THAT(std::string(load({ca_.pem().certificate, *ToPem(rsa.get())}, kNow).message()),
              AllOf(HasSubstr("RSA"), HasSubstr("expected EC P-256")));
}

TEST(CheckHostTest, TakesNamesAndAddresses) {
  for (const char* host : {"node1", "node1.lab", "a-b_c.example.org", "10.0.0.5", "fd00::5"}) {
    EXPECT_TRUE(CheckHost(host).ok()) << host;
  }
  // The second part of one would be another entry of the certificate.
  for (const char* host : {"", "a,URI:semlink:coordinator", "a b", "a..b", "-a", "*.lab", "a/b",
                           "coordinator.semlink", "Coordinator.SEMLINK", "10.0.0.5:7000"}) {
    EXPECT_EQ(CheckHost(host).code(), absl::StatusCode::kInvalidArgument) << host;
  }
}

}  // namespace
}  // namespace semlink::security
