// Turns the few configuration lines a test shows into a complete configuration file.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace weir::test {

/// Puts `listen <address>;` into each `server { … }` block at the top of `http_text` that has no `listen` of its own.
std::string add_listen(std::string_view http_text, std::string_view address);

/// Replaces each `%name%` (letters, digits, `_`, starting with a letter) by `value(name)`.
std::string fill_in(std::string_view text, const std::function<std::string(const std::string&)>& value);

}  // namespace weir::test
