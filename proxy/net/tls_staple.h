// TlsStaple: what an OCSP responder says of one of our certificates, for clients that ask (RFC 6066 8).
//
// Belongs to the context that the certificate is in; handshakes of all workers read it. Whoever fetches answers finds
// those that want one in `all()` and hands in what came, so no handshake ever waits for a responder. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/ocsp_asker.h"
#include "net/timers.h"
#include "net/tls_options.h"

struct ssl_ctx_st;

namespace weir::net {

struct TlsCredential;

/// Gives the context what clients that ask are told of `credentials`, if the options say so. Returns remarks for the user:
/// why nothing is known of a certificate. Throws TlsConfigError.
std::vector<std::string> use_staples(ssl_ctx_st* context, const TlsServerOptions& options,
                                     const std::vector<TlsCredential>& credentials);

class TlsStaple {
 public:
  using Responder = OcspResponder;
  struct Certificate;

  TlsStaple(std::unique_ptr<Certificate> certificate, Responder responder, TlsResponderNames names);
  TlsStaple(const TlsStaple&) = delete;
  ~TlsStaple();

  const Responder& responder() const { return responder_; }
  const TlsResponderNames& names() const { return names_; }
  /// What to GET from the responder (RFC 6960 A.1).
  const std::string& target() const { return target_; }
  /// Whose certificate it is about.
  const std::string& subject() const;

  /// Whether it is time to ask; if so, nobody else is told so until an answer was taken or the caller gave up.
  bool begin_asking(TimePoint now);
  /// Judges what the responder said, and lets clients know if it is good. Returns what is wrong with it, or an empty text.
  std::string take(std::string_view answer, TimePoint now);
  /// There was no good answer; later there may be one.
  void give_up(TimePoint now);

  /// What clients are told; null: nothing is known that still holds.
  std::shared_ptr<const std::string> answer(TimePoint now = Clock::now()) const;

  /// All that are in use in this process.
  static std::vector<std::shared_ptr<TlsStaple>> all();

 private:
  const std::unique_ptr<const Certificate> certificate_;
  const Responder responder_;
  const TlsResponderNames names_;
  const std::string target_;
  mutable std::mutex mutex_;  // of the next
  std::shared_ptr<const std::string> answer_;
  TimePoint ends_{};
  TimePoint ask_at_ = TimePoint::min();
  unsigned failures_ = 0;  // in a row
  bool is_asking_ = false;
};

}  // namespace weir::net
