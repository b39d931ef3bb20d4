// Files that are cut, flipped or made up: each is refused with the file and the reason, none costs
// memory by its claims.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file_system.h"
#include "common/base/resource_usage.h"
#include "common/base/rng.h"
#include "common/store/safetensors.h"
#include "tests/base/temp_dir.h"
#include "tests/store/tensor_files.h"

namespace semlink::store {
namespace {

using ::testing::HasSubstr;

void ExpectDamaged(const std::string& bytes, const std::string& reason) {
  const absl::Status status = DecodeSafetensors(bytes, "run/x.safetensors").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status << " for " << reason;
  EXPECT_THAT(std::string(status.message()), HasSubstr("run/x.safetensors: "));
  EXPECT_THAT(std::string(status.message()), HasSubstr(reason));
}

// A file with one tensor of 8 bytes described by `entry`.
void ExpectBadEntry(const std::string& entry, const std::string& reason) {
  ExpectDamaged(Assemble("{\"w\": " + entry + "}", std::string(8, 'x')), reason);
}

TEST(SafetensorsDamageTest, TruncationsAnywhereAreRefused) {
  const std::string bytes = EncodeSafetensors(Example()).value();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeSafetensors(bytes.substr(0, size), "x").ok()) << size << " bytes";
  }
  EXPECT_TRUE(DecodeSafetensors(bytes, "x").ok());
  ExpectDamaged(bytes.substr(0, 5), "it has 5 bytes");
  ExpectDamaged(bytes.substr(0, 40), "only 32 follow");
  ExpectDamaged(bytes.substr(0, bytes.size() - 1), "do not lie within the 31 bytes of data");
  ExpectDamaged(bytes + "x", "the tensors end at byte 32 of 33");
}

TEST(SafetensorsDamageTest, HugeHeaderLengthsAreRefused) {
  const std::string header = "{}";
  for (uint64_t length : {uint64_t{3}, uint64_t{1} << 31, uint64_t{1} << 63, UINT64_MAX}) {
    ExpectDamaged(Assemble(header, "", length), "the header claims");
  }
  // Present, but longer than any program accepts.
  std::string padded(100'000'001, ' ');
  padded[0] = '{';
  padded[1] = '}';
  ExpectDamaged(Assemble(padded, ""), "limit 100000000");
}

TEST(SafetensorsDamageTest, HeadersThatAreNotJsonObjectsAreRefused) {
  for (const char* header : {"", "{", "[]", "1", "{\"w\": }", "{} {}", "{\"\xff\": 1}", "null"}) {
    ExpectDamaged(Assemble(header, ""), "the header is not a JSON object");
  }
  ExpectDamaged(Assemble(std::string(1'000'000, '['), ""), "the header is not a JSON object");
  ExpectDamaged(
      Assemble(R"({"w": )" + std::string(200'000, '[') + std::string(200'000, ']') + "}", ""),
      "not an object");
}

TEST(SafetensorsDamageTest, EntriesThatAreIncompleteAreRefused) {
  ExpectBadEntry("[]", "\"w\": is described by something that is not an object");
  ExpectBadEntry(R"({"shape": [2], "data_offsets": [0, 8]})", "has no dtype");
  ExpectBadEntry(R"({"dtype": "F32", "data_offsets": [0, 8]})", "has no shape");
  ExpectBadEntry(R"({"dtype": "F32", "shape": [2]})", "has no data_offsets");
}

TEST(SafetensorsDamageTest, OtherTypesAreRefused) {
  for (const char* dtype : {"\"F16\"", "\"f32\"", "\"I32\"", "32", "null", "[\"F32\"]"}) {
    ExpectBadEntry(
        std::string("{\"dtype\": ") + dtype + ", \"shape\": [2], \"data_offsets\": [0, 8]}",
        "dtype is not \"F32\"");
  }
}

TEST(SafetensorsDamageTest, ShapesThatAreNoShapesAreRefused) {
  const auto entry = [](const std::string& shape) {
    return "{\"dtype\": \"F32\", \"shape\": " + shape + ", \"data_offsets\": [0, 8]}";
  };
  ExpectBadEntry(entry("2"), "shape is not a list");
  for (const char* shape : {"[-2]", "[2.0]", "[\"2\"]", "[[2]]", "[4294967296]", "[1e30]", "[null]",
                            "[18446744073709551618]"}) {
    ExpectBadEntry(entry(shape), "shape has an entry");
  }
  ExpectBadEntry(entry("[3]"), "span 8 bytes, the shape needs 12");
  ExpectBadEntry(entry("[]"), "span 8 bytes, the shape needs 4");
  ExpectBadEntry(entry("[4294967295, 4294967295, 2]"), "needs too many");
  // The product wraps around to 8 in 64 bits.
  ExpectBadEntry(entry("[2147483648, 2147483648, 2, 2]"), "needs too many");
}

TEST(SafetensorsDamageTest, OffsetsThatAreNoOffsetsAreRefused) {
  const auto entry = [](const std::string& offsets) {
    return "{\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": " + offsets + "}";
  };
  for (const char* offsets :
       {"8", "[]", "[0]", "[0, 8, 8]", "[-8, 0]", "[0.0, 8.0]", "[null, 8]"}) {
    ExpectBadEntry(entry(offsets), "data_offsets is not a list of two integers");
  }
  for (const char* offsets : {"[8, 0]", "[0, 9]", "[8, 16]", "[18446744073709551608, 0]",
                              "[18446744073709551607, 18446744073709551615]"}) {
    ExpectBadEntry(entry(offsets), "do not lie within the 8 bytes of data");
  }
}

