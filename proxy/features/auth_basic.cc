// auth_basic: a name and a password, checked against a file.
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <unordered_map>

#include "features/password.h"
#include "features/scopes.h"
#include "http/credentials.h"
#include "http/exchange.h"

namespace weir::http {

namespace {

using config::Call;

struct UserFile {
  Template path;
  std::string folder;  // of the configuration: of paths that do not begin with a slash
};

struct Conf {
  Setting<Template> realm;  // evaluates to `off`: nobody is asked
  Setting<UserFile> file;
};

/// A file of `name:password[:comment]` lines as it was when it was last looked at.
struct Users {
  timespec changed{};
  off_t size = -1;
  ino_t node = 0;
  std::unordered_map<std::string, std::string> passwords;
};

void read_users(const std::string& path, Users& users) {
  users.passwords.clear();
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    const std::size_t colon = line.find(':');
    if (line.empty() || line.starts_with('#') || colon == line.npos) continue;
    const std::string password = line.substr(colon + 1, line.find(':', colon + 1) - colon - 1);
    users.passwords.emplace(line.substr(0, colon), password);  // the first of a name counts
  }
}

/// The file's users, read again only if it changed. Null with errno set if there is no such file.
const Users* users_of(const std::string& path) {
  constexpr std::size_t kMostFiles = 64;
  thread_local std::unordered_map<std::string, Users> files;
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return nullptr;
  if (files.size() >= kMostFiles && !files.contains(path)) files.clear();
  Users& users = files[path];
  const bool same = users.size == info.st_size && users.node == info.st_ino &&
                    users.changed.tv_sec == info.st_mtim.tv_sec && users.changed.tv_nsec == info.st_mtim.tv_nsec;
  if (same) return &users;
  users = {info.st_mtim, info.st_size, info.st_ino, {}};
  read_users(path, users);
  return &users;
}

PhaseResult challenge(Exchange& exchange, std::string_view realm) {
  std::string value = "Basic realm=\"";
  for (const char c : realm) {
    if (c == '"' || c == '\\') value += '\\';
    value += c;
  }
  exchange.carry({"WWW-Authenticate", exchange.keep(value + "\""), FieldId::WwwAuthenticate});
  return PhaseResult::respond(401);
}

PhaseResult check(Exchange& exchange) {
  const Conf& conf = exchange.conf<Conf>();
  const std::string_view realm = conf.realm->evaluate(exchange);
  if (realm == "off") return PhaseResult::next();
  const log::ErrorLog& log = exchange.runtime().error_log();
  const auto given = basic_credentials(exchange.request.fields.value(FieldId::Authorization));
  if (!given || given->user.empty()) {
    log::info(log, exchange.subject(), "no user/password was provided for basic authentication");
    return challenge(exchange, realm);
  }
  std::string path(conf.file->path.evaluate(exchange));
  if (!path.starts_with('/')) path.insert(0, conf.file->folder);
  const Users* const users = path.find('\0') == path.npos ? users_of(path) : nullptr;
  if (!users) {
    const int error = errno;
    log::error(log, exchange.subject(), "open() \"{}\" failed ({}: {})", path, error, std::strerror(error));
    return PhaseResult::respond(error == ENOENT ? 403 : 500);
  }
  const auto known = users->passwords.find(given->user);
  if (known == users->passwords.end()) {
    log::error(log, exchange.subject(), "user \"{}\" was not found in \"{}\"", given->user, path);
    return challenge(exchange, realm);
  }
  if (password_fits(given->password, known->second)) return PhaseResult::allowed();
  log::error(log, exchange.subject(), "user \"{}\": password mismatch", given->user);
  return challenge(exchange, realm);
}

bool enabled(const config::Settings& settings) {
  const Conf& conf = settings.get<Conf>();
  return conf.realm.is_set() && conf.file.is_set() &&
         !(conf.realm->is_literal() && conf.realm->literal_text() == "off");
}

UserFile user_file(const Call& call) { return {template_value(call), Loader::of(call).conf_path("")}; }

constexpr auto kContexts = scopes::kHttpServerLocation | config::LimitExcept;

constexpr config::DirectiveSpec kDirectives[] = {
    config::directive<&Conf::realm, &template_value>("auth_basic", kContexts, {1, 1}, "string | off",
        "Asks for a name and a password; the string tells the user where."),
    config::directive<&Conf::file, &user_file>("auth_basic_user_file", kContexts, {1, 1}, "file",
        "Names and passwords: a line `name:password` each, as htpasswd writes them."),
};
constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Access, .enabled = enabled, .run = check}};

}  // namespace

extern const Feature auth_basic;
const Feature auth_basic{.name = "auth_basic", .directives = kDirectives, .handlers = kHandlers};

}  // namespace weir::http
