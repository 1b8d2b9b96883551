#include "net/tls_ticket_keys.h"

#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "net/tls_error.h"
#include "net/tls_files.h"

namespace weir::net {

void TlsTicketKeys::load(std::span<const std::string> files) {
  std::vector<TlsTicketKey> loaded;
  for (const std::string& path : files) {
    const std::string bytes = read_small_file(path, 4096);
    if (bytes.size() != 48 && bytes.size() != 80)
      throw TlsConfigError("the ticket key \"" + path + "\" must be a file of 48 or 80 octets");
    TlsTicketKey key;
    key.key_bytes = bytes.size() == 48 ? 16 : 32;
    // The order of the parts is nginx's, so that its files go on working: with 48 octets the MAC's key is the second.
    const char* const first = bytes.data() + 16;
    const char* const second = first + key.key_bytes;
    std::memcpy(key.name.data(), bytes.data(), 16);
    std::memcpy(key.cipher_key.data(), key.key_bytes == 16 ? first : second, key.key_bytes);
    std::memcpy(key.mac_key.data(), key.key_bytes == 16 ? second : first, key.key_bytes);
    loaded.push_back(key);
  }
  const std::lock_guard lock(mutex_);
  keys_ = std::move(loaded);
}

std::shared_ptr<TlsTicketKeys> TlsTicketKeys::of_process(std::chrono::seconds lifetime) {
  static std::mutex mutex;
  static std::map<std::chrono::seconds, std::shared_ptr<TlsTicketKeys>> all;
  const std::lock_guard lock(mutex);
  std::shared_ptr<TlsTicketKeys>& keys = all[lifetime];
  if (!keys) keys = std::make_shared<TlsTicketKeys>(lifetime);
  return keys;
}

// With the mutex held. Sees to it that the first key is a fresh one and that none is too old.
bool TlsTicketKeys::renew(Clock::time_point now) {
  if (!lifetime_ || (!keys_.empty() && now - made_ < *lifetime_)) return !keys_.empty();
  TlsTicketKey key;
  if (RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) != 1 ||
      RAND_bytes(key.cipher_key.data(), static_cast<int>(key.cipher_key.size())) != 1 ||
      RAND_bytes(key.mac_key.data(), static_cast<int>(key.mac_key.size())) != 1)
    return !keys_.empty();
  // A ticket of the key before this one may be good for up to one more lifetime; after a longer pause none is.
  if (now - made_ >= 2 * *lifetime_) keys_.clear();
  keys_.insert(keys_.begin(), key);
  keys_.resize(std::min<std::size_t>(keys_.size(), 2));
  made_ = now;
  return true;
}

std::optional<TlsTicketKey> TlsTicketKeys::newest(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (!renew(now)) return std::nullopt;
  return keys_.front();
}

std::optional<TlsTicketKeys::Found> TlsTicketKeys::find(std::span<const unsigned char, 16> name,
                                                        Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  renew(now);
  for (const TlsTicketKey& key : keys_)
    if (std::memcmp(key.name.data(), name.data(), name.size()) == 0) return Found{key, &key == &keys_.front()};
  return std::nullopt;
}

}  // namespace weir::net
