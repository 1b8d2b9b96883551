#include "path_models.h"

#include <algorithm>
#include <cctype>

namespace weir::conformance {
namespace {

using std::string;
using std::string_view;

string percent_decoded(string_view text, bool with_slash) {
  string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) &&
        std::isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      const char octet = static_cast<char>(std::stoi(string(text.substr(i + 1, 2)), nullptr, 16));
      if (octet != '/' || with_slash) {
        out += octet;
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

void replace_all(string& text, string_view what, string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != string::npos; at += by.size()) text.replace(at, what.size(), by);
}

string without_parameters(const string& path) {
  string out;
  std::size_t at = 0;
  while (at < path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const string segment = path.substr(at, end - at);
    out += segment.substr(0, segment.find(';'));
    if (end < path.size()) out += '/';
    at = end + 1;
  }
  return out;
}

string without_dots(const string& path, bool merges) {
  std::vector<string> kept;
  bool ends_in_slash = true;
  std::size_t at = 1;
  while (at <= path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const string segment = path.substr(at, end - at);
    ends_in_slash = end < path.size();
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
      ends_in_slash = true;
    } else if (segment == ".") {
      ends_in_slash = true;
    } else if (segment.empty()) {
      if (!merges && end < path.size()) kept.push_back(segment);
      if (end == path.size()) ends_in_slash = true;
    } else {
      kept.push_back(segment);
    }
    at = end + 1;
  }
  string out;
  for (const string& segment : kept) out += "/" + segment;
  if (ends_in_slash || out.empty()) out += "/";
  return out;
}

}  // namespace

std::vector<string> readings_of(string_view target) {
  string raw(target);
  if (const std::size_t scheme = raw.find("://"); !raw.starts_with('/') && scheme != string::npos)
    raw.erase(0, std::min(raw.find_first_of("/?", scheme + 3), raw.size()));
  raw = raw.substr(0, raw.find_first_of("?#"));
  if (!raw.starts_with('/')) raw.insert(0, "/");

  std::vector<string> readings{raw};
  for (int variant = 0; variant < 64; ++variant) {
    string path = raw;
    if ((variant & 1) != 0) path = without_parameters(path);
    path = percent_decoded(path, (variant & 2) == 0);
    if ((variant & 4) != 0) path = percent_decoded(path, (variant & 2) == 0);
    if ((variant & 8) != 0) {
      replace_all(path, "\\", "/");
      replace_all(path, "\xc0\xaf", "/");
      replace_all(path, "\xc0\xae", ".");
      replace_all(path, "\xc1\x9c", "/");
      replace_all(path, "\xe0\x80\xaf", "/");
    }
    if ((variant & 16) != 0) path = without_parameters(path);
    path = path.substr(0, path.find('\0'));
    readings.push_back(without_dots(path, (variant & 32) == 0));
  }
  std::sort(readings.begin(), readings.end());
  readings.erase(std::unique(readings.begin(), readings.end()), readings.end());
  return readings;
}

}  // namespace weir::conformance
