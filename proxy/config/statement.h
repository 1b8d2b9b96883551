// What the parser makes of a configuration: statements, each with its place in a file. Plain values.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace weir::config {

/// Where something stands in the configuration.
struct Position {
  std::shared_ptr<const std::string> file;  // as it is shown to the user; shared by all statements of one file
  int line = 0;                             // from 1; 0: the text is not a file's (such as that of `-g`)
};

/// One directive with its arguments: `name args… ;` or `name args… { children }`.
struct Statement {
  std::string name;
  std::vector<std::string> args;  // quotes and escapes resolved
  std::vector<Statement> children;
  bool is_block = false;  // ended by `{`, even if nothing is between the braces
  Position at;            // the line of the `;` or `{` that ends it, which is the line nginx names
};

}  // namespace weir::config