TEST(SafetensorsDamageTest, GapsAndOverlapsAreRefused) {
  const auto two = [](const std::string& a, const std::string& b) {
    return Assemble(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": )" + a +
                        R"(}, "b": {"dtype": "F32", "shape": [2], "data_offsets": )" + b + "}}",
                    std::string(20, 'x'));
  };
  ExpectDamaged(two("[0, 8]", "[4, 12]"),
                "\"b\": starts at byte 4 of the data, which leaves an overlap");
  ExpectDamaged(two("[0, 8]", "[0, 8]"), "an overlap");
  ExpectDamaged(two("[0, 8]", "[12, 20]"),
                "\"b\": starts at byte 12 of the data, which leaves a gap");
  ExpectDamaged(two("[12, 20]", "[4, 12]"), "\"b\": starts at byte 4");
  ExpectDamaged(two("[0, 8]", "[8, 16]"), "the tensors end at byte 16 of 20");
}

TEST(SafetensorsDamageTest, RepeatedNamesAreRefused) {
  const std::string entry = R"({"dtype": "F32", "shape": [2], "data_offsets": [0, 8]})";
  ExpectDamaged(Assemble("{\"w\": " + entry + ", \"w\": " + entry + "}", std::string(8, 'x')),
                "the header has a name twice");
  ExpectBadEntry(R"({"dtype": "F16", "dtype": "F32", "shape": [2], "data_offsets": [0, 8]})",
                 "the header has a name twice");
}

TEST(SafetensorsDamageTest, MetadataThatIsNotTextIsRefused) {
  ExpectDamaged(Assemble(R"({"__metadata__": []})", ""), "__metadata__ is not an object");
  ExpectDamaged(Assemble(R"({"__metadata__": {"a": 1}})", ""), "value that is not a text");
}

TEST(SafetensorsDamageTest, ErrorsStayReadable) {
  const std::string name(100000, 'n');
  const absl::Status status =
      DecodeSafetensors(Assemble("{\"" + name + "\": 1}", ""), "x").status();
  EXPECT_LT(status.message().size(), 300u);
  ExpectDamaged(Assemble(R"({"a\nb": 1})", ""), "\"a\\nb\"");
}

// Flipping a bit of the header must give a refusal or a file that fits its own bytes, never a
// crash; a flip in the data gives other numbers, which a digest has to notice.
TEST(SafetensorsDamageTest, FlippedBitsOfTheHeaderNeverGiveMoreThanTheFileHolds) {
  const std::string bytes = EncodeSafetensors(Example()).value();
  const size_t header = bytes.size() - 32;
  int refused = 0;
  for (size_t i = 0; i < header; ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      const auto file = DecodeSafetensors(flipped, "x");
      if (!file.ok()) {
        ++refused;
        continue;
      }
      size_t data = 0;
      for (const v1::NamedTensor& named : file->tensors) data += named.tensor().data().size();
      EXPECT_EQ(data, 32u) << "byte " << i << " bit " << bit;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(SafetensorsDamageTest, RandomBytesAreRefused) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    RandomStream stream(seed, Purpose::kSynthetic);
    std::string body(stream.UniformInt(200), '\0');
    for (char& c : body) c = static_cast<char>(stream.NextU32());
    EXPECT_FALSE(DecodeSafetensors(Assemble(body, "", stream.UniformInt(200)), "x").ok());
  }
}

TEST(SafetensorsDamageTest, ClaimsCostNoMemory) {
  const uint64_t before = PeakRssBytes();
  ExpectBadEntry(R"({"dtype": "F32", "shape": [4294967295, 4], "data_offsets": [0, 68719476720]})",
                 "do not lie within");
  ExpectBadEntry(R"({"dtype": "F32", "shape": [4294967295], "data_offsets": [0, 8]})", "needs");
  EXPECT_LT(PeakRssBytes() - before, uint64_t{16} << 20);
}

TEST(SafetensorsDamageTest, AMissingFileIsNotFound) {
  const TempDir dir;
  const absl::Status status = ReadSafetensors(dir / "none").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(dir / "none"));
  ASSERT_TRUE(WriteFileAtomically(dir / "bad", "short").ok());
  EXPECT_THAT(std::string(ReadSafetensors(dir / "bad").status().message()), HasSubstr(dir / "bad"));
}

}  // namespace
}  // namespace semlink::store
