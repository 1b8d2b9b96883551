// From text to statements: nginx's grammar, with `include`.
//
// Every problem of every file is reported; after each one reading goes on at the next plausible statement.
// Bounded: see Limits. Opens files for reading and nothing else.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.h"
#include "config/statement.h"

namespace weir::config {

/// What a configuration may need; far above real ones, so that a mistake ends in a message instead of exhaustion.
struct Limits {
  std::size_t include_depth = 32;
  std::size_t files = 16'384;
  std::size_t file_bytes = 64u << 20;
  std::size_t total_bytes = 256u << 20;
  std::size_t block_depth = 128;
  std::size_t parameter_bytes = 64u << 10;  // nginx's own limit is 4096
};

/// A file as it was read, for `-T`.
struct SourceFile {
  std::string path;
  std::string text;
};

struct Document {
  std::vector<Statement> statements;  // `include` replaced by what it includes
  std::vector<SourceFile> files;      // each file once, in the order of reading
};

/// Reads a file and all that it includes.
///
/// `directory`: what relative paths of `include` start from; nginx takes the directory of the main file.
Document parse_file(const std::string& path, const std::filesystem::path& directory, Diagnostics& diagnostics,
                    const Limits& limits = {});

/// Reads a text such as that of `-g`. `name` is shown in messages, ` in NAME:LINE`; if it is `command line`, without
/// the line. `include` starts from `directory`.
Document parse_text(std::string_view text, std::string name, Diagnostics& diagnostics,
                    const std::filesystem::path& directory = {}, const Limits& limits = {});

}  // namespace weir::config
