#include "common/store/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"

namespace semlink::store {
namespace {

using nlohmann::json;

constexpr char kMetadata[] = "__metadata__";
constexpr size_t kLengthBytes = 8;
constexpr size_t kAlignment = 8;
// The limit of the reference implementation, so that what we write others can read, and the other
// way round.
constexpr uint64_t kLongestHeader = 100'000'000;

// Bytes that a float32 tensor of this shape takes; nothing if that overflows.
template <typename Shape>
std::optional<uint64_t> BytesOf(const Shape& shape) {
  uint64_t bytes = sizeof(float);
  for (uint32_t size : shape) {
    if (__builtin_mul_overflow(bytes, uint64_t{size}, &bytes)) return std::nullopt;
  }
  return bytes;
}

// A name from a file or a message as it may stand in an error: short, and without control
// characters.
std::string Quoted(absl::string_view name) {
  constexpr size_t kLongest = 80;
  return absl::StrCat("tensor \"", absl::CHexEscape(name.substr(0, kLongest)),
                      name.size() > kLongest ? "...\"" : "\"");
}

absl::Status CheckTensor(const v1::NamedTensor& named) {
  const v1::Tensor& tensor = named.tensor();
  if (named.name() == kMetadata) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(named.name()), ": the name is reserved"));
  }
  if (tensor.dtype() != v1::Tensor::FLOAT32) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(named.name()), ": dtype is ",
                                                   static_cast<int>(tensor.dtype()),
                                                   ", only FLOAT32 can be stored"));
  }
  const std::optional<uint64_t> bytes = BytesOf(tensor.shape());
  if (!bytes.has_value() || *bytes != tensor.data().size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        Quoted(named.name()), ": has ", tensor.data().size(), " bytes of data, its shape needs ",
        bytes ? absl::StrCat(*bytes) : "too many"));
  }
  return absl::OkStatus();
}

// JSON text, padded so that the data start at a multiple of 8. dump() throws on text that is not
// UTF-8.
absl::StatusOr<std::string> HeaderText(const json& header) {
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("a tensor name or the metadata can't be written as JSON: ", error.what()));
  }
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  if (text.size() > kLongestHeader) {
    return absl::InvalidArgumentError(
        absl::StrCat("the header would have ", text.size(), " bytes, at most ", kLongestHeader));
  }
  return text;
}

absl::Status Damaged(const std::string& what, absl::string_view reason) {
  return absl::DataLossError(absl::StrCat(what, ": not a valid safetensors file: ", reason));
}

// What the header says of one tensor.
struct Entry {
  std::string name;
  std::vector<uint32_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

// The reasons below go into Damaged().
absl::StatusOr<Entry> ParseEntry(const std::string& name, const json& value, uint64_t data_bytes) {
  const auto wrong = [&](absl::string_view reason) {
    return absl::DataLossError(absl::StrCat(Quoted(name), ": ", reason));
  };
  if (!value.is_object()) return wrong("is described by something that is not an object");
  for (const char* key : {"dtype", "shape", "data_offsets"}) {
    if (!value.contains(key)) return wrong(absl::StrCat("has no ", key));
  }
  if (value["dtype"] != "F32")
    return wrong("dtype is not \"F32\", the only one that semlink reads");
  Entry entry;
  entry.name = name;
  const json& shape = value["shape"];
  if (!shape.is_array()) return wrong("shape is not a list");
  for (const json& size : shape) {
    if (!size.is_number_unsigned() || size.get<uint64_t>() > UINT32_MAX) {
      return wrong("shape has an entry that is not an integer from 0 to 4294967295");
    }
    entry.shape.push_back(static_cast<uint32_t>(size.get<uint64_t>()));
  }
  const json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    return wrong("data_offsets is not a list of two integers from 0");
  }
  entry.begin = offsets[0].get<uint64_t>();
  entry.end = offsets[1].get<uint64_t>();
  if (entry.begin > entry.end || entry.end > data_bytes) {
    return wrong(absl::StrCat("data_offsets [", entry.begin, ", ", entry.end,
                              "] do not lie within the ", data_bytes, " bytes of data"));
  }
  const std::optional<uint64_t> bytes = BytesOf(entry.shape);
  if (!bytes.has_value() || *bytes != entry.end - entry.begin) {
    return wrong(absl::StrCat("data_offsets span ", entry.end - entry.begin,
                              " bytes, the shape needs ",
                              bytes ? absl::StrCat(*bytes) : "too many"));
  }
  return entry;
}

