#include "common/security/certificate_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/base/file_system.h"
#include "common/security/certificate.h"
#include "common/security/certificate_authority.h"
#include "common/security/identity.h"
#include "tests/base/temp_dir.h"

namespace semlink::security {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const absl::Time kNow =
    absl::FromCivil(absl::CivilSecond(2030, 6, 1, 12, 0, 0), absl::UTCTimeZone());

class CertificateFolderTest : public testing::Test {
 protected:
  CertificateFolderTest() {
    options_.dir = parent_ / "c";
    options_.nodes = NodesOf(2, 1);
  }

  std::string Path(const std::string& name) { return absl::StrCat(options_.dir, "/", name); }
  std::string Text(const std::string& name) { return *ReadFile(Path(name)); }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(Path(name), text).ok());
  }
  // Names of what was made.
  std::vector<std::string> Make(absl::Time now = kNow) {
    const auto made = MakeCertificates(options_, now);
    EXPECT_TRUE(made.ok()) << made.status();
    std::vector<std::string> names;
    if (!made.ok()) return names;
    for (const MadeCertificate& m : *made) {
      if (m.made) names.push_back(m.name);
    }
    return names;
  }
  std::string Error(absl::Time now = kNow) {
    const absl::Status status = MakeCertificates(options_, now).status();
    EXPECT_FALSE(status.ok());
    return std::string(status.message());
  }

  TempDir parent_;
  CertificateFolderOptions options_;
};

TEST_F(CertificateFolderTest, HasOnePairPerNodeWithSecretKeys) {
  EXPECT_THAT(Make(), testing::ElementsAre("ca", "coordinator", "transmitter1", "transmitter2",
                                           "receiver1", "operator"));
  const std::vector<std::string> files = *ListFiles(options_.dir);
  EXPECT_EQ(files.size(), 12u);
  for (const std::string& name : files) {
    struct stat info;
    ASSERT_EQ(stat(Path(name).c_str(), &info), 0);
    const bool key = name.substr(name.size() - 4) == ".key";
    EXPECT_EQ(info.st_mode & 0777, key ? 0600u : 0644u) << name;
  }
  for (const NodeId& node : options_.nodes) {
    const auto identity = LoadIdentity(FilesOf(options_.dir, node));
    ASSERT_TRUE(identity.ok()) << identity.status();
    EXPECT_TRUE(CheckIdentity(*identity, node, kNow).ok());
  }
}

TEST_F(CertificateFolderTest, MadeAgainKeepsWhatIsThereAndAddsWhatIsMissing) {
  Make();
  const std::string ca = Text("ca.pem"), kept = Text("receiver1.pem");
  std::filesystem::remove(Path("transmitter1.pem"));
  std::filesystem::remove(Path("transmitter2.key"));  // moved to its machine
  options_.nodes = NodesOf(2, 2);
  EXPECT_THAT(Make(), testing::ElementsAre("transmitter1", "receiver2"));
  EXPECT_EQ(Text("ca.pem"), ca);
  EXPECT_EQ(Text("receiver1.pem"), kept);
  EXPECT_FALSE(FileExists(Path("transmitter2.key")));
}

TEST_F(CertificateFolderTest, ForceRenewsUnderTheSameCa) {
  Make();
  const std::string ca = Text("ca.pem"), old = Text("receiver1.pem");
  options_.force = true;
  EXPECT_EQ(Make(kNow + absl::Hours(24)).size(), 5u);
  EXPECT_EQ(Text("ca.pem"), ca);
  EXPECT_NE(Text("receiver1.pem"), old);
  EXPECT_EQ(ReadCertificate(Text("receiver1.pem"))->not_after,
            kNow + absl::Hours(24) + options_.lifetime);
}

TEST_F(CertificateFolderTest, AKeptCertificateMustStillServe) {
  Make();
  EXPECT_THAT(Error(kNow + 2 * options_.lifetime),
              AllOf(HasSubstr("coordinator.pem"), HasSubstr("has expired"), HasSubstr("--force")));
  const std::string receiver = Text("receiver1.pem");
  Write("receiver1.pem", Text("transmitter1.pem"));
  EXPECT_THAT(Error(), AllOf(HasSubstr("receiver1.pem"), HasSubstr("--force")));
  Write("receiver1.key", Text("transmitter1.key"));
  EXPECT_THAT(Error(),
              AllOf(HasSubstr("it is the certificate of transmitter1"), HasSubstr("--force")));
  Write("receiver1.pem", receiver);
  EXPECT_THAT(Error(), HasSubstr("its key does not belong to it"));
}

