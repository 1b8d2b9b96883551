#include "zookeeper_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "wait.h"

namespace weir::test {
namespace {

constexpr milliseconds kStartPatience{60'000};  // a JVM under a loaded machine

// slf4j-simple: without it the server writes no log at all. The main jar's manifest names the rest.
constexpr const char* kJars[] = {"/usr/share/java/zookeeper.jar", "/usr/share/java/slf4j-simple.jar"};
constexpr const char* kStandalone = "org.apache.zookeeper.server.ZooKeeperServerMain";
constexpr const char* kQuorumPeer = "org.apache.zookeeper.server.quorum.QuorumPeerMain";

std::string find_java() {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string program = folder + "/java";
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  throw std::runtime_error("no java in PATH (apt-get install default-jre-headless)");
}

// Small and quick to start; figures in the README of discovery/.
std::vector<std::string> command(const std::string& main_class, const std::string& config_file) {
  return {find_java(), "-Xms32m", "-Xmx96m", "-Xss256k", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
          "-XX:CICompilerCount=1", "-Djava.net.preferIPv4Stack=true", "-Dzookeeper.jmx.log4j.disable=true",
          "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp",
          std::string(kJars[0]) + ":" + kJars[1], main_class, config_file};
}

std::string common_config(const std::filesystem::path& dir, const std::string& ip, std::uint16_t port) {
  return "tickTime=200\n"
         "dataDir=" + (dir / "data").string() + "\n"
         "clientPortAddress=" + ip + "\n"
         "clientPort=" + std::to_string(port) + "\n"
         "admin.enableServer=false\n"
         "4lw.commands.whitelist=*\n"
         "maxClientCnxns=0\n"
         "minSessionTimeout=400\n"
         "maxSessionTimeout=60000\n";
}

void write_text(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

}  // namespace

ZooKeeperServer::ZooKeeperServer()
    : own_dir_(std::make_unique<TempDir>("zookeeper")),
      own_port_(std::make_unique<Port>()),
      dir_(own_dir_->path()),
      address_(own_port_->address()),
      main_class_(kStandalone),
      config_file_(dir_ / "zoo.cfg") {
  write_text(config_file_, common_config(dir_, "127.0.0.1", own_port_->number()));
  start();
}

ZooKeeperServer::ZooKeeperServer(std::filesystem::path dir, std::string address, const char* main_class,
                                 const std::string& config)
    : dir_(std::move(dir)), address_(std::move(address)), main_class_(main_class), config_file_(dir_ / "zoo.cfg") {
  write_text(config_file_, config);
}

ZooKeeperServer::~ZooKeeperServer() = default;

void ZooKeeperServer::launch() {
  for (const char* jar : kJars) {
    if (!std::filesystem::exists(jar)) throw std::runtime_error(std::string("missing ") + jar + " (apt-get install zookeeper)");
  }
  std::filesystem::create_directories(dir_ / "data");
  process_ = ChildProcess(command(main_class_, config_file_), dir_ / "log", environment_);
}

void ZooKeeperServer::start() {
  launch();
  wait_until_serving();
}

void ZooKeeperServer::stop() {
  process_.signal(SIGTERM);
  if (!process_.wait()) process_.kill();
}

void ZooKeeperServer::kill() { process_.kill(); }
void ZooKeeperServer::freeze() { process_.signal(SIGSTOP); }
void ZooKeeperServer::thaw() { process_.signal(SIGCONT); }

void ZooKeeperServer::wipe() {
  const std::filesystem::path id = dir_ / "data" / "myid";
  const std::string my_id = read_file(id);
  std::filesystem::remove_all(dir_ / "data");
  if (!my_id.empty()) write_text(id, my_id);
}

void ZooKeeperServer::save_data() {
  std::filesystem::remove_all(dir_ / "saved");
  std::filesystem::copy(dir_ / "data", dir_ / "saved", std::filesystem::copy_options::recursive);
}

void ZooKeeperServer::restore_data() {
  std::filesystem::remove_all(dir_ / "data");
  std::filesystem::copy(dir_ / "saved", dir_ / "data", std::filesystem::copy_options::recursive);
}

std::string ZooKeeperServer::mode() const {
  const std::string answer = ask("srvr");
  const auto begin = answer.find("Mode: ");
  if (begin == std::string::npos) return {};
  return answer.substr(begin + 6, answer.find('\n', begin) - begin - 6);
}

void ZooKeeperServer::wait_until_serving() const {
  if (wait_until([this] { return !mode().empty(); }, kStartPatience)) return;
  throw std::runtime_error("ZooKeeper at " + address_ + " does not serve; its log:\n" + read_file(dir_ / "log"));
}

std::string ZooKeeperServer::ask(const std::string& word) const {
  const auto colon = address_.find(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoul(address_.substr(colon + 1))));
  inet_pton(AF_INET, address_.substr(0, colon).c_str(), &to.sin_addr);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};
  std::string answer;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
      ::send(fd, word.data(), word.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(word.size())) {
    char buffer[4096];
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    ssize_t got = 0;
    while (::poll(&readable, 1, 1000) == 1 && (got = ::recv(fd, buffer, sizeof buffer, 0)) > 0) {
      answer.append(buffer, static_cast<std::size_t>(got));
    }
  }
  ::close(fd);
  return answer;
}

ZooKeeperEnsemble::ZooKeeperEnsemble() {
  const auto ip = [](std::size_t index) { return "127.0.0." + std::to_string(index + 1); };
  std::string members = "initLimit=10\nsyncLimit=5\n";
  for (std::size_t i = 0; i < kSize; ++i) {
    members += "server." + std::to_string(i + 1) + "=" + ip(i) + ":" + std::to_string(quorum_port_.number()) + ":" +
               std::to_string(election_port_.number()) + "\n";
  }
  for (std::size_t i = 0; i < kSize; ++i) {
    const std::filesystem::path dir = dir_.path() / std::to_string(i + 1);
    write_text(dir / "data" / "myid", std::to_string(i + 1) + "\n");
    servers_.push_back(std::make_unique<ZooKeeperServer>(
        dir, ip(i) + ":" + std::to_string(client_port_.number()), kQuorumPeer,
        common_config(dir, ip(i), client_port_.number()) + members));
    servers_.back()->launch();
  }
  for (const auto& server : servers_) server->wait_until_serving();
}

std::vector<std::string> ZooKeeperEnsemble::addresses() const {
  std::vector<std::string> result;
  for (const auto& server : servers_) result.push_back(server->address());
  return result;
}

std::size_t ZooKeeperEnsemble::leader() const {
  std::optional<std::size_t> found;
  wait_until(
      [&] {
        for (std::size_t i = 0; i < servers_.size() && !found; ++i) {
          if (servers_[i]->mode() == "leader") found = i;
        }
        return found.has_value();
      },
      kStartPatience);
  if (!found) throw std::runtime_error("the ZooKeeper ensemble has no leader");
  return *found;
}

}  // namespace weir::test
