#include "http/uri.h"

#include <array>
#include <cstring>

namespace weir::http {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// True if the path has no escape, no empty segment that would be merged, and no segment that begins with a dot.
bool is_plain(std::string_view path, bool merge_slashes) {
  char before = 0;
  for (const char c : path) {
    if (c == '%' || (before == '/' && (c == '.' || (merge_slashes && c == '/')))) return false;
    before = c;
  }
  return true;
}

constexpr auto make_table(bool (*needs)(unsigned char)) {
  std::array<bool, 256> table{};
  for (unsigned c = 0; c < 256; ++c) table[c] = needs(static_cast<unsigned char>(c));
  return table;
}

constexpr auto kEscapedInPath = make_table([](unsigned char c) {
  return c <= 0x20 || c >= 0x7f || c == '%' || c == '?' || c == '#' || c == '"' || c == '<' || c == '>' || c == '\\' ||
         c == '^' || c == '`' || c == '{' || c == '|' || c == '}';
});
constexpr auto kEscapedInArgument = make_table([](unsigned char c) {
  const bool unreserved = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
                          c == '.' || c == '_' || c == '~';
  return !unreserved;
});

constexpr auto kEscapedInQuery =
    make_table([](unsigned char c) { return kEscapedInPath[c] || c == '&' || c == '+'; });
constexpr auto kEscapedInLocation = make_table([](unsigned char c) { return c <= 0x20 || c >= 0x7f; });

const std::array<bool, 256>& table_of(EscapeFor set) {
  switch (set) {
    case EscapeFor::Path: return kEscapedInPath;
    case EscapeFor::Argument: return kEscapedInArgument;
    case EscapeFor::Query: return kEscapedInQuery;
    case EscapeFor::Location: break;
  }
  return kEscapedInLocation;
}

}  // namespace

std::optional<std::string_view> normalise_path(std::string_view path, bool merge_slashes, net::Arena& memory) {
  if (path.empty() || path[0] != '/') return std::nullopt;
  if (is_plain(path, merge_slashes)) return path;

  char* const out = static_cast<char*>(memory.allocate(path.size() + 1, 1));
  std::size_t size = 0;
  std::size_t at = 0;
  // One segment a turn; `out` always ends in the slash before the segment that is being written.
  out[size++] = '/';
  ++at;
  for (;;) {
    const std::size_t segment = size;
    bool ended = true;
    while (at < path.size()) {
      char c = path[at++];
      if (c == '%') {
        if (path.size() - at < 2) return std::nullopt;
        const int high = hex_value(path[at]), low = hex_value(path[at + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        at += 2;
        c = static_cast<char>(high * 16 + low);
        if (c == '\0') return std::nullopt;
      }
      // An escaped slash separates segments too, as in nginx: rules must see what a decoding backend would.
      if (c == '/') {
        ended = false;
        break;
      }
      out[size++] = c;
    }
    const std::string_view name(out + segment, size - segment);
    if (name == ".") {
      size = segment;
    } else if (name == "..") {
      size = segment - 1;  // over the slash
      if (size == 0) return std::nullopt;
      while (out[size - 1] != '/') --size;
    } else if (!ended && !(name.empty() && merge_slashes)) {
      out[size++] = '/';
    }
    if (ended) break;
  }
  return std::string_view(out, size);
}

std::string_view escape(std::string_view text, EscapeFor set, net::Arena& memory) {
  const auto& table = table_of(set);
  std::size_t escaped = 0;
  for (const char c : text) escaped += table[static_cast<unsigned char>(c)];
  if (escaped == 0) return text;
  char* const out = static_cast<char*>(memory.allocate(text.size() + 2 * escaped, 1));
  char* to = out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (!table[octet]) {
      *to++ = c;
      continue;
    }
    constexpr char kHex[] = "0123456789ABCDEF";
    *to++ = '%';
    *to++ = kHex[octet >> 4];
    *to++ = kHex[octet & 15];
  }
  return {out, static_cast<std::size_t>(to - out)};
}

}  // namespace weir::http
