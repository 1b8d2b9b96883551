// One request head and one response head, as a parser understood them. No wire version is known here.
//
// All text is slices of the bytes that were received: a head is valid while those bytes stay where they are, and
// `rebase` follows them when they move. Nothing is copied and nothing allocated but the vectors of fields, which take
// their memory from the resource given to the constructor.
//
// Invariants of a head that a parser completed: every name is a token, no value contains CR, LF, NUL or another
// control octet except HTAB, values have no white space at their ends, the framing is the only possible one.
//
// Thread safety: none; a head belongs to one exchange.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "http/field_id.h"

namespace weir::http {

enum class Method : std::uint8_t {
  Get,
  Head,
  Post,
  Put,
  Delete,
  Options,
  Patch,
  Trace,
  Connect,
  MkCol,
  Copy,
  Move,
  PropFind,
  PropPatch,
  Lock,
  Unlock,
  Other,  // any other token
};

/// The method called `name`; methods are case-sensitive, so `get` is `Other`.
Method method_of(std::string_view name) noexcept;

/// The name of `method`; empty for `Other`.
std::string_view method_name(Method method) noexcept;

/// Whether a request with `method` may be sent again when its fate is unknown (RFC 9110 9.2.2). False for `Other`.
bool is_idempotent(Method method) noexcept;

enum class Version : std::uint8_t { Http10, Http11, Http2 };

/// "HTTP/1.0", "HTTP/1.1" or "HTTP/2.0", as `$server_protocol` spells them.
std::string_view version_name(Version version) noexcept;

/// The four forms of RFC 9112 3.2.
enum class TargetForm : std::uint8_t { Origin, Absolute, Authority, Asterisk };

struct Field {
  std::string_view name, value;
  FieldId id = FieldId::Other;
  bool is_parsed = false;  // a parser's own, so the invariant above holds for it
  bool is_line = false;    // and its octets lie just as a writer would write them: `name: value CRLF`

  /// These octets, if `is_line`.
  std::string_view line() const noexcept { return {name.data(), name.size() + value.size() + 4}; }
};

/// The fields of a head in the order received, repeated ones included.
class Fields {
 public:
  explicit Fields(std::pmr::memory_resource* memory) : fields_(memory) {}

  /// The first field `id`, or nullptr. A field that is absent costs one bit test. Not for `Other`.
  const Field* find(FieldId id) const noexcept { return contains(id) ? find_present(id) : nullptr; }
  /// The first field called `name` in any case, or nullptr.
  const Field* find(std::string_view name) const noexcept;
  /// The value of the first field `id`; empty if there is none.
  std::string_view value(FieldId id) const noexcept {
    const Field* const field = find(id);
    return field ? field->value : std::string_view();
  }
  bool contains(FieldId id) const noexcept { return present_.contains(id); }
  /// How many fields `id` there are.
  std::size_t count(FieldId id) const noexcept;

  std::span<const Field> all() const noexcept { return fields_; }
  auto begin() const noexcept { return fields_.begin(); }
  auto end() const noexcept { return fields_.end(); }
  std::size_t size() const noexcept { return fields_.size(); }
  bool empty() const noexcept { return fields_.empty(); }
  const Field& operator[](std::size_t i) const { return fields_[i]; }

  void add(const Field& field) {
    fields_.push_back(field);
    present_.add(field.id);
  }
  void add(std::string_view name, std::string_view value) { add({name, value, field_id(name)}); }
  /// Gives the first field `id` another value; does nothing if there is none.
  void replace(FieldId id, std::string_view value) noexcept;
  /// Removes every field `id`; returns how many there were.
  std::size_t remove(FieldId id);
  void reserve(std::size_t count) { fields_.reserve(count); }
  void clear() noexcept;
  void rebase(const char* from, const char* to) noexcept;

 private:
  const Field* find_present(FieldId id) const noexcept;

  std::pmr::vector<Field> fields_;
  FieldSet present_;  // most questions are about fields that are not there
};

/// Where the body of a message ends.
struct Framing {
  enum class Kind : std::uint8_t {
    None,        // no body
    Length,      // `length` octets (may be 0)
    Chunked,     // the chunked coding says
    UntilClose,  // the end of the connection (responses only)
  };
  Kind kind = Kind::None;
  std::uint64_t length = 0;  // at most 2^63 - 1

