#include "session/zookeeper_client.h"

#include <weir/discovery/zookeeper_clients.h>

#include "session/c_client.h"

#include <thread>
#include <utility>

namespace weir::discovery {

std::shared_ptr<ZooKeeperClient> ZooKeeperClient::make(std::vector<ServerAddress> servers,
                                                       std::chrono::milliseconds session_timeout, LogFunction log,
                                                       ZooKeeperAuth auth) {
  const auto destroy = [](ZooKeeperClient* client) {
    // A thread cannot join itself.
    if (client->executor_->is_current()) {
      std::thread([client] { delete client; }).detach();
    } else {
      delete client;
    }
  };
  std::shared_ptr<ZooKeeperClient> client(new ZooKeeperClient, destroy);
  client->executor_ = std::make_shared<ThreadExecutor>("weir-zookeeper");
  client->executor_->run([&] {
    const auto factory = [executor = client->executor_, auth = std::move(auth)](const std::string& literals,
                                                                                std::chrono::milliseconds timeout) {
      return std::make_unique<CClient>(executor, literals, timeout, auth);
    };
    client->ensemble_ = std::make_unique<Ensemble>(
        client->executor_, Ensemble::Settings{.servers = std::move(servers), .session_timeout = session_timeout}, factory,
        std::move(log));
  });
  return client;
}

ZooKeeperClient::~ZooKeeperClient() {
  executor_->run([this] { ensemble_.reset(); });
  executor_->stop();
  if (disk_) disk_->stop();
}

std::shared_ptr<Executor> ZooKeeperClient::disk() {
  if (!disk_) disk_ = std::make_shared<ThreadExecutor>("weir-zk-disk");
  return disk_;
}

void ZooKeeperClient::run(const std::function<void(Ensemble&)>& task) {
  executor_->run([&] { task(*ensemble_); });
}

std::shared_ptr<ZooKeeperClient> ZooKeeperClients::get(const std::vector<std::string>& servers,
                                                       std::chrono::milliseconds session_timeout,
                                                       const LogFunction& log, const ZooKeeperAuth& auth) {
  std::vector<ServerAddress> addresses = parse_servers(servers);
  const std::lock_guard lock(mutex_);
  std::erase_if(clients_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<ZooKeeperClient>& known = clients_[{to_string(addresses), auth.scheme, auth.secret}];
  auto client = known.lock();
  if (client == nullptr) known = client = ZooKeeperClient::make(std::move(addresses), session_timeout, log, auth);
  return client;
}

std::shared_ptr<ZooKeeperClients> ZooKeeperClients::of_process() {
  // Never destroyed before the last user of it is, whatever the order of static objects.
  static auto* const clients = new std::shared_ptr<ZooKeeperClients>(std::make_shared<ZooKeeperClients>());
  return *clients;
}

}  // namespace weir::discovery
