#include "net/tls_credential_cache.h"

namespace weir::net {

std::shared_ptr<const TlsCredential> TlsCredentialCache::get(const TlsKeyPair& pair, TimePoint now) {
  if (options_.most == 0) return std::make_shared<const TlsCredential>(load_credential(pair, passwords_));
  std::string name = pair.certificate + '\n' + pair.key;
  if (auto kept = find(name, now)) return kept;
  auto loaded = std::make_shared<const TlsCredential>(load_credential(pair, passwords_));
  // As nginx: what needs a password is not left lying about.
  if (!loaded->was_encrypted) keep({std::move(name), loaded, now, now});
  return loaded;
}

std::shared_ptr<const TlsCredential> TlsCredentialCache::find(const std::string& name, TimePoint now) {
  const std::lock_guard lock(mutex_);
  while (!recent_.empty() && now - recent_.back().used >= options_.inactive) {
    by_name_.erase(recent_.back().name);
    recent_.pop_back();
  }
  const auto known = by_name_.find(name);
  if (known == by_name_.end() || now - known->second->loaded >= options_.valid) return nullptr;
  known->second->used = now;
  recent_.splice(recent_.begin(), recent_, known->second);
  return known->second->credential;
}

void TlsCredentialCache::keep(Entry entry) {
  const std::lock_guard lock(mutex_);
  if (const auto known = by_name_.find(entry.name); known != by_name_.end()) {
    const auto old = known->second;
    by_name_.erase(known);
    recent_.erase(old);
  }
  recent_.push_front(std::move(entry));
  by_name_.emplace(recent_.front().name, recent_.begin());
  if (recent_.size() <= options_.most) return;
  by_name_.erase(recent_.back().name);
  recent_.pop_back();
}

}  // namespace weir::net
