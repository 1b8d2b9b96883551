// A connection to a backend, lent to one exchange at a time: implemented once per wire version.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "http/body.h"
#include "http/error.h"
#include "http/message.h"
#include "net/arena.h"
#include "net/buffer_pool.h"
#include "net/stream.h"
#include "net/timers.h"

namespace weir::http {

class UpstreamPool;

/// A request as a backend is to see it.
struct OutgoingRequest {
  std::string_view method;
  Method method_id = Method::Other;  // decides how the response is framed
  std::string_view target;
  Version version = Version::Http11;
  Framing framing;
  Fields fields;  // all but those of the framing

  explicit OutgoingRequest(std::pmr::memory_resource* memory) : fields(memory) {}
};

/// After the request was sent, the channel yields the response: heads by `try_read_head`, then the body as a
/// BodySource.
///
/// Between exchanges it lies in its UpstreamPool, which watches it.
class BackendChannel : public BodySource, private net::StreamWatcher, private net::Timer {
 public:
  ~BackendChannel() override = default;

  virtual net::Stream& stream() = 0;

  /// What a new exchange needs to know about reading its response.
  struct Plan {
    Method method = Method::Get;
    std::size_t head_limit = 0;               // octets of one response head
    std::chrono::milliseconds read_timeout{};  // longest time between two reads
    std::size_t read_limit = 0;                // octets of one read; 0: as many as fit
    net::Arena* memory = nullptr;              // where heads are kept
  };
  virtual void begin(const Plan& plan) = 0;

  /// Composes the request's head; it leaves with the first octets of the body, or alone if there are none.
  virtual void begin_request(const OutgoingRequest& request) = 0;

  /// Sends pieces of the request's body (with the head, if that did not leave yet). `last`: it ends here.
  /// On Blocked, await writability of the stream and call `push`.
  virtual SendStatus try_send(std::span<const std::string_view> pieces, bool last) = 0;
  virtual SendStatus push() = 0;
  /// After Failed: why.
  virtual net::IoError send_error() const = 0;
  /// Octets of the request that left.
  virtual std::uint64_t octets_sent() const = 0;

  /// Tries to read one response head (a 1xx is one of its own) into `head`; its texts live in the plan's memory.
  /// Nothing: would block, await `wait`.
  virtual std::optional<Result<>> try_read_head(ResponseHead& head) = 0;

  /// Whether the rest of a response of known length, up to `most` octets, lies in memory; reads what is there if not.
  /// Nothing: would block, await `wait`. False: it does not fit, or its length is unknown.
  virtual std::optional<Result<bool>> try_read_ahead(std::uint64_t most) = 0;

  /// As BodySource: for ResponseBody, which hands it on.
  Raw raw() override = 0;
  void raw_moved(std::uint64_t octets) override = 0;

  /// The longest time of the waits to come, in place of the plan's read_timeout.
  virtual void limit_waits(std::chrono::milliseconds limit) = 0;

  /// The trailer fields that came after the body; null before its end, or if there are none. They live as long as the
  /// exchange's use of the channel.
  virtual const Fields* trailers() const = 0;

  /// From now on one `fill` reads at most so many octets (0: as many as fit).
  virtual void limit_reading(std::size_t octets) = 0;

  /// Gives away the memory of what `next` handed out, so that `fill` can be called while it is still being sent.
  virtual net::Buffer detach() = 0;

  /// Octets that came after a 101 and belong to the new protocol; valid until the next read.
  virtual std::string_view early_octets() const = 0;

  /// True if the response ended as its framing says, nothing came after it, and neither side wants to close.
  virtual bool is_reusable() const = 0;

  /// The exchange is over: gives back what it used of the loop's and the exchange's memory.
  virtual void end() = 0;

  /// Octets received since `begin`.
  virtual std::uint64_t octets_received() const = 0;

  /// True if an earlier exchange used this connection: a failure before the first octet of an answer then proves
  /// nothing about the backend.
  bool is_reused() const { return exchanges_ > 0; }

  /// Octets that earlier exchanges sent.
  std::uint64_t sent_before() const { return sent_before_; }

  /// By how much the system's count of acknowledged octets is ahead of ours of those that were sent, as it counts the
  /// opening. Nothing: nobody has asked for it yet.
  std::optional<std::uint64_t> acked_ahead_of_sent;

 protected:
  explicit BackendChannel(net::Loop& loop) : Timer(loop.timers()), opened_(loop.now()) {}

 private:
  friend class UpstreamPool;

  void on_event(net::Stream& stream) override;  // nobody asked for anything: the connection is of no more use
  void on_timer() override;                     // idle for too long

  UpstreamPool* pool_ = nullptr;  // while idle
  std::uint64_t backend_ = 0;
  BackendChannel *newer_ = nullptr, *older_ = nullptr;  // among the idle ones of the upstream, by time of use
  BackendChannel *above_ = nullptr, *below_ = nullptr;  // among the idle ones of the backend
  std::uint64_t exchanges_ = 0, sent_before_ = 0;
  net::TimePoint opened_;
};

}  // namespace weir::http
