// Certificates and keys whose names vary, kept for a while once they were loaded. Private to this folder's TLS parts.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "net/tls_files.h"
#include "net/timers.h"

namespace weir::net {

/// The pair that was used least lately gives way. Thread-safe; files are read without holding up others.
class TlsCredentialCache {
 public:
  explicit TlsCredentialCache(const TlsOptions& options) : options_(options.credential_cache), passwords_(options.passwords) {}
  TlsCredentialCache(const TlsCredentialCache&) = delete;

  /// The pair, loaded unless it is kept. Throws TlsConfigError.
  std::shared_ptr<const TlsCredential> get(const TlsKeyPair& pair, TimePoint now = Clock::now());

 private:
  struct Entry {
    std::string name;
    std::shared_ptr<const TlsCredential> credential;
    TimePoint loaded, used;
  };
  std::shared_ptr<const TlsCredential> find(const std::string& name, TimePoint now);
  void keep(Entry entry);

  const TlsCredentialCacheOptions options_;
  const std::vector<std::string> passwords_;
  std::mutex mutex_;
  std::list<Entry> recent_;  // the latest first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_name_;  // keys: the entries' own
};

}  // namespace weir::net
