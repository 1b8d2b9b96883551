#include "testing/fake_registry.h"

#include "testing/fake_session.h"

#include <algorithm>
#include <utility>

namespace weir::discovery {

using namespace std::chrono_literals;

FakeRegistry::FakeRegistry(std::shared_ptr<Executor> executor, std::uint32_t seed)
    : executor_(std::move(executor)), random_(seed) {
  nodes_["/"] = {};
}

FakeRegistry::~FakeRegistry() = default;

SessionFactory FakeRegistry::factory() {
  return [this](const std::string&, std::chrono::milliseconds timeout) {
    return std::make_unique<FakeSession>(*this, timeout);
  };
}

std::string FakeRegistry::parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

Clock::duration FakeRegistry::latency() { return std::uniform_int_distribution<int>(200, 2000)(random_) * 1us; }

bool FakeRegistry::create(const std::string& path, std::int64_t owner, const std::string& data) {
  if (nodes_.contains(path)) return false;
  if (const std::string parent = parent_of(path); !nodes_.contains(parent)) create(parent);
  add_node(path, owner, data);
  return true;
}

void FakeRegistry::add_node(const std::string& path, std::int64_t owner, const std::string& data) {
  ++zxid_;
  const std::int64_t ctime = executor_->now().time_since_epoch() / 1ms;
  nodes_[path] = {data, {.czxid = zxid_, .mzxid = zxid_, .pzxid = zxid_, .ctime = ctime, .ephemeral_owner = owner}};
  nodes_[parent_of(path)].stat.pzxid = zxid_;
  changed(WatchKind::Node, path);
  changed(WatchKind::Children, parent_of(path));
}

bool FakeRegistry::remove(const std::string& path) {
  if (!nodes_.contains(path)) return false;
  erase_node(path);
  return true;
}

void FakeRegistry::erase_node(const std::string& path) {
  ++zxid_;
  nodes_.erase(path);
  nodes_[parent_of(path)].stat.pzxid = zxid_;
  changed(WatchKind::Node, path);
  changed(WatchKind::Children, path);
  changed(WatchKind::Children, parent_of(path));
}

void FakeRegistry::remove_tree(const std::string& path) {
  for (const std::string& child : children(path)) remove_tree(path + "/" + child);
  remove(path);
}

void FakeRegistry::smuggle(const std::string& directory, const std::string& name) {
  create(directory + "/x");
  remove(directory + "/x");
  add_node(directory + "/" + name, 0, {});
}

std::vector<std::string> FakeRegistry::children(const std::string& path) const {
  const std::string prefix = path == "/" ? path : path + "/";
  std::vector<std::string> names;
  for (auto node = nodes_.upper_bound(prefix); node != nodes_.end() && node->first.starts_with(prefix); ++node) {
    std::string name = node->first.substr(prefix.size());
    if (name.find('/') == std::string::npos) names.push_back(std::move(name));
  }
  return names;
}

std::int64_t FakeRegistry::owner_of(const std::string& path) const {
  const auto node = nodes_.find(path);
  return node == nodes_.end() ? -1 : node->second.stat.ephemeral_owner;
}

std::string FakeRegistry::data_of(const std::string& path) const {
  const auto node = nodes_.find(path);
  return node == nodes_.end() ? std::string() : node->second.data;
}

bool FakeRegistry::write(const std::string& path, const std::string& data) {
  const auto node = nodes_.find(path);
  if (node == nodes_.end()) return false;
  node->second.data = data;
  node->second.stat.mzxid = ++zxid_;
  ++node->second.stat.version;
  changed(WatchKind::Node, path);
  return true;
}

void FakeRegistry::go_down() {
  is_down_ = true;
  cut_connections();
}

void FakeRegistry::freeze(bool is_frozen) {
  is_frozen_ = is_frozen;
  if (is_frozen) return;
  for (const auto& request : std::exchange(stalled_, {})) request();
}

void FakeRegistry::come_back() { is_down_ = false; }

void FakeRegistry::cut_connections() {
  for (FakeSession* session : std::vector(sessions_)) session->lose_connection();
}

void FakeRegistry::expire(std::int64_t session) {
  live_sessions_.erase(session);
  std::vector<std::string> owned;
  for (const auto& [path, node] : nodes_) {
    if (node.stat.ephemeral_owner == session) owned.push_back(path);
  }
  for (const std::string& path : owned) erase_node(path);
  for (FakeSession* client : std::vector(sessions_)) {
    if (client->id_ == session && client->is_attached_) {
      client->is_attached_ = false;
      client->become(SessionState::Expired);
    }
  }
}

void FakeRegistry::wipe() {
  cut_connections();
  nodes_.clear();
  nodes_["/"] = {};
  live_sessions_.clear();
  zxid_ = 0;
}

void FakeRegistry::save() {
  saved_ = nodes_;
  saved_zxid_ = zxid_;
}

void FakeRegistry::restore() {
  cut_connections();
  nodes_ = saved_.value();
  zxid_ = saved_zxid_;
}

std::size_t FakeRegistry::watches() const {
  std::size_t count = 0;
  for (const FakeSession* session : sessions_) count += session->watches_.size();
  return count;
}

Code FakeRegistry::check(const Operation& operation, const Overlay& overlay) const {
  const auto is_there = [&](const std::string& path) {
    const auto changed = overlay.find(path);
    return changed != overlay.end() ? changed->second : nodes_.contains(path);
  };
  if (operation.kind != Operation::Kind::Remove) {
    if (is_there(operation.path)) return Code::NodeExists;
    return is_there(parent_of(operation.path)) ? Code::Ok : Code::NoNode;
  }
  if (!is_there(operation.path)) return Code::NoNode;
  if (operation.version >= 0 && operation.version != nodes_.at(operation.path).stat.version) return Code::BadVersion;
  const std::vector<std::string> names = children(operation.path);
  const bool has_child = std::any_of(names.begin(), names.end(), [&](const auto& name) { return is_there(operation.path + "/" + name); });
  return has_child ? Code::NotEmpty : Code::Ok;
}

// All or nothing: each step is checked against what the steps before it would have done.
Code FakeRegistry::apply(const std::vector<Operation>& operations, std::int64_t session) {
  Overlay overlay;
  for (const Operation& operation : operations) {
    if (const Code code = check(operation, overlay); code != Code::Ok) return code;
    overlay[operation.path] = operation.kind != Operation::Kind::Remove;
  }
  for (const Operation& operation : operations) {
    if (operation.kind == Operation::Kind::Remove) {
      erase_node(operation.path);
    } else {
      add_node(operation.path, operation.kind == Operation::Kind::CreateEphemeral ? session : 0, operation.data);
    }
  }
  return Code::Ok;
}

void FakeRegistry::changed(WatchKind kind, const std::string& path) {
  for (FakeSession* session : std::vector(sessions_)) {
    if (session->is_attached_) session->fire({kind, path});
  }
}

}  // namespace weir::discovery