  bool operator==(const Framing&) const = default;
};

/// What the Connection fields of a message say.
struct ConnectionOptions {
  explicit ConnectionOptions(std::pmr::memory_resource* memory) : nominated(memory) {}

  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool malformed = false;  // an element is no token; it says nothing, but the connection is not kept
  /// The other options: names of fields that are for this connection only (RFC 9110 7.6.1). Bounded by the parser.
  std::pmr::vector<std::string_view> nominated;

  void clear() noexcept;
  void rebase(const char* from, const char* to) noexcept;
};

/// The fields that concern one connection only, whatever it says about them.
inline constexpr FieldSet kHopByHop{FieldId::Connection, FieldId::KeepAlive,        FieldId::ProxyConnection,
                                    FieldId::Te,         FieldId::Trailer,          FieldId::TransferEncoding,
                                    FieldId::Upgrade,    FieldId::Http2Settings};

/// Whether `options` nominate `field`.
bool is_nominated(const Field& field, const ConnectionOptions& options) noexcept;

/// Whether `field` concerns this connection only and must not be forwarded: one of kHopByHop, or a field that Connection
/// nominates. Content-Length is not one of them, yet a forwarded head takes its framing from `Framing`, never from
/// the field. A nominated Host stays: it decides the route and is replaced anyway.
inline bool is_hop_by_hop(const Field& field, const ConnectionOptions& options) noexcept {
  return kHopByHop.contains(field.id) || (!options.nominated.empty() && is_nominated(field, options));
}

struct RequestHead {
  explicit RequestHead(std::pmr::memory_resource* memory) : fields(memory), connection(memory) {}

  Method method = Method::Other;
  TargetForm form = TargetForm::Origin;
  Version version = Version::Http11;  // HTTP/1.2 and above, which nobody speaks, count as 1.1
  bool has_query = false;             // tells `/a?` from `/a`
  bool keep_alive = false;            // the client wants, and the version allows, another request afterwards
  bool expect_continue = false;       // HTTP/1.1 and `Expect: 100-continue`
  bool wants_upgrade = false;         // HTTP/1.1, `Connection: upgrade` and exactly one Upgrade field
  bool target_https = false;          // an absolute target with scheme `https`
  bool fragment_cut = false;          // the target came with a `#fragment`, which is not part of `target`

  std::string_view method_name;  // as received
  std::string_view target;       // as received, in any form: `$request_uri`
  std::string_view line;         // the whole request line without its end: `$request`
  /// The part of the target before `?`, not decoded: begins with `/`, is `*` in asterisk form, and is empty in
  /// authority form and in an absolute target without a path; see `path_or_root`.
  std::string_view path;
  std::string_view query;  // what follows the first `?`
  /// The host that the request is for: the absolute target's, or the Host field's, or (authority form) the
  /// target's; without port, with the brackets of an IPv6 address, in the case received. Empty only in HTTP/1.0.
  std::string_view host;
  std::string_view port;     // digits; empty if none was given
  std::string_view upgrade;  // the value of Upgrade if `wants_upgrade`

  Framing framing;  // None, Length or Chunked
  Fields fields;    // every field kept, Host and hop-by-hop ones included
  ConnectionOptions connection;
  std::uint32_t dropped_fields = 0;  // fields left out because of their name (`ignore_invalid_headers`)

  std::string_view path_or_root() const noexcept { return path.empty() ? std::string_view("/") : path; }

  /// The received bytes that began at `from` now begin at `to`; every slice follows. `from` may be freed already.
  void rebase(const char* from, const char* to) noexcept;
  /// Back to the state after construction; vectors keep their capacity, so the memory resource must still hold it.
  void reset() noexcept;
};

struct ResponseHead {
  explicit ResponseHead(std::pmr::memory_resource* memory) : fields(memory), connection(memory) {}

  int status = 0;  // 100 to 599
  Version version = Version::Http11;
  bool keep_alive = false;   // another request may follow on this connection once the body has ended
  std::string_view reason;   // may be empty
  std::string_view upgrade;  // the value of Upgrade, if there is exactly one such field
  Framing framing;           // already judged by the request's method and the status
  /// The Content-Length field's value, also where there is no body (HEAD, 304); nothing if `!has_length`.
  std::uint64_t length = 0;
  bool has_length = false;
  Fields fields;
  ConnectionOptions connection;

  bool is_interim() const noexcept { return status < 200 && status != 101; }

  void rebase(const char* from, const char* to) noexcept;
  void reset() noexcept;
};

}  // namespace weir::http
