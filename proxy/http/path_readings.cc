#include "http/path_readings.h"

#include <algorithm>
#include <bit>
#include <string>

namespace weir::http {

namespace {

/// How a server may read a path; bits that combine. The plain reading, which rules see, decodes once and knows `/` alone.
enum Reading : unsigned {
  kKeepsSlash = 1,      // `%2F` is an octet of a name
  kBackslash = 2,       // `\` is `/` after decoding, and overlong UTF-8 (`%C0%AF`) is the octet that it spells
  kRawParameters = 4,   // `;` ends the name of a segment, looked for before decoding
  kParameters = 8,      // the same after decoding
  kTwice = 16,          // decodes twice
  kKeepsEmpty = 32,     // `//` is an empty segment, which `..` goes back over
};

/// A path that can be read in more ways at once was made for that.
constexpr int kMostKinds = 4;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char folded = static_cast<char>(c | 0x20);
  return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

using Text = std::basic_string<char, std::char_traits<char>, std::pmr::polymorphic_allocator<char>>;

/// `text` with its escapes decoded; those that are none stay. With `keeps_slash` an escaped slash becomes NUL, which
/// no path contains.
void decode(Text& text, bool keeps_slash) {
  std::size_t to = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%' && text.size() - at > 2 && hex_value(text[at + 1]) >= 0 && hex_value(text[at + 2]) >= 0) {
      c = static_cast<char>(hex_value(text[at + 1]) * 16 + hex_value(text[at + 2]));
      if (c == '/' && keeps_slash) c = '\0';
      at += 2;
    }
    text[to++] = c;
  }
  text.resize(to);
}

/// Two and three octets that spell one of ASCII.
void shorten(Text& text) {
  std::size_t to = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto octet = [&](std::size_t ahead) {
      return at + ahead < text.size() ? static_cast<unsigned char>(text[at + ahead]) : 0u;
    };
    char c = text[at];
    if ((octet(0) == 0xc0 || octet(0) == 0xc1) && (octet(1) & 0xc0) == 0x80) {
      c = static_cast<char>((octet(0) & 1) << 6 | (octet(1) & 0x3f));
      at += 1;
    } else if (octet(0) == 0xe0 && (octet(1) & 0xfe) == 0x80 && (octet(2) & 0xc0) == 0x80) {
      c = static_cast<char>((octet(1) & 1) << 6 | (octet(2) & 0x3f));
      at += 2;
    }
    text[to++] = c;
  }
  text.resize(to);
}

void cut_parameters(Text& text) {
  std::size_t to = 0;
  bool cutting = false;
  for (const char c : text) {
    cutting = c != '/' && (cutting || c == ';');
    if (!cutting) text[to++] = c;
  }
  text.resize(to);
}

/// Removes dot segments and, unless `keeps_empty`, empty ones. What climbs over the root stays there.
void normalise(Text& text, bool keeps_empty) {
  Text out("/", text.get_allocator());
  std::size_t at = text.starts_with('/') ? 1 : 0;
  while (at <= text.size()) {
    const std::size_t slash = std::min(text.find('/', at), text.size());
    const std::string_view name = std::string_view(text).substr(at, slash - at);
    const bool ended = slash == text.size();
    if (name == "..") {
      if (out.size() > 1) out.pop_back();
      while (out.back() != '/') out.pop_back();
    } else if (name != "." && (!name.empty() || keeps_empty)) {
      out.append(name);
      if (!ended) out += '/';
    }
    at = slash + 1;
  }
  text = std::move(out);
}

Text read(std::string_view path, unsigned reading, net::Arena& memory) {
  Text text(path, &memory);
  if ((reading & kRawParameters) != 0) cut_parameters(text);
  decode(text, (reading & kKeepsSlash) != 0);
  if ((reading & kTwice) != 0) decode(text, (reading & kKeepsSlash) != 0);
  if ((reading & kBackslash) != 0) {
    shorten(text);
    std::replace(text.begin(), text.end(), '\\', '/');
  }
  if ((reading & kParameters) != 0) cut_parameters(text);
  normalise(text, (reading & kKeepsEmpty) != 0);
  for (std::size_t at = text.find('\0'); at != text.npos; at = text.find('\0', at)) text.replace(at, 1, "%2F");
  return text;
}

bool has_escaped_slash(std::string_view text) {
  return text.find("%2f") != text.npos || text.find("%2F") != text.npos;
}

/// The readings that can make a difference for `path`, which becomes `once` and then `twice` by decoding.
unsigned readings_that_matter(std::string_view path, std::string_view once, std::string_view twice) {
  unsigned readings = 0;
  if (has_escaped_slash(path) || has_escaped_slash(once)) readings |= kKeepsSlash;
  if (twice.find_first_of("\\\xc0\xc1\xe0") != twice.npos) readings |= kBackslash;
  if (path.find(';') != path.npos) readings |= kRawParameters;
  if (twice.find(';') != twice.npos) readings |= kParameters;
  if (once != twice) readings |= kTwice;
  // Empty segments are common and harmless; they matter to those who climb back over them.
  if (twice.find("..") != twice.npos && twice.find_first_of("/\\;\xc0\xe0") != twice.npos &&
      (twice.find("//") != twice.npos || readings != 0))
    readings |= kKeepsEmpty;
  return readings;
}

bool has_slash_or_backslash(char c) { return c == '/' || c == '\\'; }

/// Whether a segment is `.` or `..` for those alone who end segments at `;` or `\`.
bool has_hidden_dots(std::string_view decoded) {
  for (std::size_t at = 0; at < decoded.size();) {
    std::size_t end = at;
    while (end < decoded.size() && !has_slash_or_backslash(decoded[end])) ++end;
    const std::string_view segment = decoded.substr(at, end - at);
    const std::string_view name = segment.substr(0, segment.find(';'));
    const bool is_dots = name == "." || name == "..";
    const bool ends_otherwise = name.size() != segment.size() || (end < decoded.size() && decoded[end] == '\\') ||
                                (at > 0 && decoded[at - 1] == '\\');
    if (is_dots && ends_otherwise) return true;
    at = end + 1;
  }
  return false;
}

}  // namespace

PathVerdict judge_path(std::string_view path, std::string_view normal, const PlaceOf& place, net::Arena& memory) {
  const auto has = [path](char c) { return path.find(c) != path.npos; };
  if (has('\\')) return {"a \"\\\" in the path"};
  const bool has_dots = path.find("/.") != path.npos;
  const bool has_empty = normal.find("//") != normal.npos;  // rules see them, others merge them
  if (!has('%') && !has(';') && !has_dots && !has_empty) return {};

  Text once(path, &memory);
  decode(once, false);
  Text twice(once, &memory);
  decode(twice, false);
  if (has_hidden_dots(once)) return {"dot segments hidden in the path"};
  if (twice.find('\0') != twice.npos) return {"a hidden NUL in the path"};
  const unsigned readings = readings_that_matter(path, once, twice);
  if (std::popcount(readings) > kMostKinds) return {"a path that can be read in too many ways"};
  const void* const meant = place(normal);
  for (unsigned reading = readings;; reading = (reading - 1) & readings) {
    if (place(read(path, reading, memory)) != meant)
      return {"a path that backends may read as another location's"};
    if (reading == 0) break;
  }
  return {{}, (has_dots || has('%')) && place(path) != meant};
}

}  // namespace weir::http
