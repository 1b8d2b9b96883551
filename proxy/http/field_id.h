// The header fields that a proxy must recognise, and a fast way from a received name to its number.
//
// Everything that asks "is this Content-Length?" compares one octet instead of a string. A field that is not listed
// is `FieldId::Other`; it is still compared by name where somebody names it.
//
// Thread safety: constant tables only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace weir::http {

// One row per field: enumerator, canonical spelling.
#define WEIR_HTTP_FIELDS(FIELD)                                  \
  /* connection and framing */                                   \
  FIELD(Host, "Host")                                            \
  FIELD(Connection, "Connection")                                \
  FIELD(ContentLength, "Content-Length")                         \
  FIELD(TransferEncoding, "Transfer-Encoding")                   \
  FIELD(Expect, "Expect")                                        \
  FIELD(Upgrade, "Upgrade")                                      \
  FIELD(KeepAlive, "Keep-Alive")                                 \
  FIELD(Te, "TE")                                                \
  FIELD(Trailer, "Trailer")                                      \
  FIELD(ProxyConnection, "Proxy-Connection")                     \
  FIELD(Http2Settings, "HTTP2-Settings")                         \
  FIELD(MaxForwards, "Max-Forwards")                             \
  FIELD(Via, "Via")                                              \
  FIELD(EarlyData, "Early-Data")                                 \
  FIELD(SecWebSocketKey, "Sec-WebSocket-Key")                    \
  FIELD(SecWebSocketVersion, "Sec-WebSocket-Version")            \
  FIELD(SecWebSocketAccept, "Sec-WebSocket-Accept")              \
  FIELD(SecWebSocketProtocol, "Sec-WebSocket-Protocol")          \
  /* who asks */                                                 \
  FIELD(UserAgent, "User-Agent")                                 \
  FIELD(Referer, "Referer")                                      \
  FIELD(Origin, "Origin")                                        \
  FIELD(Cookie, "Cookie")                                        \
  FIELD(Authorization, "Authorization")                          \
  FIELD(ProxyAuthorization, "Proxy-Authorization")               \
  FIELD(Proxy, "Proxy")                                          \
  FIELD(Forwarded, "Forwarded")                                  \
  FIELD(XForwardedFor, "X-Forwarded-For")                        \
  FIELD(XForwardedProto, "X-Forwarded-Proto")                    \
  FIELD(XForwardedHost, "X-Forwarded-Host")                      \
  FIELD(XForwardedPort, "X-Forwarded-Port")                      \
  FIELD(XRealIp, "X-Real-IP")                                    \
  FIELD(XRequestId, "X-Request-ID")                              \
  FIELD(TraceParent, "traceparent")                              \
  FIELD(TraceState, "tracestate")                                \
  /* negotiation, ranges, conditions */                          \
  FIELD(Accept, "Accept")                                        \
  FIELD(AcceptEncoding, "Accept-Encoding")                       \
  FIELD(AcceptLanguage, "Accept-Language")                       \
  FIELD(AcceptRanges, "Accept-Ranges")                           \
  FIELD(Range, "Range")                                          \
  FIELD(IfRange, "If-Range")                                     \
  FIELD(IfMatch, "If-Match")                                     \
  FIELD(IfNoneMatch, "If-None-Match")                            \
  FIELD(IfModifiedSince, "If-Modified-Since")                    \
  FIELD(IfUnmodifiedSince, "If-Unmodified-Since")                \
  FIELD(Priority, "Priority")                                    \
  /* content */                                                  \
  FIELD(ContentType, "Content-Type")                             \
  FIELD(ContentEncoding, "Content-Encoding")                     \
  FIELD(ContentLanguage, "Content-Language")                     \
  FIELD(ContentLocation, "Content-Location")                     \
  FIELD(ContentRange, "Content-Range")                           \
  FIELD(ContentDisposition, "Content-Disposition")               \
  FIELD(LastModified, "Last-Modified")                           \
  FIELD(ETag, "ETag")                                            \
  /* WebDAV */                                                   \
  FIELD(Depth, "Depth")                                          \
  FIELD(Destination, "Destination")                              \
  FIELD(Overwrite, "Overwrite")                                  \
  /* answers */                                                  \
  FIELD(Date, "Date")                                            \
  FIELD(Server, "Server")                                        \
  FIELD(Location, "Location")                                    \
  FIELD(Refresh, "Refresh")                                      \
  FIELD(SetCookie, "Set-Cookie")                                 \
  FIELD(Allow, "Allow")                                          \
  FIELD(RetryAfter, "Retry-After")                               \
  FIELD(Link, "Link")                                            \
  FIELD(WwwAuthenticate, "WWW-Authenticate")                     \
  FIELD(ProxyAuthenticate, "Proxy-Authenticate")                 \
  FIELD(StrictTransportSecurity, "Strict-Transport-Security")    \
  FIELD(AltSvc, "Alt-Svc")                                       \
  FIELD(AccessControlAllowOrigin, "Access-Control-Allow-Origin") \
  FIELD(Status, "Status")                                        \
  /* caching */                                                  \
  FIELD(CacheControl, "Cache-Control")                           \
  FIELD(Expires, "Expires")                                      \
  FIELD(Pragma, "Pragma")                                        \
  FIELD(Age, "Age")                                              \
  FIELD(Vary, "Vary")                                            \
  /* a backend's words to the proxy */                           \
  FIELD(XAccelRedirect, "X-Accel-Redirect")                      \
  FIELD(XAccelExpires, "X-Accel-Expires")                        \
  FIELD(XAccelLimitRate, "X-Accel-Limit-Rate")                   \
  FIELD(XAccelBuffering, "X-Accel-Buffering")                    \
  FIELD(XAccelCharset, "X-Accel-Charset")                        \
  FIELD(XPoweredBy, "X-Powered-By")                              \
  FIELD(XPad, "X-Pad")

