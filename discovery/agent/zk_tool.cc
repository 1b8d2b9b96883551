#include <weir/discovery/zk_tool.h>

#include "agent/arguments.h"
#include "member/native_name.h"
#include "session/c_client.h"
#include "session/zookeeper_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

constexpr int kDone = 0, kRefused = 1, kNoAnswer = 2;
constexpr auto kBetweenLooks = 20ms;

/// Thrown when the ensemble has not answered in time.
struct NoAnswer {};

// Questions to the ensemble, one at a time, each waited for; all of them together within one deadline.
class Dialogue {
 public:
  explicit Dialogue(const ZkToolOptions& options)
      : deadline_(Clock::now() + options.timeout),
        client_(ZooKeeperClient::make(parse_servers(options.servers), options.timeout, {})) {}
  ~Dialogue() {
    client_.reset();
    CClient::wait_until_closed(1s);
  }

  Listing list(const std::string& path) {
    return ask<Listing>([path](Session& session, auto done) { session.list(path, {}, std::move(done)); });
  }
  Existence exists(const std::string& path) {
    return ask<Existence>([path](Session& session, auto done) { session.exists(path, {}, std::move(done)); });
  }
  Code set(const std::string& path, const std::string& data, std::int32_t version) {
    return ask<Code>([=](Session& session, auto done) { session.set(path, data, version, std::move(done)); });
  }
  Code rename(const std::string& from, const std::string& to) {
    return ask<Code>([=](Session& session, auto done) {
      session.multi({Operation::remove(from), Operation::create(to)}, std::move(done));
    });
  }
  void pause() {
    if (Clock::now() + kBetweenLooks > deadline_) throw NoAnswer{};
    std::this_thread::sleep_for(kBetweenLooks);
  }

 private:
  template <class Result>
  struct Answer {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<Result> result;
  };

  template <class Result>
  Result ask(const std::function<void(Session&, Session::Done<Result>)>& question) {
    const auto answer = std::make_shared<Answer<Result>>();
    bool is_asked = false;
    while (!is_asked) {
      client_->run([&](Ensemble& ensemble) {
        if (ensemble.session() == nullptr) return;
        is_asked = true;
        question(*ensemble.session(), [answer](Result result) {
          const std::lock_guard lock(answer->mutex);
          answer->result = std::move(result);
          answer->came.notify_one();
        });
      });
      if (!is_asked) pause();
    }
    std::unique_lock lock(answer->mutex);
    if (!answer->came.wait_until(lock, deadline_, [&] { return answer->result.has_value(); })) throw NoAnswer{};
    return std::move(*answer->result);
  }

  const TimePoint deadline_;
  std::shared_ptr<ZooKeeperClient> client_;
};

struct Child {
  std::string name;
  NativeName meaning;
};

// The children of `directory` for `address`; all there are if it is empty.
std::vector<Child> children_for(Dialogue& dialogue, const std::string& directory, const std::string& address) {
  std::vector<Child> children;
  for (std::string& name : dialogue.list(directory).names) {
    DecodedName decoded = decode_name(name);
    if (decoded.name && decoded.name->address == address) children.push_back({std::move(name), std::move(*decoded.name)});
  }
  return children;
}

void print_directory(Dialogue& dialogue, const std::string& path, const char* kind) {
  std::vector<std::string> names = dialogue.list(path).names;
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const DecodedName decoded = decode_name(name);
    if (!decoded.name) {
      fmt::print("{:<8} {} (ignored: {})\n", kind, printable(name), to_string(decoded.error));
      continue;
    }
    const NativeName& member = *decoded.name;
    const char* const state = member.state == NativeName::State::Draining || member.weight == 0u ? " drain"
                              : member.state == NativeName::State::Starting                      ? " starting"
                                                                                                 : "";
    fmt::print("{:<8} {:<24} weight {}{}{}\n", kind, member.address, member.weight.value_or(100),
               member.tier > 0 ? " backup" : "", state);
  }
}

int list(Dialogue& dialogue, const ZkToolOptions& options) {
  const bool has_members = dialogue.exists(options.path + "/members").code == Code::Ok;
  const bool has_static = dialogue.exists(options.path + "/static").code == Code::Ok;
  if (!has_members && !has_static) {
    fmt::print(stderr, "weir zk: there is nothing under {}\n", options.path);
    return kRefused;
  }
  print_directory(dialogue, options.path + "/members", "member");
  print_directory(dialogue, options.path + "/static", "static");
  return kDone;
}

int report(Code code, const ZkToolOptions& options) {
  if (code == Code::Ok) {
    fmt::print("{} now has weight {}\n", options.address, options.weight);
    return kDone;
  }
  fmt::print(stderr, "weir zk: {}: {}\n", options.address, to_string(code));
  return kRefused;
}

