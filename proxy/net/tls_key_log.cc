#include "net/tls_key_log.h"

#include <fcntl.h>
#include <openssl/ssl.h>

#include <cerrno>

#include "log/log_file.h"
#include "net/living.h"

namespace weir::net {
namespace {

Living<TlsKeyLog>& key_logs() {
  static Living<TlsKeyLog> all;
  return all;
}

// A context can outlive its server (connections hold it), so it has a share for itself.
using Share = std::shared_ptr<TlsKeyLog>;

void free_share(void*, void* share, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Share*>(share); }

int share_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_share);
  return index;
}

void on_key(const SSL* ssl, const char* line) {
  if (const auto* const share = static_cast<const Share*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), share_index())))
    (*share)->write(line);
}

}  // namespace

std::shared_ptr<TlsKeyLog> TlsKeyLog::of(const std::string& path) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  for (auto& known : key_logs().all())
    if (known->path() == path) return known;
  auto made = std::make_shared<TlsKeyLog>(path);
  key_logs().add(made);
  return made;
}

std::vector<std::shared_ptr<TlsKeyLog>> TlsKeyLog::all() { return key_logs().all(); }

TlsKeyLog::~TlsKeyLog() = default;

int TlsKeyLog::open() {
  const std::lock_guard lock(mutex_);
  if (file_) return 0;
  const int fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  file_ = std::make_shared<log::LogFile>(path_, fd);
  return 0;
}

int TlsKeyLog::reopen() {
  const std::lock_guard lock(mutex_);
  return file_ ? file_->reopen() : 0;
}

void TlsKeyLog::write(std::string_view line) {
  std::string whole(line);
  whole += '\n';
  const std::lock_guard lock(mutex_);
  if (file_) file_->write(whole);
}

void TlsKeyLog::use(SSL_CTX* context, const std::shared_ptr<TlsKeyLog>& log) {
  SSL_CTX_set_ex_data(context, share_index(), new Share(log));
  SSL_CTX_set_keylog_callback(context, on_key);
}

}  // namespace weir::net
