#include "net/tls_keeper.h"

#include <openssl/ssl.h>

#include <algorithm>

#include "net/living.h"
#include "net/tls_context.h"

namespace weir::net {
namespace {

Living<TlsKeeper>& keepers() {
  static Living<TlsKeeper> all;
  return all;
}

}  // namespace

// The stamps are taken before the content: a change in between is seen as one later.
TlsKeeper::TlsKeeper(std::vector<std::string> files, std::function<Content()> load)
    : files_(std::move(files)), load_(std::move(load)), stamps_(std::make_unique<FileStamps>(files_)), content_(load_()),
      newest_(content_.context) {}

TlsKeeper::~TlsKeeper() { SSL_CTX_free(content_.context); }

std::shared_ptr<TlsKeeper> TlsKeeper::make(std::vector<std::string> files, std::function<Content()> load) {
  std::shared_ptr<TlsKeeper> keeper(new TlsKeeper(std::move(files), std::move(load)));
  keepers().add(keeper);
  return keeper;
}

std::vector<std::shared_ptr<TlsKeeper>> TlsKeeper::all() { return keepers().all(); }

SSL_CTX* TlsKeeper::context() const {
  const std::lock_guard lock(mutex_);
  SSL_CTX_up_ref(content_.context);
  return content_.context;
}

std::optional<TlsKeeper::Ending> TlsKeeper::ending() const {
  const std::lock_guard lock(mutex_);
  return content_.ending;
}

std::vector<std::string> TlsKeeper::remarks() const {
  const std::lock_guard lock(mutex_);
  return content_.remarks;
}

std::optional<TlsKeeper::Refresh> TlsKeeper::refresh() {
  if (stamps_->changed()) {
    pending_ = true;
    return std::nullopt;
  }
  if (!pending_) return std::nullopt;
  return reload();
}

std::optional<TlsKeeper::Refresh> TlsKeeper::refresh_now() {
  if (!stamps_->changed() && !pending_) return std::nullopt;
  return reload();
}

TlsKeeper::Refresh TlsKeeper::reload() {
  pending_ = false;
  Refresh result;
  for (const std::string& file : files_) result.files += (result.files.empty() ? "" : ", ") + file;
  try {
    Content fresh = load_();
    const std::lock_guard lock(mutex_);
    std::swap(fresh, content_);
    newest_.store(content_.context, std::memory_order_relaxed);
    SSL_CTX_free(fresh.context);
  } catch (const TlsConfigError& error) {
    result.error = error.what();
  }
  result.ending = ending();
  return result;
}

}  // namespace weir::net
