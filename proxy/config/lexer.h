// Words of nginx's grammar: the arguments of one statement at a time, and what ended it.
//
// Private to the parser. Reads a text in memory; keeps going after errors.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.h"

namespace weir::config {

class Lexer {
 public:
  enum class End {
    Semicolon,
    BlockStart,
    BlockEnd,  // no words
    Text,      // the text is over; no words
  };

  /// `file`: the name for messages. `has_lines`: whether lines mean anything to the user; they do not for `-g`.
  /// `text` must outlive the lexer.
  Lexer(std::string_view text, std::shared_ptr<const std::string> file, bool has_lines, std::size_t max_word,
        Diagnostics& diagnostics)
      : text_(text), file_(std::move(file)), has_lines_(has_lines), max_word_(max_word), diagnostics_(diagnostics) {}

  /// Reads the words of the next statement into `words` and returns what ended them.
  End next(std::vector<std::string>& words);

  /// Skips a block in another language, up to its closing brace: `content_by_lua_block { … }`, after the `{`.
  void skip_lua_block();

  /// The line reached, for messages.
  Position here() const { return {file_, has_lines_ ? line_ : 0}; }
  /// Whether the text ended in the middle of a statement, which was reported.
  bool ended_early() const { return ended_early_; }

 private:
  bool at_end() const { return next_ == text_.size(); }
  char peek() const { return text_[next_]; }
  char advance();
  void skip_blanks();
  bool skip_past(std::string_view end);
  std::string plain_word();
  std::string quoted_word();
  std::string finish_word(std::size_t begin, std::size_t end, int line, char quote);
  void report_end(const std::vector<std::string>& words);

  std::string_view text_;
  std::size_t next_ = 0;
  int line_ = 1;
  std::shared_ptr<const std::string> file_;
  bool has_lines_;
  bool ended_early_ = false;
  int open_quote_line_ = 0;  // 0: no quote is open
  std::size_t max_word_;
  Diagnostics& diagnostics_;
};

}  // namespace weir::config
