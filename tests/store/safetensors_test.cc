#include "common/store/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <limits>

#include "common/base/file_system.h"
#include "tests/base/temp_dir.h"
#include "tests/store/tensor_files.h"

namespace semlink::store {
namespace {

using ::testing::HasSubstr;

void ExpectEqual(const TensorFile& a, const TensorFile& b) {
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (int i = 0; i < a.tensors.size(); ++i) {
    EXPECT_EQ(a.tensors[i].SerializeAsString(), b.tensors[i].SerializeAsString())
        << a.tensors[i].name();
  }
  EXPECT_EQ(a.metadata, b.metadata);
}

TEST(SafetensorsTest, WhatIsWrittenIsRead) {
  const TempDir dir;
  ASSERT_TRUE(WriteSafetensors(dir / "x", Example()).ok());
  const auto read = ReadSafetensors(dir / "x");
  ASSERT_TRUE(read.ok()) << read.status();
  ExpectEqual(*read, Example());
}

TEST(SafetensorsTest, NothingIsATensorFileToo) {
  const auto bytes = EncodeSafetensors({});
  ASSERT_TRUE(bytes.ok());
  const auto read = DecodeSafetensors(*bytes, "x");
  ASSERT_TRUE(read.ok()) << read.status();
  ExpectEqual(*read, {});
}

TEST(SafetensorsTest, EveryBitOfAFloatSurvives) {
  TensorFile file;
  using Limits = std::numeric_limits<float>;
  *file.tensors.Add() = Named(
      "x", {6},
      {0.0f, -0.0f, Limits::denorm_min(), Limits::max(), Limits::infinity(), Limits::quiet_NaN()});
  ExpectEqual(DecodeSafetensors(EncodeSafetensors(file).value(), "x").value(), file);
}

TEST(SafetensorsTest, TheSameTensorsGiveTheSameBytesAligned) {
  const std::string bytes = EncodeSafetensors(Example()).value();
  EXPECT_EQ(bytes, EncodeSafetensors(Example()).value());
  const size_t data = (6 + 1 + 0 + 1) * sizeof(float);
  EXPECT_EQ((bytes.size() - data) % 8, 0u);
}

TEST(SafetensorsTest, ReadsTheExampleOfTheFormat) {
  // Written by hand, with spaces, an unknown key and the data in another order than the names.
  const std::string header = R"({ "b": {"dtype":"F32", "shape":[1,2], "data_offsets":[0,8]},
    "a": {"data_offsets":[8,12], "shape":[], "dtype":"F32", "more": {"is": [1, "fine"]}} }  )";
  const std::string data("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40", 12);
  const auto file = DecodeSafetensors(Assemble(header, data), "x");
  ASSERT_TRUE(file.ok()) << file.status();
  TensorFile expected;
  *expected.tensors.Add() = Named("b", {1, 2}, {1, 2});
  *expected.tensors.Add() = Named("a", {}, {3});
  ExpectEqual(*file, expected);
}

void ExpectUnwritable(const v1::NamedTensor& bad, const std::string& reason) {
  const TempDir dir;
  TensorFile file = Example();
  *file.tensors.Add() = bad;
  const absl::Status status = WriteSafetensors(dir / "x", file);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(reason));
  EXPECT_THAT(std::string(status.message()), HasSubstr(dir / "x"));
  EXPECT_FALSE(FileExists(dir / "x"));
}

TEST(SafetensorsTest, TensorsThatDoNotAgreeWithThemselvesAreNotWritten) {
  ExpectUnwritable(Named("short", {2}, {1}), "\"short\": has 4 bytes of data, its shape needs 8");
  ExpectUnwritable(Named("huge", {UINT32_MAX, UINT32_MAX, UINT32_MAX}, {1}), "needs too many");
  ExpectUnwritable(Named("a.scale", {}, {1}), "\"a.scale\": the name is used twice");
  ExpectUnwritable(Named("__metadata__", {}, {1}), "reserved");
  ExpectUnwritable(Named("\xff\xfe", {}, {1}), "JSON");
  v1::NamedTensor untyped = Named("untyped", {}, {1});
  untyped.mutable_tensor()->clear_dtype();
  ExpectUnwritable(untyped, "only FLOAT32");
}

// Another reader, from the description of the format alone.
constexpr char kReader[] = R"(
import json, struct, sys
raw = open(sys.argv[1], 'rb').read()
length, = struct.unpack('<Q', raw[:8])
header, data = json.loads(raw[8:8 + length]), raw[8 + length:]
assert (8 + length) % 8 == 0
for key, text in sorted(header.pop('__metadata__', {}).items()):
    print('meta', json.dumps(key), json.dumps(text))
end = 0
for name, entry in sorted(header.items(), key=lambda item: (item[1]['data_offsets'], item[0])):
    begin, stop = entry['data_offsets']
    assert begin == end and entry['dtype'] == 'F32'
    end = stop
    values = struct.unpack('<%df' % ((stop - begin) // 4), data[begin:stop])
    print(json.dumps(name), entry['shape'], list(values))
assert end == len(data)
)";

TEST(SafetensorsTest, PythonReadsItByHand) {
  if (std::system("python3 -c pass >/dev/null 2>&1") != 0) GTEST_SKIP() << "no python3 here";
  const TempDir dir;
  ASSERT_TRUE(WriteSafetensors(dir / "x", Example()).ok());
  ASSERT_TRUE(WriteFileAtomically(dir / "reader.py", kReader).ok());
  const std::string command =
      "python3 " + (dir / "reader.py") + " " + (dir / "x") + " > " + (dir / "out") + " 2>&1";
  const int code = std::system(command.c_str());
  const std::string out = ReadFile(dir / "out").value();
  EXPECT_EQ(code, 0) << out;
  EXPECT_EQ(out,
            "meta \"scenario\" \"a: 1\\nb: \\\"two\\\"\"\n"
            "meta \"window\" \"2000\"\n"
            "\"z.weight\" [2, 3] [1.0, 2.0, 3.0, 4.0, 5.0, -6.5]\n"
            "\"a.scale\" [] [0.25]\n"
            "\"empty\" [4, 0] []\n"
            "\"quote\\\" \\\\ \\u00e9\\n\" [1] [7.0]\n");
}

}  // namespace
}  // namespace semlink::store
