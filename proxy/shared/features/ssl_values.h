// Values that ssl and proxy_ssl have in common.
#pragma once

#include <fmt/format.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "config/values.h"
#include "shared/loader.h"
#include "net/tls_options.h"

namespace weir::shared::ssl_values {

inline std::string conf_file(const config::Call& call) { return Loader::of(call).conf_path(call.args[0]); }

/// The lines of a file of passwords.
inline std::vector<std::string> password_lines(const config::Call& call) {
  std::ifstream file(conf_file(call));
  if (!file) call.fail(fmt::format("cannot open the password file \"{}\"", conf_file(call)));
  std::vector<std::string> lines;
  for (std::string line; lines.size() < 1024 && std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(std::move(line));
  }
  return lines;
}

inline constexpr config::EnumName<std::uint32_t> kVersions[] = {
    {"TLSv1.3", net::tls_version::kTls13}, {"TLSv1.2", net::tls_version::kTls12}, {"TLSv1.1", net::tls_version::kTls11},
    {"TLSv1", net::tls_version::kTls10},   {"SSLv3", net::tls_version::kSsl3},    {"SSLv2", 0},
};

inline std::pair<std::string, std::string> two_words(const config::Call& call) { return {call.args[0], call.args[1]}; }

}  // namespace weir::shared::ssl_values
