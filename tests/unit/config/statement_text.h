// Statements written back as text, for tests: every word is quoted, so what is read again must be the same words.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/statement.h"

namespace weir::config {

inline std::string in_quotes(std::string_view word) {
  std::string text = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

inline std::string to_source(std::span<const Statement> statements) {
  std::string text;
  for (const Statement& statement : statements) {
    text += in_quotes(statement.name);
    for (const std::string& arg : statement.args) text += ' ' + in_quotes(arg);
    text += statement.is_block ? " {\n" + to_source(statement.children) + "}\n" : std::string(";\n");
  }
  return text;
}

inline bool same(std::span<const Statement> left, std::span<const Statement> right) {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i)
    if (left[i].name != right[i].name || left[i].args != right[i].args || left[i].is_block != right[i].is_block ||
        !same(left[i].children, right[i].children))
      return false;
  return true;
}

}  // namespace weir::config
