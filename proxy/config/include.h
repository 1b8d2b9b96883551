// Finding and reading the files of a configuration. Private to the parser.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weir::config {

/// Why a file could not be read, in nginx's wording: `open() "/x" failed (2: No such file or directory)`.
struct FileError {
  std::string message;
};

/// Reads a whole file of at most `max_bytes`. Never waits: a FIFO without a writer is empty.
std::variant<std::string, FileError> read_file(const std::string& path, std::size_t max_bytes);

/// The files that the argument of an `include` names, sorted. A pattern (`*`, `?`, `[`) may match nothing; a plain
/// name is returned whether it exists or not.
///
/// `directory`: where relative names start; empty: where the process is.
std::variant<std::vector<std::string>, FileError> expand_include(std::string_view argument,
                                                                 const std::filesystem::path& directory);

}  // namespace weir::config