TEST_F(CertificateFolderTest, ABadCaIsExplained) {
  Make();
  const std::string ca = Text("ca.pem"), key = Text("ca.key");
  std::filesystem::remove(Path("ca.key"));
  EXPECT_THAT(Error(), AllOf(HasSubstr("ca.key is missing"), HasSubstr("choose a new folder")));
  Write("ca.key", "junk");
  EXPECT_THAT(Error(), AllOf(HasSubstr("ca.pem"), HasSubstr("no readable private key")));
  Write("ca.key", key);
  Write("ca.pem", "junk");
  EXPECT_THAT(Error(), AllOf(HasSubstr("ca.pem"), HasSubstr("no readable certificate")));
  Write("ca.pem", Text("receiver1.pem"));
  EXPECT_THAT(Error(), HasSubstr("not that of a CA"));
  Write("ca.pem", ca);
  EXPECT_THAT(Error(kNow + absl::Hours(24 * 3651)),
              AllOf(HasSubstr("ca.pem"), HasSubstr("it has expired on 2040")));
}

TEST_F(CertificateFolderTest, BadOptionsLeaveNothing) {
  options_.hosts = {"a b"};
  EXPECT_THAT(Error(), HasSubstr("'a b' is no host"));
  EXPECT_FALSE(FileExists(options_.dir));
  options_.hosts = {};
  options_.dir = "/proc/certs";
  EXPECT_THAT(Error(), HasSubstr("/proc/certs"));
}

TEST_F(CertificateFolderTest, AnIdentityThatCantWorkIsRefused) {
  Make();
  const auto load = [this](IdentityFiles files) {
    return std::string(LoadIdentity(files).status().message());
  };
  IdentityFiles files = FilesOf(options_.dir, NodeId::Receiver(0));
  files.key = Path("transmitter1.key");
  EXPECT_THAT(load(files), HasSubstr("transmitter1.key is not the key of"));
  files.certificate = Path("nobody.pem");
  EXPECT_THAT(load(files), AllOf(HasSubstr("nobody.pem"), HasSubstr("semlink certs")));
  files.certificate = Path("transmitter1.key");
  EXPECT_THAT(load(files), HasSubstr("no readable certificate"));
  files = FilesOf(options_.dir, NodeId::Receiver(0));
  files.ca = files.certificate;
  EXPECT_THAT(load(files), HasSubstr("not that of a CA"));
}

TEST_F(CertificateFolderTest, AnIdentityThatOthersWouldRefuseIsTold) {
  Make();
  const Identity identity = *LoadIdentity(FilesOf(options_.dir, NodeId::Receiver(0)));
  EXPECT_THAT(std::string(CheckIdentity(identity, NodeId::Transmitter(0), kNow).message()),
              HasSubstr("not made for this use"));
  EXPECT_THAT(std::string(CheckIdentity(identity, NodeId::Receiver(1), kNow).message()),
              HasSubstr("names receiver1, not receiver2"));
  EXPECT_THAT(
      std::string(
          CheckIdentity(identity, NodeId::Receiver(0), kNow + 2 * options_.lifetime).message()),
      HasSubstr("has expired"));
}

TEST_F(CertificateFolderTest, ABundleHasWhatItsMachineNeedsAndNoMore) {
  Make();
  const std::string bundles = parent_ / "bundles";
  for (const NodeId& node : {NodeId::Coordinator(), NodeId::Transmitter(1)}) {
    ASSERT_TRUE(CopyBundle(options_.dir, node, bundles).ok());
  }
  EXPECT_THAT(*ListFiles(bundles + "/coordinator/certs"),
              testing::ElementsAre("ca.pem", "coordinator.key", "coordinator.pem", "operator.key",
                                   "operator.pem"));
  const std::string mine = bundles + "/transmitter2/certs";
  EXPECT_THAT(*ListFiles(mine),
              testing::ElementsAre("ca.pem", "transmitter2.key", "transmitter2.pem"));
  EXPECT_TRUE(LoadIdentity(FilesOf(mine, NodeId::Transmitter(1))).ok());
  struct stat key = {};
  ASSERT_EQ(stat((mine + "/transmitter2.key").c_str(), &key), 0);
  EXPECT_EQ(key.st_mode & 0777, 0600u);
}

TEST_F(CertificateFolderTest, ABundleWithoutItsKeyIsRefused) {
  Make();
  std::filesystem::remove(Path("transmitter1.key"));
  EXPECT_THAT(CopyBundle(options_.dir, NodeId::Transmitter(0), parent_ / "bundles").message(),
              HasSubstr("transmitter1.key"));
}

}  // namespace
}  // namespace semlink::security