std::string with_weight(const Child& child, std::uint32_t weight) {
  NativeName name = child.meaning;
  name.weight = weight;
  return encode_name(name);
}

int set_weight(Dialogue& dialogue, const ZkToolOptions& options) {
  const std::string fixed = options.path + "/static", members = options.path + "/members";
  const std::vector<Child> by_hand = children_for(dialogue, fixed, options.address);
  const std::vector<Child> by_agent = children_for(dialogue, members, options.address);
  if (by_agent.empty() && by_hand.empty()) {
    fmt::print(stderr, "weir zk: {} is no member of {}\n", options.address, options.path);
    return kRefused;
  }
  Code code = Code::Ok;
  for (const Child& child : by_hand) {
    if (child.meaning.weight == options.weight) continue;
    const Code renamed = dialogue.rename(fixed + "/" + child.name, fixed + "/" + with_weight(child, options.weight));
    if (renamed != Code::Ok) code = renamed;
  }
  for (const Child& child : by_agent) {
    const Code written = dialogue.set(members + "/" + child.name, fmt::format("w={}", options.weight), -1);
    if (written != Code::Ok && written != Code::NoNode) code = written;
  }
  if (code != Code::Ok) return report(code, options);
  const auto follows = [&](const Child& child) { return child.meaning.weight == options.weight; };
  for (;;) {
    const std::vector<Child> now = children_for(dialogue, members, options.address);
    if (std::all_of(now.begin(), now.end(), follows)) return report(Code::Ok, options);
    try {
      dialogue.pause();
    } catch (const NoAnswer&) {
      fmt::print(stderr, "weir zk: whoever registered {} does not follow the wish\n", options.address);
      return kRefused;
    }
  }
}

void apply(std::string_view option, Arguments& arguments, ZkToolOptions& options) {
  if (option == "--zk") options.servers = servers_argument(arguments.value());
  else if (option == "--path") options.path = path_argument(arguments.value());
  else if (option == "--address") options.address = address_argument(arguments.value());
  else if (option == "--weight") options.weight = weight_argument(arguments.value());
  else if (option == "--timeout") options.timeout = time_argument(arguments.value());
  else if (option == "--help" || option == "-h") options.help = true;
  else throw std::invalid_argument("unknown option \"" + std::string(option) + "\"");
  arguments.no_value();
}

}  // namespace

bool parse_zk_tool_arguments(std::span<char*> args, ZkToolOptions& options, std::string& error) {
  try {
    Arguments arguments(args);
    bool has_command = false, has_weight = false;
    while (const auto argument = arguments.next()) {
      if (argument->starts_with("-")) {
        apply(*argument, arguments, options);
        has_weight = has_weight || *argument == "--weight";
      } else if (!std::exchange(has_command, true) && (*argument == "ls" || *argument == "set-weight")) {
        options.command = *argument == "ls" ? ZkToolOptions::Command::List : ZkToolOptions::Command::SetWeight;
      } else {
        throw std::invalid_argument("unexpected argument \"" + std::string(*argument) + "\"");
      }
    }
    if (options.help) return true;
    if (!has_command) throw std::invalid_argument("no command given, expected ls or set-weight");
    if (options.servers.empty()) throw std::invalid_argument("option --zk is required");
    if (options.path.empty()) throw std::invalid_argument("option --path is required");
    if (options.timeout.count() == 0) throw std::invalid_argument("option --timeout must not be 0");
    if (options.command == ZkToolOptions::Command::SetWeight && (options.address.empty() || !has_weight))
      throw std::invalid_argument("set-weight requires --address and --weight");
    return true;
  } catch (const std::invalid_argument& wrong) {
    error = wrong.what();
    return false;
  }
}

std::string zk_tool_help() {
  return "Usage: weir zk ls         --zk HOST[:PORT][,...] --path PATH\n"
         "       weir zk set-weight --zk HOST[:PORT][,...] --path PATH --address IP:PORT --weight N\n"
         "\n"
         "Lists the members of the upstream kept under PATH in ZooKeeper, or changes the weight of one (0: drains it).\n"
         "\n"
         "  --timeout TIME  for the whole command, such as 500ms or 5s (default 5s)\n"
         "  --help          this text\n";
}

int run_zk_tool(const ZkToolOptions& options) {
  try {
    Dialogue dialogue(options);
    return options.command == ZkToolOptions::Command::List ? list(dialogue, options) : set_weight(dialogue, options);
  } catch (const NoAnswer&) {
    std::string servers;
    for (const std::string& server : options.servers) servers += (servers.empty() ? "" : ",") + server;
    fmt::print(stderr, "weir zk: no answer from {} in time\n", servers);
    return kNoAnswer;
  }
}

}  // namespace weir::discovery
