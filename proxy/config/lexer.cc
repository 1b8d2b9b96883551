#include "config/lexer.h"

#include <fmt/format.h>

namespace weir::config {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Resolves escapes: a backslash before a quote or a backslash goes; \t, \r and \n become what they stand for; any
/// other backslash stays, because regular expressions need it.
std::string unescape(std::string_view raw) {
  std::string word;
  word.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      word += raw[i];
      continue;
    }
    switch (raw[i + 1]) {
      case '"':
      case '\'':
      case '\\':
        word += raw[++i];
        break;
      case 't':
        word += '\t', ++i;
        break;
      case 'r':
        word += '\r', ++i;
        break;
      case 'n':
        word += '\n', ++i;
        break;
      default:
        word += '\\';
        break;
    }
  }
  return word;
}

}  // namespace

char Lexer::advance() {
  const char c = text_[next_++];
  if (c == '\n') ++line_;
  return c;
}

/// Skips blanks and comments. `#` begins a comment only where a word could begin.
void Lexer::skip_blanks() {
  while (!at_end()) {
    if (is_blank(peek())) {
      advance();
    } else if (peek() == '#') {
      while (!at_end() && peek() != '\n') advance();
    } else {
      return;
    }
  }
}

Lexer::End Lexer::next(std::vector<std::string>& words) {
  words.clear();
  for (;;) {
    skip_blanks();
    if (at_end()) {
      report_end(words);
      words.clear();
      return End::Text;
    }
    switch (peek()) {
      case ';':
        advance();
        if (!words.empty()) return End::Semicolon;
        diagnostics_.error(here(), "unexpected \";\"");
        break;
      case '{':
        advance();
        if (words.empty()) diagnostics_.error(here(), "unexpected \"{\"");
        return End::BlockStart;
      case '}':
        if (words.empty()) {
          advance();
          return End::BlockEnd;
        }
        // Most likely a `;` is missing: the statement is taken as it is, so that it is checked too, and the brace
        // closes its block.
        diagnostics_.error(here(), "unexpected \"}\"");
        return End::Semicolon;
      case '"':
      case '\'':
        words.push_back(quoted_word());
        // `)` may follow a quote directly, for `if ($x = "y")`; anything else begins only after a blank.
        if (!at_end() && !is_blank(peek()) && std::string_view(";{)}").find(peek()) == std::string_view::npos)
          diagnostics_.error(here(), fmt::format("unexpected \"{}\"", peek()));
        break;
      default:
        words.push_back(plain_word());
    }
  }
}

std::string Lexer::plain_word() {
  const std::size_t begin = next_;
  const int line = line_;
  bool after_dollar = false;  // `${` does not open a block
  while (!at_end()) {
    const char c = peek();
    if (c == '{' && after_dollar) {
      advance();
      continue;
    }
    if (is_blank(c) || c == ';' || c == '{') break;
    after_dollar = c == '$';
    advance();
    if (c == '\\' && !at_end()) advance();
  }
  return finish_word(begin, next_, line, '\0');
}

std::string Lexer::quoted_word() {
  const int line = line_;
  const char quote = advance();
  const std::size_t begin = next_;
  while (!at_end()) {
    const char c = advance();
    if (c == quote) return finish_word(begin, next_ - 1, line, quote);
    if (c == '\\' && !at_end()) advance();
  }
  open_quote_line_ = line;
  return {};
}

std::string Lexer::finish_word(std::size_t begin, std::size_t end, int line, char quote) {
  const std::string_view raw = text_.substr(begin, end - begin);
  if (raw.size() <= max_word_) return unescape(raw);
  const Position started{file_, has_lines_ ? line : 0};
  if (quote != '\0')
    diagnostics_.error(started,
                       fmt::format("too long parameter, probably missing terminating \"{}\" character", quote));
  else
    diagnostics_.error(started, fmt::format("too long parameter \"{}...\" started", raw.substr(0, 10)));
  return {};
}

void Lexer::report_end(const std::vector<std::string>& words) {
  if (words.empty()) return;
  ended_early_ = true;
  diagnostics_.error(here(), has_lines_ ? "unexpected end of file, expecting \";\" or \"}\""
                                        : "unexpected end of parameter, expecting \";\"");
  if (open_quote_line_ != 0 && has_lines_)
    diagnostics_.notice({file_, open_quote_line_}, "the quote that begins here is never closed");
}

/// Advances past the next `end`. Returns false if there is none; then nothing is left.
bool Lexer::skip_past(std::string_view end) {
  const std::size_t found = text_.find(end, next_);
  const std::size_t stop = found == text_.npos ? text_.size() : found + end.size();
  while (next_ < stop) advance();
  return found != text_.npos;
}

void Lexer::skip_lua_block() {
  for (int depth = 1; !at_end();) {
    const std::string_view rest = text_.substr(next_);
    if (rest.starts_with("--[[") || rest.starts_with("[[")) {
      skip_past("]]");
    } else if (rest.starts_with("--")) {
      skip_past("\n");
    } else if (const char c = advance(); c == '"' || c == '\'') {
      while (!at_end() && peek() != c && peek() != '\n')
        if (advance() == '\\' && !at_end()) advance();
      if (!at_end()) advance();
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return;
    }
  }
  ended_early_ = true;
  diagnostics_.error(here(), "unexpected end of file, expecting \"}\"");
}

}  // namespace weir::config
