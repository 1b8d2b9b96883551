#include "stream/datagram_client.h"

#include "stream/datagram_server.h"

namespace weir::stream {

DatagramClient::~DatagramClient() {
  end();
  if (server_) server_->forget(*this);
}

void DatagramClient::send(std::string_view octets) {
  if (is_gone()) return;
  was_answered_ = true;
  last_seen_ = server_->now();
  server_->send(*this, octets);
}

void DatagramClient::pop() {
  octets_waiting_ -= waiting_.front().size();
  waiting_.erase(waiting_.begin());
  if (waiting_.empty()) waiting_ = {};
}

void DatagramClient::make_room() {
  if (server_) server_->places().make_room();
}

bool DatagramClient::may_complain() { return server_ && server_->may_complain(); }

void DatagramClient::unbind() {
  if (!is_bound_ || !server_) return;
  is_bound_ = false;
  server_->unbind(*this);
}

void DatagramClient::end() {
  if (is_gone()) return;
  unbind();
  is_ended_ = true;
  server_->places().remove(*this);
  if (receiver_) receiver_->on_gone();
}

void DatagramClient::arrive(std::string_view octets) {
  last_seen_ = server_->now();
  if (was_answered_) server_->places().trust(*this);
  if (receiver_ && waiting_.empty() && receiver_->on_datagram(octets)) return;
  if (waiting_.size() == kMostWaiting || octets_waiting_ + octets.size() > kMostOctetsWaiting) {
    ++dropped_;
    return;
  }
  waiting_.emplace_back(octets);
  octets_waiting_ += octets.size();
}

void DatagramClient::leave() {
  end();
  server_ = nullptr;
}

}  // namespace weir::stream