// Sorted by offset, the tensors must follow each other without gap or overlap up to the end of the
// data.
absl::Status CheckLayout(std::vector<Entry>* entries, uint64_t data_bytes) {
  std::sort(entries->begin(), entries->end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  uint64_t position = 0;
  for (const Entry& entry : *entries) {
    if (entry.begin != position) {
      return absl::DataLossError(absl::StrCat(
          Quoted(entry.name), ": starts at byte ", entry.begin, " of the data, which leaves ",
          entry.begin < position ? "an overlap" : "a gap", ": expected ", position));
    }
    position = entry.end;
  }
  if (position != data_bytes) {
    return absl::DataLossError(
        absl::StrCat("the tensors end at byte ", position, " of ", data_bytes, " bytes of data"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, std::string>> ParseMetadata(const json& value) {
  if (!value.is_object()) return absl::DataLossError("__metadata__ is not an object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string())
      return absl::DataLossError("__metadata__ has a value that is not a text");
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

// JSON in which no object has a key twice: the parser alone would keep the last one and say
// nothing.
absl::StatusOr<json> ParseHeader(absl::string_view text) {
  std::vector<std::set<std::string>> open;  // keys so far of the objects around the current place
  bool repeated = false;
  const json::parser_callback_t callback = [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key && !open.back().insert(value.get<std::string>()).second) {
      repeated = true;
    }
    return true;
  };
  json header = json::parse(text.begin(), text.end(), callback, /*allow_exceptions=*/false);
  if (header.is_discarded() || !header.is_object()) {
    return absl::DataLossError("the header is not a JSON object");
  }
  if (repeated) return absl::DataLossError("the header has a name twice");
  return header;
}

absl::StatusOr<TensorFile> Decode(absl::string_view bytes) {
  if (bytes.size() < kLengthBytes) {
    return absl::DataLossError(
        absl::StrCat("it has ", bytes.size(), " bytes, at least 8 expected"));
  }
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  bytes.remove_prefix(kLengthBytes);
  if (length > bytes.size() || length > kLongestHeader) {
    return absl::DataLossError(absl::StrCat("the header claims ", length, " bytes, but only ",
                                            bytes.size(), " follow (limit ", kLongestHeader, ")"));
  }
  ASSIGN_OR_RETURN(const json header, ParseHeader(bytes.substr(0, length)));
  const absl::string_view data = bytes.substr(length);
  TensorFile file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadata) {
      ASSIGN_OR_RETURN(file.metadata, ParseMetadata(value));
      continue;
    }
    ASSIGN_OR_RETURN(Entry entry, ParseEntry(name, value, data.size()));
    entries.push_back(std::move(entry));
  }
  RETURN_IF_ERROR(CheckLayout(&entries, data.size()));
  for (const Entry& entry : entries) {
    v1::NamedTensor* named = file.tensors.Add();
    named->set_name(entry.name);
    v1::Tensor* tensor = named->mutable_tensor();
    tensor->set_dtype(v1::Tensor::FLOAT32);
    tensor->mutable_shape()->Add(entry.shape.begin(), entry.shape.end());
    tensor->set_data(data.data() + entry.begin, entry.end - entry.begin);
  }
  return file;
}

}  // namespace

absl::StatusOr<std::string> EncodeSafetensors(const TensorFile& file) {
  json header = json::object();
  uint64_t position = 0;
  for (const v1::NamedTensor& named : file.tensors) {
    RETURN_IF_ERROR(CheckTensor(named));
    if (header.contains(named.name())) {
      return absl::InvalidArgumentError(
          absl::StrCat(Quoted(named.name()), ": the name is used twice"));
    }
    const uint64_t end = position + named.tensor().data().size();
    header[named.name()] = {{"dtype", "F32"},
                            {"shape", std::vector<uint32_t>(named.tensor().shape().begin(),
                                                            named.tensor().shape().end())},
                            {"data_offsets", {position, end}}};
    position = end;
  }
  if (!file.metadata.empty()) header[kMetadata] = file.metadata;
  ASSIGN_OR_RETURN(const std::string text, HeaderText(header));
  std::string bytes;
  bytes.reserve(kLengthBytes + text.size() + position);
  for (size_t i = 0; i < kLengthBytes; ++i) {
    bytes.push_back(static_cast<char>((uint64_t{text.size()} >> (8 * i)) & 0xff));
  }
  bytes += text;
  for (const v1::NamedTensor& named : file.tensors) bytes += named.tensor().data();
  return bytes;
}

absl::StatusOr<TensorFile> DecodeSafetensors(absl::string_view bytes, const std::string& what) {
  absl::StatusOr<TensorFile> file = Decode(bytes);
  if (!file.ok()) return Damaged(what, file.status().message());
  return file;
}

absl::Status WriteSafetensors(const std::string& path, const TensorFile& file) {
  const absl::StatusOr<std::string> bytes = EncodeSafetensors(file);
  if (!bytes.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", bytes.status().message()));
  }
  return WriteFileAtomically(path, *bytes);
}

absl::StatusOr<TensorFile> ReadSafetensors(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  return DecodeSafetensors(bytes, path);
}

}  // namespace semlink::store
