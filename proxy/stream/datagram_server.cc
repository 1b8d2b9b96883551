#include "stream/datagram_server.h"

#include <algorithm>
#include <vector>

#include "stream/core_conf.h"
#include "stream/session.h"

namespace weir::stream {

namespace {

constexpr std::chrono::seconds kComplaints{1};

bool is_any_address(const net::Endpoint& endpoint) {
  if (endpoint.family() == AF_INET)
    return reinterpret_cast<const sockaddr_in*>(endpoint.raw())->sin_addr.s_addr == htonl(INADDR_ANY);
  return endpoint.family() == AF_INET6 &&
         IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6*>(endpoint.raw())->sin6_addr);
}

}  // namespace

DatagramServer::DatagramServer(SessionHost& host, int fd, const ListenAddress& listen, DatagramPlaces& places)
    : host_(host),
      fd_(fd),
      listen_(&listen),
      places_(places),
      address_(net::Endpoint::local_of(fd)),
      is_wildcard_(is_any_address(address_)),
      sender_(host.worker.loop.buffers(), fd) {
  if (is_wildcard_) net::ask_destination(fd_, address_.family());
  host_.worker.loop.readiness().add(fd_, net::ReadinessSet::kLevelIn, *this, slot_);
}

DatagramServer::~DatagramServer() {
  host_.worker.loop.readiness().remove(fd_, slot_);
  sender_.flush();
  for (DatagramClient* const client : std::vector<DatagramClient*>(clients_.begin(), clients_.end())) client->leave();
}

void DatagramServer::on_ready(std::uint32_t) {
  net::DatagramBatch batch(host_.worker.loop.buffers());
  // On a socket without a peer an error is one of the system's, which has passed with this call.
  if (batch.receive(fd_, true)) return;
  for (const net::Datagram& datagram : batch.datagrams()) {
    const net::FlowKey key{net::AddressKey(datagram.from), is_wildcard_ ? net::AddressKey(datagram.to) : net::AddressKey()};
    if (const auto known = bound_.find(key); known != bound_.end())
      known->second->arrive(datagram.octets);
    else
      begin(key, datagram);
  }
}

void DatagramServer::begin(const net::FlowKey& key, const net::Datagram& first) {
  const auto outcome = places_.take(first.from, *host_.runtime->config().settings.get<CoreConf>().udp_max_sessions);
  unsaid_evictions_ += places_.take_evictions();
  if (outcome != DatagramPlaces::Outcome::Taken) return refuse(outcome, first.from);
  if (unsaid_evictions_ != 0) tell_of_evictions();
  net::Endpoint own = address_;
  if (is_wildcard_ && !first.to.is_empty()) {
    own = first.to;
    own.set_port(address_.port());
  }
  auto client = std::make_unique<DatagramClient>(*this, key, first.from, own);
  bound_.emplace(key, client.get());
  clients_.insert(client.get());
  places_.add(*client);
  client->arrive(first.octets);
  net::spawn(Session::run(host_, std::move(client), *listen_));
}

bool DatagramServer::may_complain() {
  const net::TimePoint now = host_.worker.loop.now();
  if (last_complaint_ != net::TimePoint::min() && now - last_complaint_ < kComplaints) return false;
  last_complaint_ = now;
  return true;
}

void DatagramServer::tell_of_evictions() {
  if (!may_complain()) return;
  log::warn(host_.runtime->error_log(),
            "{} UDP sessions on {} made room for new ones (limit: udp_max_sessions): their clients had not gone on after an answer",
            std::exchange(unsaid_evictions_, 0), listen_->text);
}

void DatagramServer::refuse(DatagramPlaces::Outcome why, const net::Endpoint& client) {
  ++unsaid_;
  if (!may_complain()) return;
  const bool is_his = why == DatagramPlaces::Outcome::FullForClient;
  log::warn(host_.runtime->error_log(),
            "{} datagrams on {} dropped: too many UDP sessions{} (limit: udp_max_sessions), the last from {}",
            std::exchange(unsaid_, 0), listen_->text, is_his ? " of one client" : "", client.to_string());
}

void DatagramServer::end_turn() {
  sender_.flush();
  const net::DatagramSender::Losses losses = sender_.take_losses();
  if (losses.count == 0) return;
  unsaid_ += losses.count;
  if (may_complain())
    log::info(host_.runtime->error_log(), "{} datagrams from {} dropped: sendmmsg() failed ({})",
              std::exchange(unsaid_, 0), listen_->text, losses.reason.message());
}

void DatagramServer::send(const DatagramClient& client, std::string_view octets) {
  sender_.add(octets, client.peer(), is_wildcard_ ? client.own() : net::Endpoint());
}

void DatagramServer::unbind(const DatagramClient& client) { bound_.erase(client.key_); }

void DatagramServer::forget(DatagramClient& client) { clients_.erase(&client); }

void DatagramServers::follow(const std::vector<Wanted>& wanted) {
  std::vector<std::unique_ptr<DatagramServer>> servers;
  for (const auto& [fd, listen] : wanted) {
    const auto same = std::find_if(servers_.begin(), servers_.end(),
                                   [fd = fd](const auto& server) { return server && server->fd() == fd; });
    if (same == servers_.end()) {
      servers.push_back(std::make_unique<DatagramServer>(host_, fd, *listen, places_));
      continue;
    }
    (*same)->follow(*listen);
    servers.push_back(std::move(*same));
  }
  servers_ = std::move(servers);
}

}  // namespace weir::stream
