// Classes of octets and the searches that the parsers are made of.
//
// Every search gets [from, end), reads nothing outside of it and returns the first octet that does not fit, or `end`.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir::http1 {

enum OctetClass : std::uint8_t {
  kPlainName = 1,  // letter, digit, hyphen: what nginx takes for a field name
  kUnderscore = 2,
  kOtherToken = 4,  // the rest of tchar (RFC 9110 5.6.2)
  kToken = kPlainName | kUnderscore | kOtherToken,
  kRegName = 8,  // unreserved / sub-delims (RFC 3986 3.2.2)
  kDigit = 16,
  kHexDigit = 32,
};

inline constexpr auto kOctets = [] {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&](std::string_view octets, int as) {
    for (const char c : octets) table[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(as);
  };
  for (int c = 'a'; c <= 'z'; ++c) table[c] = table[c - 32] = kPlainName | kRegName;
  mark("0123456789", kPlainName | kRegName | kDigit | kHexDigit);
  mark("abcdefABCDEF", kHexDigit);
  mark("-", kPlainName);
  mark("_", kUnderscore);
  mark("!#$%&'*+.^`|~", kOtherToken);
  mark("-._~!$&'()*+,;=", kRegName);
  return table;
}();

inline std::uint8_t octet_class(char c) {
  return kOctets[static_cast<unsigned char>(c)];
}
inline bool is_token_octet(char c) {
  return (octet_class(c) & kToken) != 0;
}
inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
/// A control octet other than HTAB.
inline bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

inline bool is_token(std::string_view text) {
  for (const char c : text)
    if (!is_token_octet(c)) return false;
  return !text.empty();
}

/// The first octet that is no kPlainName.
inline const char* skip_plain_name(const char* from, const char* end) {
#if defined(__SSE2__)
  // For each range its first octet becomes -128, so that one signed comparison tells the range.
  const __m128i fold = _mm_set1_epi8(0x20), letters = _mm_set1_epi8(static_cast<char>('a' + 128)),
                digits = _mm_set1_epi8(static_cast<char>('0' + 128)), hyphen = _mm_set1_epi8('-');
  for (; end - from >= 16; from += 16) {
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i letter = _mm_cmplt_epi8(_mm_sub_epi8(_mm_or_si128(octets, fold), letters), _mm_set1_epi8(-128 + 26));
    const __m128i digit = _mm_cmplt_epi8(_mm_sub_epi8(octets, digits), _mm_set1_epi8(-128 + 10));
    const __m128i plain = _mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(octets, hyphen));
    const unsigned others = ~static_cast<unsigned>(_mm_movemask_epi8(plain)) & 0xffff;
    if (others != 0) return from + __builtin_ctz(others);
  }
#endif
  while (from != end && (octet_class(*from) & kPlainName) != 0) ++from;
  return from;
}

inline const char* skip_blanks(const char* from, const char* end) {
  while (from != end && is_blank(*from)) ++from;
  return from;
}

inline std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Whether some octet may be CR, LF or NUL: true for HTAB and some other control octets, too.
inline bool may_end_line(std::string_view text) {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  constexpr std::size_t kStep = sizeof kEach;
  const auto is_low = [](const char* at) {  // one of eight octets is at most CR
    std::uint64_t octets;
    std::memcpy(&octets, at, kStep);
    return ((octets - kEach * ('\r' + 1)) & ~octets & (kEach * 0x80)) != 0;
  };
  if (text.size() < kStep) {
    for (const char c : text)
      if (static_cast<unsigned char>(c) <= '\r') return true;
    return false;
  }
  for (std::size_t at = 0; at + kStep < text.size(); at += kStep)
    if (is_low(text.data() + at)) return true;
  return is_low(text.data() + text.size() - kStep);
}

/// The first control octet (other than HTAB), which is where a line ends if it is CR or LF.
inline const char* find_control(const char* from, const char* end) {
#if defined(__SSE2__)
  const __m128i limit = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);
  for (; end - from >= 16; from += 16) {
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(octets, limit), octets);  // unsigned octets <= 0x1f
    const __m128i hit = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(octets, tab), low), _mm_cmpeq_epi8(octets, del));
    if (const int mask = _mm_movemask_epi8(hit)) return from + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (from != end && !is_control(*from)) ++from;
  return from;
}

/// Whether `c` may stand in a request target as far as this parser judges it: visible ASCII. Of that, RFC 3986 would
/// also exclude `"<>\^`{|}`; browsers send some of them, and all parsers read them alike.
inline bool is_target_octet(char c) {
  return c > 0x20 && c < 0x7f && c != '#';
}

/// The first octet that no request target contains; `#` is one of them.
inline const char* find_target_end(const char* from, const char* end) {
#if defined(__SSE2__)
  const __m128i low = _mm_set1_epi8(0x21), hash = _mm_set1_epi8('#'), del = _mm_set1_epi8(0x7f);
  for (; end - from >= 16; from += 16) {
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    // The comparison is signed, so octets above 127 are below 0x21 too.
    const __m128i hit = _mm_or_si128(_mm_cmplt_epi8(octets, low),
                                     _mm_or_si128(_mm_cmpeq_epi8(octets, hash), _mm_cmpeq_epi8(octets, del)));
    if (const int mask = _mm_movemask_epi8(hit)) return from + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (from != end && is_target_octet(*from)) ++from;
  return from;
}

inline const char* find_lf(const char* from, const char* end) {
  return static_cast<const char*>(std::memchr(from, '\n', static_cast<std::size_t>(end - from)));
}

}  // namespace weir::http1
