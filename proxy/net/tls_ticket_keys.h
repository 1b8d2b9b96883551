// The keys that session tickets are encrypted with.
//
// From files the first encrypts, all decrypt. Without files Weir makes one, and a new one each time the sessions' lifetime
// has passed; the one before still decrypts. Thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weir::net {

struct TlsTicketKey {
  std::array<unsigned char, 16> name{};
  std::array<unsigned char, 32> cipher_key{}, mac_key{};
  std::size_t key_bytes = 32;  // of both: 16 (AES-128) or 32 (AES-256)
};

class TlsTicketKeys {
 public:
  using Clock = std::chrono::steady_clock;

  /// None, until `load`.
  TlsTicketKeys() = default;
  /// Instead of what there is, keys from files of 48 or 80 octets. Throws TlsConfigError; then nothing has changed.
  void load(std::span<const std::string> files);
  /// Keys that Weir makes itself; `lifetime`: of the sessions.
  explicit TlsTicketKeys(std::chrono::seconds lifetime) : lifetime_(lifetime) {}
  /// The process's own keys for sessions of this lifetime; they outlive reloads.
  static std::shared_ptr<TlsTicketKeys> of_process(std::chrono::seconds lifetime);

  /// The key for new tickets; nothing if the system has no randomness.
  std::optional<TlsTicketKey> newest(Clock::time_point now = Clock::now());

  struct Found {
    TlsTicketKey key;
    bool is_newest;  // if not, the ticket should be replaced
  };
  /// The key of this name, unless it is too old.
  std::optional<Found> find(std::span<const unsigned char, 16> name, Clock::time_point now = Clock::now());

 private:
  bool renew(Clock::time_point now);

  std::mutex mutex_;
  std::vector<TlsTicketKey> keys_;  // the newest first
  std::optional<std::chrono::seconds> lifetime_;
  Clock::time_point made_{};
};

}  // namespace weir::net
