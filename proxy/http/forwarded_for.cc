#include "http/forwarded_for.h"

namespace weir::http {

namespace {

/// An address with or without a port, as proxies write it: `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]`, `[::1]:80`.
std::optional<net::Endpoint> parse_address(std::string_view text) {
  if (auto alone = net::Endpoint::from_address(text, 0)) return alone;
  return text.starts_with("unix:") ? std::nullopt : net::Endpoint::parse(text);
}

}  // namespace

bool ForwardedFor::through(std::string_view list) {
  for (;;) {
    if (!is_trusted(trusted_, address_)) return false;
    const std::size_t last = list.find_last_not_of(" ,");
    list = list.substr(0, last == list.npos ? 0 : last + 1);
    const std::size_t before = list.find_last_of(" ,");
    const auto next = parse_address(list.substr(before == list.npos ? 0 : before + 1));
    if (!next) return false;
    address_ = *next;
    moved_ = true;
    if (!recursive_) return false;
    if (before == list.npos) return true;
    list = list.substr(0, before);
  }
}

void ForwardedFor::through_all(const Fields& fields) {
  const auto all = fields.all();
  for (auto field = all.rbegin(); field != all.rend(); ++field)
    if (field->id == FieldId::XForwardedFor && !through(field->value)) return;
}

}  // namespace weir::http
