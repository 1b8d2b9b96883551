// A response on its way to the client, before it has a wire form.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/body.h"
#include "http/message.h"

namespace weir::http {

class SeekableBody;

/// Owned by the exchange; the texts live as long as it does.
struct Response {
  int status = 0;
  std::string_view reason;  // empty: the standard one

  /// All fields but those below, which the wire code writes itself.
  Fields fields;
  std::string_view content_type;
  std::string_view server;  // empty: Weir's own; see server_tokens
  std::string_view date;    // empty: now
  std::string_view location;
  std::string_view last_modified;
  std::optional<std::uint64_t> content_length;  // nothing: unknown until the end

  BodySource* body = nullptr;  // nothing: no body
  /// `body` again, if parts of it can be sent alone.
  SeekableBody* seekable = nullptr;
  bool is_conditional = false;  // it is the present state of a resource: If-… and Range fields apply
  bool has_trailers = false;    // fields may follow the body
  Fields trailers;              // filled when the body was sent
  bool head_sent = false;
  bool is_cut = false;  // the body could not be completed
  std::uint64_t body_octets_sent = 0;

  explicit Response(std::pmr::memory_resource* memory) : fields(memory), trailers(memory) {}

  /// Forgets everything but what was sent: another answer takes its place.
  void clear() {
    status = 0;
    reason = content_type = server = date = location = last_modified = {};
    fields.clear();
    content_length.reset();
    body = nullptr;
    seekable = nullptr;
    is_conditional = has_trailers = false;
    trailers.clear();
  }
};

}  // namespace weir::http