enum class FieldId : std::uint8_t {
  Other,  // not in the table
#define WEIR_FIELD_ENUMERATOR(id, name) id,
  WEIR_HTTP_FIELDS(WEIR_FIELD_ENUMERATOR)
#undef WEIR_FIELD_ENUMERATOR
};

#define WEIR_FIELD_COUNT(id, name) +1
/// How many values `FieldId` has, `Other` included.
inline constexpr std::size_t kFieldIds = 1 WEIR_HTTP_FIELDS(WEIR_FIELD_COUNT);
#undef WEIR_FIELD_COUNT

/// A set of such numbers, `Other` like any of them: a bit each.
class FieldSet {
 public:
  constexpr FieldSet() = default;
  constexpr FieldSet(std::initializer_list<FieldId> ids) {
    for (const FieldId id : ids) add(id);
  }
  constexpr bool contains(FieldId id) const { return (words_[word(id)] & bit(id)) != 0; }
  constexpr void add(FieldId id) { words_[word(id)] |= bit(id); }
  constexpr void remove(FieldId id) { words_[word(id)] &= ~bit(id); }

 private:
  static constexpr std::size_t word(FieldId id) { return static_cast<std::size_t>(id) / 64; }
  static constexpr std::uint64_t bit(FieldId id) { return std::uint64_t{1} << (static_cast<std::size_t>(id) % 64); }

  std::uint64_t words_[(kFieldIds + 63) / 64] = {};
};

/// The number of the field called `name`, in any mix of upper and lower case; `Other` if it is not in the table.
/// Any octets may be given. No allocation; a few nanoseconds.
FieldId field_id(std::string_view name) noexcept;

/// The usual spelling of `id`; empty for `Other`.
std::string_view field_name(FieldId id) noexcept;

/// Whether two field names (or other ASCII words) are the same but for the case of the letters A to Z.
bool equal_caseless(std::string_view a, std::string_view b) noexcept;

}  // namespace weir::http
