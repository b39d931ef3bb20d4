// semlink-export: tensors of safetensors files as files for Python's torch.load. Started by
// `semlink export --format torch`; needs libtorch, so it is a program of its own.
#include <ATen/ATen.h>
#include <ATen/core/Dict.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/file_system.h"
#include "common/base/status_macros.h"
#include "common/codec/tensor_codec.h"
#include "common/node/exit_code.h"
#include "common/store/safetensors.h"

namespace semlink {
namespace {

// {name: tensor}, as torch.save writes a state dictionary.
absl::Status Export(const std::string& from, const std::string& to) {
  ASSIGN_OR_RETURN(const store::TensorFile file, store::ReadSafetensors(from));
  c10::Dict<std::string, at::Tensor> tensors;
  for (const v1::NamedTensor& named : file.tensors) {
    const std::vector<int64_t> shape(named.tensor().shape().begin(), named.tensor().shape().end());
    ASSIGN_OR_RETURN(at::Tensor tensor, codec::DecodeFloat32(named.tensor(), shape, named.name()));
    tensors.insert(named.name(), std::move(tensor));
  }
  const std::vector<char> bytes = torch::jit::pickle_save(tensors);
  return WriteFileAtomically(to, absl::string_view(bytes.data(), bytes.size()));
}

absl::Status ExportAll(const std::vector<std::string>& files, const std::string& out) {
  RETURN_IF_ERROR(MakeDirs(out));
  for (const std::string& from : files) {
    const std::string to =
        absl::StrCat(out, "/", std::filesystem::path(from).stem().string(), ".pt");
    RETURN_IF_ERROR(Export(from, to));
    std::cout << to << "\n";
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace semlink

int main(int argc, char** argv) {
  CLI::App app{"Writes the tensors of safetensors files for torch.load", "semlink-export"};
  std::vector<std::string> files;
  std::string out;
  app.add_option("files", files, "safetensors files")->required();
  app.add_option("--out", out, "folder for NAME.pt")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? semlink::kExitSuccess : semlink::kExitUsage;
  }
  absl::Status status;
  try {
    status = semlink::ExportAll(files, out);
  } catch (const std::exception& error) {
    status = absl::InternalError(error.what());
  }
  if (status.ok()) return semlink::kExitSuccess;
  std::cerr << "semlink-export: " << status.message() << "\n";
  return semlink::kExitFailed;
}
