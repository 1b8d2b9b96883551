#include "source/cache_writer.h"

#include <utility>

namespace weir::discovery {
namespace {

constexpr Clock::duration kBetweenWrites = std::chrono::seconds(1);

}  // namespace

CacheWriter::CacheWriter(Executor& executor, std::shared_ptr<Executor> disk, std::string path,
                         std::function<void(const std::string& error)> on_written)
    : executor_(executor), disk_(std::move(disk)), path_(std::move(path)), on_written_(std::move(on_written)),
      timer_(executor) {}

CacheWriter::~CacheWriter() {
  if (!waiting_) return;
  disk_->post([path = path_, membership = std::move(*waiting_)] { replace_file(path, encode_cache(membership)); });
}

void CacheWriter::save(CachedMembership membership) {
  waiting_ = std::move(membership);
  if (!is_writing_ && !timer_.is_set()) write();
}

void CacheWriter::write() {
  is_writing_ = true;
  auto membership = std::make_shared<CachedMembership>(std::move(*waiting_));
  waiting_.reset();
  disk_->post([this, alive = std::weak_ptr(alive_), &executor = executor_, path = path_, membership]() mutable {
    std::string error = replace_file(path, encode_cache(*membership));
    membership.reset();
    executor.post([this, alive, error = std::move(error)] {
      if (alive.expired()) return;
      is_writing_ = false;
      timer_.set(kBetweenWrites, [this] {
        if (waiting_) write();
      });
      on_written_(error);
    });
  });
}

}  // namespace weir::discovery
