// Questions to and answers from name servers (RFC 1035), as far as finding addresses needs them.
//
// Answers are untrusted: every offset is checked, names are bounded, compression only points backwards, and what does
// not belong to the question is ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/endpoint.h"

namespace weir::net::dns {

enum class Type : std::uint16_t { A = 1, Cname = 5, Aaaa = 28, Srv = 33 };

/// A question for the records of `type` of `name`. Nothing if `name` is no domain name: labels of 1 to 63 octets, 253 in
/// all, without dot at the end.
std::optional<std::string> make_query(std::uint16_t id, std::string_view name, Type type);

/// One SRV record (RFC 2782).
struct Service {
  std::uint16_t priority = 0, weight = 0, port = 0;
  std::string target;
};

struct Answer {
  int code = 0;            // RCODE; 0: no error
  bool truncated = false;  // ask again by TCP
  std::vector<Endpoint> addresses;  // port 0
  std::vector<Service> services;
  std::uint32_t ttl = 0;   // seconds: the least of all records used
  std::string alias;       // the records end with this CNAME: nothing is known of it yet
};

/// Reads an answer to the question (`id`, `name`, `type`). Nothing if it is not one.
std::optional<Answer> parse_answer(std::string_view packet, std::uint16_t id, std::string_view name, Type type);

}  // namespace weir::net::dns
