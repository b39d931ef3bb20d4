#include "common/base/file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/errno_status.h"
#include "common/base/status_macros.h"

namespace semlink {
namespace {

// Closes on leaving the scope; CloseNow reports what close() says.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  int CloseNow() {
    const int fd = fd_;
    fd_ = -1;
    return close(fd);
  }

 private:
  int fd_;
};

std::string FolderOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

absl::Status WriteAll(int fd, absl::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(fd, bytes.data(), bytes.size());
    if (wrote < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, "write", path);
    }
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return absl::OkStatus();
}

// A rename is on the disk only once its folder is.
absl::Status SyncFolder(const std::string& folder) {
  const Descriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus(errno, "open folder", folder);
  // Some network file systems can't sync a folder and say EINVAL: they order the rename themselves.
  if (fsync(fd.get()) != 0 && errno != EINVAL) return ErrnoStatus(errno, "sync folder", folder);
  return absl::OkStatus();
}

absl::Status WriteSynced(Descriptor& file, absl::string_view bytes, const std::string& path,
                         int mode) {
  RETURN_IF_ERROR(WriteAll(file.get(), bytes, path));
  if (fchmod(file.get(), static_cast<mode_t>(mode)) != 0)
    return ErrnoStatus(errno, "set the mode of", path);
  if (fsync(file.get()) != 0) return ErrnoStatus(errno, "sync", path);
  if (file.CloseNow() != 0) return ErrnoStatus(errno, "close", path);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return ErrnoStatus(errno, "open", path);
  std::string bytes;
  struct stat info;
  // The size is a hint only: files in /proc say 0, and a file may grow while it is read.
  if (fstat(file.get(), &info) == 0 && info.st_size > 0) {
    bytes.reserve(static_cast<size_t>(info.st_size) + 1);
  }
  char piece[1 << 16];
  while (true) {
    const ssize_t got = read(file.get(), piece, sizeof(piece));
    if (got == 0) return bytes;
    if (got < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, "read", path);
    }
    bytes.append(piece, static_cast<size_t>(got));
  }
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view bytes, int mode) {
  std::string temporary = absl::StrCat(path, ".tmp.XXXXXX");
  Descriptor file(mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) return ErrnoStatus(errno, "create a temporary file beside", path);
  absl::Status status = WriteSynced(file, bytes, temporary, mode);
  if (status.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) {
    status = ErrnoStatus(errno, "rename the new file to", path);
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncFolder(FolderOf(path));
}

absl::Status MakeDirs(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return ErrnoStatus(error.value(), "create folder", path);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& directory) {
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  std::vector<std::string> names;
  while (!error && entry != std::filesystem::directory_iterator()) {
    // A file that vanished since is not one to list: its own error is not the folder's.
    std::error_code vanished;
    if (entry->is_regular_file(vanished)) names.push_back(entry->path().filename().string());
    entry.increment(error);
  }
  if (error) return ErrnoStatus(error.value(), "list folder", directory);
  std::sort(names.begin(), names.end());
  return names;
}

bool FileExists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace semlink
