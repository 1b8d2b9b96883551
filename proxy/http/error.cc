#include "http/error.h"

#include <array>

namespace weir::http {

namespace {

constexpr std::string_view kConnecting = "connecting to upstream";
constexpr std::string_view kSending = "sending request to upstream";
constexpr std::string_view kReadingHead = "reading response header from upstream";
constexpr std::string_view kReadingBody = "reading upstream";

// In the order of Reason.
constexpr std::array<ReasonInfo, 22> kReasons{{
    {502, Retry::Yes, condition::kError, true, "connect() failed", kConnecting},
    {504, Retry::Yes, condition::kTimeout, true, "upstream timed out", kConnecting},
    {502, Retry::IfReused, condition::kError, true, "send() failed", kSending},
    {504, Retry::Yes, condition::kTimeout, true, "upstream timed out", kSending},
    {502, Retry::IfReused, condition::kError, true, "recv() failed", kReadingHead},
    {504, Retry::Yes, condition::kTimeout, true, "upstream timed out", kReadingHead},
    {502, Retry::IfReused, condition::kError, true, "upstream prematurely closed connection", kReadingHead},
    {502, Retry::Yes, condition::kInvalidHeader, true, "upstream sent invalid header", kReadingHead},
    {502, Retry::Yes, condition::kInvalidHeader, true, "upstream sent too big header", kReadingHead},
    {502, Retry::No, 0, true, "upstream switched protocols without being asked", kReadingHead},
    {502, Retry::No, condition::kError, true, "upstream prematurely closed connection", kReadingBody},
    {504, Retry::No, condition::kTimeout, true, "upstream timed out", kReadingBody},
    {502, Retry::Yes, 0, true, "upstream answered with an unwanted status", kReadingHead},
    {502, Retry::No, 0, false, "no live upstreams", kConnecting},
    {503, Retry::No, 0, false, "upstreams are full, and so is the queue", kConnecting},
    {503, Retry::No, 0, false, "upstreams were full for too long", kConnecting},
    {502, Retry::No, 0, false, "no address was found", kConnecting},
    {499, Retry::No, 0, false, "client closed connection", "waiting for upstream"},
    {400, Retry::No, 0, false, "client sent an incomplete or invalid body", kSending},
    {500, Retry::No, 0, false, "internal error", kConnecting},
    {504, Retry::Yes, condition::kTimeout, false, "upstream hangs: another one is asked", kReadingHead},
    {503, Retry::No, 0, false, "no socket could be opened", kConnecting},
}};

}  // namespace

const ReasonInfo& info(Reason reason) { return kReasons[static_cast<std::size_t>(reason)]; }

std::uint32_t condition::of_status(int status) {
  switch (status) {
    case 403: return kHttp403;
    case 404: return kHttp404;
    case 429: return kHttp429;
    case 500: return kHttp500;
    case 502: return kHttp502;
    case 503: return kHttp503;
    case 504: return kHttp504;
    default: return 0;
  }
}

}  // namespace weir::http
