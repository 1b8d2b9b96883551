// Values that ssl and proxy_ssl have in common.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "config/values.h"
#include "net/tls_key_log.h"
#include "net/tls_options.h"
#include "shared/loader.h"
#include "shared/variable.h"

namespace weir::shared::ssl_values {

/// `…_ssl_key_log`: the file is opened when the configuration is taken into service.
inline std::shared_ptr<net::TlsKeyLog> key_log(const config::Call& call) {
  if (call.args[0].find('$') != std::string::npos) call.fail_value(call.args[0], "a path without variables");
  return net::TlsKeyLog::of(Loader::of(call).full_path(call.args[0]));
}

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

inline constexpr const char* kCacheSyntax = "off | max=N [inactive=time] [valid=time]";

/// `…_certificate_cache`. N counts certificates and keys, as in nginx; here they are kept in pairs.
inline net::TlsCredentialCacheOptions credential_cache(const config::Call& call) {
  net::TlsCredentialCacheOptions options;
  if (call.args.size() == 1 && call.args[0] == "off") return options;
  for (const std::string& word : call.args) {
    const std::string_view value = std::string_view(word).substr(std::min(word.find('=') + 1, word.size()));
    const auto number = word.starts_with("max=") ? config::parse_number(value) : std::nullopt;
    const auto time = word.starts_with("inactive=") || word.starts_with("valid=") ? config::parse_time_s(value) : std::nullopt;
    if (number && *number > 0)
      options.most = static_cast<std::size_t>(*number + 1) / 2;
    else if (time)
      (word.starts_with("valid=") ? options.valid : options.inactive) = *time;
    else
      call.fail(fmt::format("invalid parameter \"{}\"", word));
  }
  if (options.most == 0) call.fail(fmt::format("\"{}\" must have the \"max\" parameter", call.name()));
  return options;
}

/// A certificate or key as the options have it: the path, the PEM itself, or the text with its variables.
inline std::string certificate_source(const Template& text, const net::TlsOptions& options, const Loader& loader) {
  const std::string& source = text.source();
  return options.certificates_vary || source.starts_with("data:") ? source : loader.conf_path(source);
}

inline std::pair<std::string, std::string> two_words(const config::Call& call) { return {call.args[0], call.args[1]}; }

}  // namespace weir::shared::ssl_values
