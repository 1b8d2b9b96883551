// TlsKeeper: a context that follows its files.
//
// What was loaded stays in force until `refresh`, on one thread, finds that a file changed and loads everything anew:
// then it is replaced as a whole, or kept if anything is wrong. Thread-safe but for `refresh`.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace weir::net {

class FileStamps;

class TlsKeeper {
 public:
  /// When the first of the certificates ends, and whose it is.
  struct Ending {
    std::chrono::system_clock::time_point when;
    std::string subject;
  };
  struct Content {
    ssl_ctx_st* context = nullptr;
    std::optional<Ending> ending;
    std::vector<std::string> remarks{};  // for the user: what works less well than it was meant to
  };
  /// What became of changed files. `error`: empty if they are in force.
  struct Refresh {
    std::string files;
    std::string error;
    std::optional<Ending> ending;  // of what is in force now
  };

  /// Calls `load` at once and whenever `files` change; it throws TlsConfigError. It may outlive whoever made it.
  static std::shared_ptr<TlsKeeper> make(std::vector<std::string> files, std::function<Content()> load);
  TlsKeeper(const TlsKeeper&) = delete;
  ~TlsKeeper();

  /// A reference of the caller's own: SSL_CTX_free it.
  ssl_ctx_st* context() const;
  /// Whether that is the context in force. Waits for nobody.
  bool has(const ssl_ctx_st* context) const { return newest_.load(std::memory_order_relaxed) == context; }
  std::optional<Ending> ending() const;
  std::vector<std::string> remarks() const;

  /// Nothing: no file has changed, or it is not clear yet. A pair may be half written, so files are read once they have
  /// rested from one call to the next.
  std::optional<Refresh> refresh();
  /// As refresh, without waiting for rest.
  std::optional<Refresh> refresh_now();

  /// All that are in use in this process.
  static std::vector<std::shared_ptr<TlsKeeper>> all();

 private:
  TlsKeeper(std::vector<std::string> files, std::function<Content()> load);
  Refresh reload();

  const std::vector<std::string> files_;
  const std::function<Content()> load_;
  std::unique_ptr<FileStamps> stamps_;
  bool pending_ = false;
  mutable std::mutex mutex_;  // of the next: held for as long as it takes to count a reference
  Content content_;
  std::atomic<const ssl_ctx_st*> newest_;  // its context
};

}  // namespace weir::net
