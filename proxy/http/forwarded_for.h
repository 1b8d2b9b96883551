// Who the client is according to a list that proxies wrote, such as X-Forwarded-For.
#pragma once

#include <optional>
#include <span>

#include "http/message.h"
#include "http/shared.h"
#include "shared/trusted_proxies.h"

namespace weir::http {

/// Walks through lists of addresses from the last to the first, for as long as the one at hand is a trusted proxy's.
/// Source: nginx's documentation of real_ip_recursive.
class ForwardedFor {
 public:
  /// `start`: who is connected. Not `recursive`: one step at most.
  ForwardedFor(std::span<const Network> trusted, bool recursive, const net::Endpoint& start)
      : trusted_(trusted), recursive_(recursive), address_(start) {}

  /// Reads the list in `value`. Returns whether an earlier list may say more.
  bool through(std::string_view value);
  /// All X-Forwarded-For fields, which are one list: proxies append.
  void through_all(const Fields& fields);

  bool moved() const { return moved_; }
  const net::Endpoint& address() const { return address_; }

 private:
  std::span<const Network> trusted_;
  const bool recursive_;
  net::Endpoint address_;
  bool moved_ = false;
};

}  // namespace weir::http
