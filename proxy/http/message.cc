#include "http/message.h"

#include <algorithm>

namespace weir::http {
namespace {

/// Computed with integers: `from` may point to memory that is gone.
void move(std::string_view& slice, const char* from, const char* to) noexcept {
  if (slice.data() == nullptr) return;
  const auto offset = reinterpret_cast<std::uintptr_t>(slice.data()) - reinterpret_cast<std::uintptr_t>(from);
  slice = {to + offset, slice.size()};
}

constexpr std::string_view kMethodNames[] = {
    "GET",   "HEAD", "POST", "PUT",      "DELETE",    "OPTIONS", "PATCH",  "TRACE", "CONNECT",
    "MKCOL", "COPY", "MOVE", "PROPFIND", "PROPPATCH", "LOCK",    "UNLOCK", "",
};

}  // namespace

Method method_of(std::string_view name) noexcept {
  // Nearly every request is one of the first three; the rest may take their time.
  for (std::size_t i = 0; i < static_cast<std::size_t>(Method::Other); ++i)
    if (kMethodNames[i] == name) return static_cast<Method>(i);
  return Method::Other;
}

std::string_view method_name(Method method) noexcept {
  return kMethodNames[static_cast<std::size_t>(method)];
}

bool is_idempotent(Method method) noexcept {
  switch (method) {
    case Method::Get:
    case Method::Head:
    case Method::Put:
    case Method::Delete:
    case Method::Options:
    case Method::Trace:
    case Method::MkCol:
    case Method::Copy:
    case Method::Move:
    case Method::PropFind:
    case Method::PropPatch:
    case Method::Unlock:
      return true;
    case Method::Lock:
    case Method::Patch:
    case Method::Post:
    case Method::Connect:
    case Method::Other:
      return false;
  }
  return false;
}

std::string_view version_name(Version version) noexcept {
  switch (version) {
    case Version::Http10:
      return "HTTP/1.0";
    case Version::Http11:
      return "HTTP/1.1";
    case Version::Http2:
      return "HTTP/2.0";
  }
  return "HTTP/1.1";
}

const Field* Fields::find_present(FieldId id) const noexcept {
  for (const Field& field : fields_)
    if (field.id == id) return &field;
  return nullptr;
}

const Field* Fields::find(std::string_view name) const noexcept {
  const FieldId id = field_id(name);
  if (id != FieldId::Other) return find(id);
  for (const Field& field : fields_)
    if (field.id == FieldId::Other && equal_caseless(field.name, name)) return &field;
  return nullptr;
}

std::size_t Fields::count(FieldId id) const noexcept {
  if (!contains(id)) return 0;
  return static_cast<std::size_t>(std::count_if(begin(), end(), [id](const Field& f) { return f.id == id; }));
}

void Fields::replace(FieldId id, std::string_view value) noexcept {
  const auto found =
      std::find_if(fields_.begin(), fields_.end(), [id](const Field& field) { return field.id == id; });
  if (found == fields_.end()) return;
  found->value = value;
  found->is_line = false;
}

std::size_t Fields::remove(FieldId id) {
  const std::size_t removed = std::erase_if(fields_, [id](const Field& field) { return field.id == id; });
  if (id != FieldId::Other) present_.remove(id);
  return removed;
}

void Fields::clear() noexcept {
  fields_.clear();
  present_ = {};
}

void Fields::rebase(const char* from, const char* to) noexcept {
  for (Field& field : fields_) {
    move(field.name, from, to);
    move(field.value, from, to);
  }
}

void ConnectionOptions::clear() noexcept {
  close = keep_alive = upgrade = malformed = false;
  nominated.clear();
}

void ConnectionOptions::rebase(const char* from, const char* to) noexcept {
  for (std::string_view& name : nominated) move(name, from, to);
}

bool is_nominated(const Field& field, const ConnectionOptions& options) noexcept {
  return field.id != FieldId::Host &&
         std::any_of(options.nominated.begin(), options.nominated.end(),
                     [&](std::string_view name) { return equal_caseless(name, field.name); });
}

void RequestHead::rebase(const char* from, const char* to) noexcept {
  for (std::string_view* slice : {&method_name, &target, &line, &path, &query, &host, &port, &upgrade})
    move(*slice, from, to);
  fields.rebase(from, to);
  connection.rebase(from, to);
}

void RequestHead::reset() noexcept {
  method = Method::Other;
  form = TargetForm::Origin;
  version = Version::Http11;
  has_query = keep_alive = expect_continue = wants_upgrade = target_https = fragment_cut = false;
  method_name = target = line = path = query = host = port = upgrade = {};
  framing = {};
  fields.clear();
  connection.clear();
  dropped_fields = 0;
}

void ResponseHead::rebase(const char* from, const char* to) noexcept {
  move(reason, from, to);
  move(upgrade, from, to);
  fields.rebase(from, to);
  connection.rebase(from, to);
}

void ResponseHead::reset() noexcept {
  status = 0;
  version = Version::Http11;
  keep_alive = has_length = false;
  reason = upgrade = {};
  framing = {};
  length = 0;
  fields.clear();
  connection.clear();
}

}  // namespace weir::http
