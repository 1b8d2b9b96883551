// Who can ask an OCSP responder. No OpenSSL here: whoever speaks HTTP implements it.
#pragma once

#include <cstdint>
#include <string>

#include "net/task.h"
#include "net/timers.h"

namespace weir::net {

class Loop;
struct TlsResponderNames;

struct OcspResponder {
  std::string host;  // a name or an address
  std::uint16_t port = 80;
  std::string path;
};

struct OcspReply {
  std::string wrong;  // why there is no answer; empty: there is one
  std::string answer;
};

/// One question that is under way.
class OcspInquiry {
 public:
  /// Gives it up; it ends soon.
  virtual void cancel() = 0;

 protected:
  ~OcspInquiry() = default;
};

class OcspAsker {
 public:
  /// GETs `target` from the responder by `deadline`. `under_way`: set while it waits, then null again.
  virtual Task<OcspReply> ask(Loop& loop, const OcspResponder& responder, const TlsResponderNames& names, std::string target,
                              TimePoint deadline, OcspInquiry** under_way) = 0;

 protected:
  ~OcspAsker() = default;
};

}  // namespace weir::net
