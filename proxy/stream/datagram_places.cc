#include "stream/datagram_places.h"

#include "stream/datagram_client.h"
#include "stream/session.h"

namespace weir::stream {

namespace {

constexpr std::chrono::seconds kQuiet{1};  // who was seen since then stays
constexpr int kMostLooks = 32;             // for one place

net::AddressKey key_of(const net::Endpoint& client) { return net::AddressKey(client).subscriber(); }

}  // namespace

DatagramPlaces::Outcome DatagramPlaces::take(const net::Endpoint& client, const net::AddressQuota::Limits& limits) {
  for (int tries = 0;; ++tries) {
    const Outcome outcome = quota_.take(client, limits);
    // Both limits may be reached, and another worker may take what was made free here.
    if (outcome == Outcome::Taken || tries == 2) return outcome;
    if (outcome == Outcome::FullForAll) {
      if (!make_room(all_)) return outcome;
      continue;
    }
    const auto own = by_client_.find(key_of(client));
    if (own == by_client_.end() || !make_room(own->second)) return outcome;
  }
}

void DatagramPlaces::add(DatagramClient& client) { enqueue(client); }

void DatagramPlaces::trust(DatagramClient& client) { leave_queues(client); }

void DatagramPlaces::remove(DatagramClient& client) {
  leave_queues(client);
  quota_.give_back(client.peer());
}

bool DatagramPlaces::make_room(Queue& queue) {
  const net::TimePoint latest = loop_.now() - kQuiet;
  for (int looks = 0; looks < kMostLooks && !queue.empty(); ++looks) {
    DatagramClient& oldest = *queue.front();
    // Nobody who was put there later has been quiet for longer.
    if (oldest.place_.queued_at > latest) return false;
    if (oldest.last_seen_ <= latest) {
      ++evictions_;
      oldest.session_->close_now();
      return true;
    }
    requeue(oldest);
  }
  return false;
}

void DatagramPlaces::enqueue(DatagramClient& client) {
  Queue& own = by_client_[key_of(client.peer())];
  client.place_ = {true, loop_.now(), all_.insert(all_.end(), &client), own.insert(own.end(), &client)};
}

void DatagramPlaces::requeue(DatagramClient& client) {
  Queue& own = by_client_.find(key_of(client.peer()))->second;
  all_.splice(all_.end(), all_, client.place_.in_all);
  own.splice(own.end(), own, client.place_.in_client);
  client.place_.queued_at = loop_.now();
}

void DatagramPlaces::leave_queues(DatagramClient& client) {
  if (!std::exchange(client.place_.is_queued, false)) return;
  all_.erase(client.place_.in_all);
  const auto own = by_client_.find(key_of(client.peer()));
  own->second.erase(client.place_.in_client);
  if (own->second.empty()) by_client_.erase(own);
}

}  // namespace weir::stream
