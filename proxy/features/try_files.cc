// try_files: the first of several files that exists, or something else.
#include <fmt/format.h>

#include "features/scopes.h"
#include "http/exchange.h"
#include "http/file_conf.h"
#include "http/file_path.h"

namespace weir::http {

namespace {

using config::Call;

/// One candidate. `is_folder`: it was written with a slash at its end, which `uri` lacks.
struct Candidate {
  Template uri;
  bool is_folder = false;
};

struct Conf {
  Setting<std::vector<Candidate>> candidates;
  Template last;  // a URI or `@named`
  int status = 0;  // of `=404`; 0: `last`
};

void set_try_files(const Call& call) {
  Loader& loader = Loader::of(call);
  Conf& conf = call.settings.edit<Conf>();
  if (conf.candidates.is_set_here()) call.fail_duplicate();
  std::vector<Candidate> candidates;
  for (const std::string& word : call.args.first(call.args.size() - 1)) {
    Candidate candidate;
    candidate.is_folder = word.ends_with('/');
    candidate.uri = Template::compile(std::string_view(word).substr(0, word.size() - (candidate.is_folder ? 1 : 0)),
                                      loader.config.variables);
    candidates.push_back(std::move(candidate));
  }
  const std::string& last = call.args.back();
  if (last.starts_with('=')) {
    const auto status = config::parse_number(std::string_view(last).substr(1), 999);
    if (!status) call.fail(fmt::format("invalid code \"{}\"", last));
    conf.status = static_cast<int>(*status);
  } else {
    conf.last = Template::compile(last, loader.config.variables);
  }
  conf.candidates.set(std::move(candidates));
}

bool enabled(const config::Settings& settings) { return settings.get<Conf>().candidates.is_set(); }

/// Goes on with the file that was found: it becomes the URI.
void take(Exchange& exchange, std::string_view uri) {
  const DocumentRoot& root = *exchange.conf<FileConf>().root;
  if (root.is_alias && root.location.empty()) exchange.uri_follows_alias = true;
  if (root.is_alias && !uri.starts_with(root.location)) uri = exchange.concat({root.location, uri});
  exchange.uri = uri;
}

PhaseResult go_to_last(Exchange& exchange, const Conf& conf) {
  if (conf.status != 0) return PhaseResult::respond(conf.status);
  const std::string_view target = conf.last.evaluate(exchange);
  if (target.starts_with('@'))
    return exchange.redirect_to_named(target) ? PhaseResult::relocate() : PhaseResult::respond(500);
  const std::size_t query = target.find('?');
  const std::string_view args = query == target.npos ? std::string_view() : target.substr(query + 1);
  return exchange.redirect_internally(target.substr(0, query), args) ? PhaseResult::relocate()
                                                                      : PhaseResult::respond(500);
}

PhaseResult try_them(Exchange& exchange) {
  const Conf& conf = exchange.conf<Conf>();
  const DocumentRoot& root = *exchange.conf<FileConf>().root;
  for (const Candidate& candidate : *conf.candidates) {
    std::string_view uri = candidate.uri.evaluate(exchange);
    // What `alias` stands for may be there or not: `$uri` has it, a plain name does not.
    const std::string_view name =
        root.is_alias && !uri.starts_with(root.location) ? exchange.concat({root.location, uri}) : uri;
    const bool follows = std::exchange(exchange.uri_follows_alias, true);
    const auto path = file_path(exchange, name);
    exchange.uri_follows_alias = follows;
    if (!path) continue;
    int error = 0;
    const PathKind kind = kind_of(*path, error);
    if (kind == PathKind::Missing && error != ENOENT && error != ENOTDIR && error != ENAMETOOLONG)
      log::crit(exchange.runtime().error_log(), exchange.subject(), "stat() \"{}\" failed ({}: {})", *path, error,
                std::strerror(error));
    if (kind == PathKind::Missing || (kind == PathKind::Directory) != candidate.is_folder) continue;
    take(exchange, candidate.is_folder && uri.empty() ? "/" : uri);
    return PhaseResult::next();
  }
  return go_to_last(exchange, conf);
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("try_files", config::Server | config::Location, {2, -1}, "file … uri | file … =code",
        "Serves the first of some files that exists, else goes to a URI or a named location, or answers a status.",
        &set_try_files),
};
constexpr PhaseHandler kHandlers[] = {{.phase = Phase::PreContent, .enabled = enabled, .run = try_them}};

}  // namespace

extern const Feature try_files;
const Feature try_files{.name = "try_files", .directives = kDirectives, .handlers = kHandlers};

}  // namespace weir::http
