// Files as the run folder needs them: whole, or not at all.
#ifndef SEMLINK_COMMON_BASE_FILE_SYSTEM_H_
#define SEMLINK_COMMON_BASE_FILE_SYSTEM_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace semlink {

// Every error names the path and the system's reason; NOT_FOUND if the path does not exist.

absl::StatusOr<std::string> ReadFile(const std::string& path);

// Replaces `path` by a file with these bytes. A reader, also one after a power failure, sees either
// the old file or the whole new one: the bytes go to a temporary file in the same folder, are
// synced, and are renamed into place. If it fails, `path` is what it was and no temporary file is
// left. The new file has the given mode, and never one that lets more people read it.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view bytes,
                                 int mode = 0644);

// Creates the folder and its missing parents (mode 0777 less the umask). Fine if it exists already.
absl::Status MakeDirs(const std::string& path);

// Names (not paths) of the regular files in a folder, sorted. Folders, links to them, sockets and
// the like are left out.
absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& directory);

bool FileExists(const std::string& path);

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_FILE_SYSTEM_H_
