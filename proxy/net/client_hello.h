// A ClientHello: what a TLS client says in the clear before its connection is encrypted.
//
// Read ahead and not consumed, so that a connection can be routed by it and passed on as it came. Strict where another
// reader could take something else out of the same octets; a cipher suite or an extension that nobody asks for is
// stepped over unread. Nothing here depends on OpenSSL.
// Sources: RFC 8446 4.1.2 and 5.1, RFC 6066 3 (server_name), RFC 7301 3.1 (ALPN).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::net {

struct ClientHello {
  std::string server_name;      // asked for by SNI, as it was written; empty: none
  std::string alpn_protocols;   // offered by ALPN, in the client's order, with commas between
  std::uint16_t version = 0;    // the highest that is offered, such as 0x0304

  /// `TLSv1.3`, in the words of OpenSSL; empty if it is none that is known.
  std::string_view version_name() const;
};

enum class ClientHelloStatus : std::uint8_t {
  Incomplete,  // no contradiction so far
  Complete,
  NotTls,  // another protocol, told by the first octets
  Bad,     // it began as TLS does, and went on as no ClientHello can
};

/// Reads one ClientHello, which may be spread over any number of records and segments.
class ClientHelloReader {
 public:
  /// Longer messages are refused.
  static constexpr std::size_t kLongest = std::size_t{64} * 1024;

  /// `octets`: everything that came since the connection began, so each call's begin with those of the call before.
  /// What was read once is not read again.
  ClientHelloStatus read(std::string_view octets);

  /// After Complete.
  const ClientHello& hello() const { return hello_; }
  /// After Bad: what is wrong, for a log.
  std::string_view problem() const { return problem_; }

 private:
  ClientHelloStatus bad(std::string_view problem);
  ClientHelloStatus read_record(std::string_view record);
  ClientHelloStatus parse_message(std::string_view body);
  std::string_view parse_extensions(std::string_view list);

  ClientHello hello_;
  std::string_view problem_;
  std::string message_;   // the handshake message, as far as it came in whole records
  std::size_t at_ = 0;    // where the next record begins
};

}  // namespace weir::net
