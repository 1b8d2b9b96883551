#include "config/parser.h"

#include <fmt/format.h>

#include <list>
#include <unordered_set>
#include <variant>

#include "config/include.h"
#include "config/lexer.h"

namespace weir::config {
namespace {

constexpr std::string_view kCommandLine = "command line";

/// Reads one document: a text, and the files that it includes.
class Reader {
 public:
  Reader(const std::filesystem::path& directory, const Limits& limits, Diagnostics& diagnostics)
      : directory_(directory), limits_(limits), diagnostics_(diagnostics) {}

  /// How deep the place is at which a text is read.
  struct Depth {
    std::size_t includes = 0;
    std::size_t blocks = 0;
  };

  /// `included_at`: where the `include` stands, for messages; nowhere for the main file.
  void read_path(const std::string& path, const Position& included_at, Depth depth, std::vector<Statement>& into);
  void read_text(std::string_view text, const std::string& name, Depth depth, std::vector<Statement>& into);

  Document document;

 private:
  void include(const Statement& statement, Depth depth, std::vector<Statement>& into);
  void stop(const Position& at, std::string message);

  const std::filesystem::path directory_;
  const Limits limits_;
  Diagnostics& diagnostics_;
  std::size_t files_ = 0;
  std::size_t bytes_ = 0;
  std::unordered_set<std::string> seen_;
  bool stopped_ = false;  // a limit was reached: nothing more is read
};

/// Reports that a limit was reached. Once is enough: what follows would only repeat it.
void Reader::stop(const Position& at, std::string message) {
  if (!stopped_) diagnostics_.error(at, std::move(message));
  stopped_ = true;
}

void Reader::read_path(const std::string& path, const Position& included_at, Depth depth,
                       std::vector<Statement>& into) {
  if (++files_ > limits_.files)
    return stop(included_at, fmt::format("more than {} files are included", limits_.files));
  auto content = read_file(path, limits_.file_bytes);
  if (const auto* error = std::get_if<FileError>(&content)) return diagnostics_.error(included_at, error->message);
  const std::string& text = std::get<std::string>(content);
  bytes_ += text.size();
  if (bytes_ > limits_.total_bytes)
    return stop(included_at, fmt::format("the configuration is larger than {} bytes", limits_.total_bytes));
  if (seen_.insert(path).second) document.files.push_back({path, text});
  read_text(text, path, depth, into);
}

void Reader::include(const Statement& statement, Depth depth, std::vector<Statement>& into) {
  if (statement.args.size() != 1)
    return diagnostics_.error(statement.at, "invalid number of arguments in \"include\" directive");
  if (depth.includes == limits_.include_depth)
    return stop(statement.at, fmt::format("files include one another more than {} deep: \"{}\"",
                                          limits_.include_depth, statement.args[0]));
  ++depth.includes;
  auto found = expand_include(statement.args[0], directory_);
  if (const auto* error = std::get_if<FileError>(&found)) return diagnostics_.error(statement.at, error->message);
  for (const std::string& path : std::get<std::vector<std::string>>(found)) {
    if (stopped_) return;
    read_path(path, statement.at, depth, into);
  }
}

void Reader::read_text(std::string_view text, const std::string& name, Depth depth, std::vector<Statement>& into) {
  const bool has_lines = name != kCommandLine;
  Lexer lexer(text, std::make_shared<const std::string>(name), has_lines, limits_.parameter_bytes, diagnostics_);
  // The lists that are being filled, from `into` to the innermost open block. A list does not grow while a block of
  // its last statement is open, so the pointers stay valid.
  std::vector<std::vector<Statement>*> open{&into};
  std::vector<Position> opened;
  std::list<std::vector<Statement>> discarded;
  std::vector<std::string> words;
  while (!stopped_) {
    const Lexer::End end = lexer.next(words);
    if (end == Lexer::End::Text) break;
    if (end == Lexer::End::BlockEnd) {
      if (open.size() == 1) {
        diagnostics_.error(lexer.here(), "unexpected \"}\"");
      } else {
        open.pop_back();
        opened.pop_back();
      }
      continue;
    }

    Statement statement;
    statement.at = lexer.here();
    if (!words.empty()) {
      statement.name = std::move(words.front());
      statement.args.assign(std::make_move_iterator(words.begin() + 1), std::make_move_iterator(words.end()));
    }
    if (end == Lexer::End::Semicolon) {
      if (statement.name == "include")
        include(statement, {depth.includes, depth.blocks + opened.size()}, *open.back());
      else
        open.back()->push_back(std::move(statement));
      continue;
    }

    if (!has_lines) diagnostics_.error(statement.at, "block directives are not supported in -g option");
    if (statement.name == "include")
      diagnostics_.error(statement.at, "directive \"include\" is not terminated by \";\"");
    // Blocks that were just reported go where nobody looks, so that they are not reported again as unknown
    // directives.
    std::vector<Statement>& list =
        words.empty() || statement.name == "include" ? discarded.emplace_back() : *open.back();
    statement.is_block = true;
    list.push_back(std::move(statement));
    Statement& block = list.back();
    if (block.name.ends_with("_by_lua_block")) {
      lexer.skip_lua_block();
    } else if (depth.blocks + opened.size() == limits_.block_depth) {
      stop(block.at, fmt::format("blocks are nested more than {} deep", limits_.block_depth));
    } else {
      open.push_back(&block.children);
      opened.push_back(block.at);
    }
  }
  if (stopped_ || opened.empty()) return;
  if (!lexer.ended_early()) diagnostics_.error(lexer.here(), "unexpected end of file, expecting \"}\"");
  if (has_lines) diagnostics_.notice(opened.back(), "the block that begins here is never closed");
}

}  // namespace

Document parse_file(const std::string& path, const std::filesystem::path& directory, Diagnostics& diagnostics,
                    const Limits& limits) {
  Reader reader(directory, limits, diagnostics);
  reader.read_path(path, {}, {}, reader.document.statements);
  return std::move(reader.document);
}

Document parse_text(std::string_view text, std::string name, Diagnostics& diagnostics,
                    const std::filesystem::path& directory, const Limits& limits) {
  Reader reader(directory, limits, diagnostics);
  reader.read_text(text, name, {}, reader.document.statements);
  return std::move(reader.document);
}

}  // namespace weir::config
