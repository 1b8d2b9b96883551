#include "zookeeper_nodes.h"

#include <zookeeper/zookeeper.h>

#include <algorithm>
#include <stdexcept>

namespace weir::test {
namespace {

void check(int code, const std::string& what) {
  if (code != ZOK) throw std::runtime_error("zookeeper: " + what + ": " + zerror(code));
}

void ignore(zhandle_t*, int, int, const char*, void*) {}

int flags(bool ephemeral) {
  return ephemeral ? ZOO_EPHEMERAL : 0;
}

}  // namespace

ZooKeeperNodes::ZooKeeperNodes(const std::string& servers, milliseconds session_timeout) {
  zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
  handle_ = zookeeper_init(servers.c_str(), ignore, static_cast<int>(session_timeout.count()), nullptr, nullptr, 0);
  if (handle_ && wait_until([this] { return zoo_state(handle_) == ZOO_CONNECTED_STATE; })) return;
  if (handle_) zookeeper_close(handle_);
  throw std::runtime_error("zookeeper: no session with " + servers);
}

ZooKeeperNodes::~ZooKeeperNodes() {
  zookeeper_close(handle_);
}

void ZooKeeperNodes::create(const std::string& path, const std::string& data, bool ephemeral) {
  for (auto slash = path.find('/', 1); slash != path.npos; slash = path.find('/', slash + 1)) {
    const int code = zoo_create(handle_, path.substr(0, slash).c_str(), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0);
    if (code != ZNODEEXISTS) check(code, "create " + path.substr(0, slash));
  }
  check(zoo_create(handle_, path.c_str(), data.data(), static_cast<int>(data.size()), &ZOO_OPEN_ACL_UNSAFE,
                   flags(ephemeral), nullptr, 0),
        "create " + path);
}

void ZooKeeperNodes::remove(const std::string& path) {
  check(zoo_delete(handle_, path.c_str(), -1), "remove " + path);
}

void ZooKeeperNodes::rename(const std::string& from, const std::string& to, bool ephemeral) {
  zoo_op_t operations[2];
  zoo_op_result_t results[2];
  zoo_delete_op_init(&operations[0], from.c_str(), -1);
  zoo_create_op_init(&operations[1], to.c_str(), "", 0, &ZOO_OPEN_ACL_UNSAFE, flags(ephemeral), nullptr, 0);
  check(zoo_multi(handle_, 2, operations, results), "rename " + from + " to " + to);
}

template <class Init>
void ZooKeeperNodes::in_steps(const std::vector<std::string>& paths, Init init) {
  for (std::size_t begin = 0; begin < paths.size(); begin += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, paths.size() - begin);
    std::vector<zoo_op_t> operations(count);
    std::vector<zoo_op_result_t> results(count);
    for (std::size_t i = 0; i < count; ++i) init(&operations[i], paths[begin + i].c_str());
    check(zoo_multi(handle_, static_cast<int>(count), operations.data(), results.data()), "change " + paths[begin] + " and more");
  }
}

void ZooKeeperNodes::create_ephemerals(const std::vector<std::string>& paths) {
  in_steps(paths, [](zoo_op_t* operation, const char* path) {
    zoo_create_op_init(operation, path, "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, nullptr, 0);
  });
}

void ZooKeeperNodes::remove_all(const std::vector<std::string>& paths) {
  in_steps(paths, [](zoo_op_t* operation, const char* path) { zoo_delete_op_init(operation, path, -1); });
}

std::vector<std::string> ZooKeeperNodes::children(const std::string& path) {
  String_vector found{};
  const int code = zoo_get_children(handle_, path.c_str(), 0, &found);
  if (code == ZNONODE) return {};
  check(code, "children of " + path);
  std::vector<std::string> names(found.data, found.data + found.count);
  deallocate_String_vector(&found);
  return names;
}

}  // namespace weir::test
