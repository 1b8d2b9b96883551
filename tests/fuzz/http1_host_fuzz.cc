// Any octets as a host and port. Must hold: what is accepted is a host that no reader can take for another, and what
// RFC 3986 plainly allows is accepted.
#include <string>

#include "http1/target.h"
#include "http1_reading.h"

namespace weir::http1 {
namespace {

bool is_plain(std::string_view text) {
  // Letters and digits, with single dots and hyphens between them: a name that nobody may refuse.
  bool after_mark = true;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && ((c != '.' && c != '-') || after_mark)) return false;
    after_mark = !letter;
  }
  return !text.empty() && !after_mark;
}

void run(std::string_view input) {
  const FuzzBlock block(input);
  const std::string_view text = block.view();
  Authority authority;
  const bool accepted = parse_authority(text, authority);
  if (is_plain(text)) MUST(accepted && authority.host == text && authority.port.empty());
  if (!accepted) return;

  // The whole text is the host, a colon and the port.
  MUST(!authority.host.empty() && authority.host.data() == text.data());
  const std::string_view rest = text.substr(authority.host.size());
  MUST(rest.empty() || (rest.front() == ':' && rest.substr(1) == authority.port));
  unsigned long port = 0;
  for (const char c : authority.port) {
    MUST(c >= '0' && c <= '9');
    port = port * 10 + static_cast<unsigned long>(c - '0');
    MUST(port <= 65535);
  }
  const bool literal = text.front() == '[';
  for (const char c : authority.host) {
    MUST(c > 0x20 && c < 0x7f);
    MUST(std::string_view("/?#@\\\"<>^`{|}").find(c) == std::string_view::npos);
    MUST(literal || (c != ':' && c != '[' && c != ']'));
  }
  MUST(!literal || (authority.host.back() == ']' && authority.host.find_first_of("[]", 1) == authority.host.size() - 1));
  MUST(literal || authority.host.find("..") == authority.host.npos);

  // The same when spelled in capitals, and when put together again.
  std::string capitals(text);
  for (char& c : capitals)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  Authority other;
  MUST(parse_authority(capitals, other));
  MUST(same_authority(authority, other, 80) && same_authority(other, authority, 443));
  const std::string host(authority.host);
  MUST(parse_authority(host, other) && other.host == host && other.port.empty());
}

}  // namespace
}  // namespace weir::http1

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::http1::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
