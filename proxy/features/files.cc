// files: root, alias, index, and the content of files.
#include <fmt/format.h>

#include "features/scopes.h"
#include "http/content_type.h"
#include "http/date.h"
#include "http/file_body.h"
#include "http/file_conf.h"
#include "http/file_path.h"
#include "http/respond.h"
#include "http/uri.h"

namespace weir::http {

namespace {

using config::Call;
using config::directive;
using namespace scopes;

// --- settings

struct IndexConf {
  Setting<std::vector<Template>> names;
};

void set_root(const Call& call) {
  Loader& loader = Loader::of(call);
  FileConf& conf = call.settings.edit<FileConf>();
  DocumentRoot root;
  root.is_alias = call.name() == "alias";
  if (conf.root.is_set_here()) {
    if (conf.root->is_alias == root.is_alias) call.fail_duplicate();
    call.fail(fmt::format("\"{}\" directive is duplicate, \"{}\" directive was specified earlier", call.name(),
                          conf.root->is_alias ? "alias" : "root"));
  }
  std::string path = call.args[0];
  if (!path.starts_with('$')) path = loader.full_path(path);
  if (!root.is_alias)
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (root.is_alias) {
    const Location& location = *loader.location;
    if (location.name.starts_with('@')) call.fail("the \"alias\" directive cannot be used inside the named location");
    if (location.match != Location::Match::Regex) root.location = location.name;
  }
  root.path = Template::compile(path, loader.config.variables);
  conf.root.set(std::move(root));
}

std::vector<Template> index_names(const Call& call) {
  std::vector<Template> names;
  for (const std::string& name : call.args) {
    if (name.empty()) call.fail("index \"\" in \"index\" directive is invalid");
    names.push_back(Template::compile(name, Loader::of(call).config.variables));
  }
  return names;
}

void finish(config::Settings& settings, Loader& loader) {
  if (!settings.get<FileConf>().root.is_set()) {
    DocumentRoot root;
    root.path = Template::literal(loader.full_path("html"));
    settings.edit<FileConf>().root.set(std::move(root));
  }
  if (!settings.get<IndexConf>().names.is_set())
    settings.edit<IndexConf>().names.set({Template::literal("index.html")});
}

// --- the index of a folder

bool is_for_files(Exchange& exchange) {
  return exchange.method() == Method::Get || exchange.method() == Method::Head || exchange.method() == Method::Post;
}

PhaseResult find_index(Exchange& exchange) {
  if (!exchange.uri.ends_with('/') || !is_for_files(exchange)) return PhaseResult::next();
  bool folder_exists = false;
  for (const Template& name : *exchange.conf<IndexConf>().names) {
    const std::string_view file = name.evaluate(exchange);
    if (file.empty()) continue;
    if (file.starts_with('/'))
      return exchange.redirect_internally(file, exchange.args) ? PhaseResult::relocate() : PhaseResult::respond(500);
    // The name follows the folder's path, which an alias may make of another part of the URI.
    const auto path = file_path(exchange, exchange.uri, file);
    if (!path) return PhaseResult::respond(404);
    int error = 0;
    if (kind_of(*path, error) == PathKind::Missing) {
      if (error != ENOENT) return PhaseResult::respond(status_of_open_error(exchange, *path, error));
      if (!folder_exists) {
        const auto folder = file_path(exchange, exchange.uri);
        if (!folder || kind_of(*folder, error) == PathKind::Missing)
          return PhaseResult::respond(status_of_open_error(exchange, *path, error));
        folder_exists = true;
      }
      continue;
    }
    return exchange.redirect_internally(exchange.concat({exchange.uri, file}), exchange.args)
               ? PhaseResult::relocate()
               : PhaseResult::respond(500);
  }
  return PhaseResult::next();
}

// --- the content of a file

void redirect_to_folder(Exchange& exchange) {
  std::string_view target = exchange.concat({escape(exchange.uri, EscapeFor::Path, exchange.arena()), "/"});
  if (!exchange.args.empty()) target = exchange.concat({target, "?", exchange.args});
  make_redirect(exchange, 301, target);
}

void describe(Exchange& exchange, const OpenFile& file) {
  Response& response = exchange.response;
  response.clear();
  response.status = 200;
  response.content_type = content_type_of(exchange);
  response.content_length = file.size();
  response.last_modified = exchange.keep(http_date(file.modified()));
  response.is_conditional = true;
  if (!*exchange.conf<FileConf>().etag) return;
  char etag[48];
  const auto end = fmt::format_to(etag, "\"{:x}-{:x}\"", file.modified(), file.size());
  response.fields.add({"ETag", exchange.keep({etag, static_cast<std::size_t>(end - etag)}), FieldId::ETag});
}

net::Task<PhaseResult> serve_file(Exchange& exchange) {
  if (!is_for_files(exchange)) co_return PhaseResult::respond(405);
  const auto path = file_path(exchange, exchange.uri);
  if (exchange.uri.ends_with('/')) {
    log::error(exchange.runtime().error_log(), exchange.subject(), "directory index of \"{}\" is forbidden",
               path.value_or(exchange.uri));
    co_return PhaseResult::respond(403);
  }
  if (!path) co_return PhaseResult::respond(404);
  int error = 0;
  const OpenFile file = OpenFile::open(*path, error);
  if (error != 0) co_return PhaseResult::respond(status_of_open_error(exchange, *path, error));
  if (file.is_directory()) {
    redirect_to_folder(exchange);
    co_return PhaseResult::done();
  }
  if (!file.is_regular()) {
    log::crit(exchange.runtime().error_log(), exchange.subject(), "\"{}\" is not a regular file", *path);
    co_return PhaseResult::respond(404);
  }
  if (exchange.method() == Method::Post) co_return PhaseResult::respond(405);

  describe(exchange, file);
  FileBody body(file.fd(), file.size(), exchange.loop().buffers());
  if (file.size() != 0) {
    exchange.response.body = &body;
    exchange.response.seekable = &body;
  }
  co_await send_response(exchange);
  exchange.response.body = nullptr;
  co_return PhaseResult::done();
}

bool always(const config::Settings&) { return true; }

// --- variables

VariableValue request_filename(Exchange& x, const VariableArg&) {
  const auto path = file_path(x, x.uri);
  return path ? VariableValue{*path} : VariableValue::not_found();
}
VariableValue root_value(Exchange& x, const VariableArg&) {
  const std::string_view root = document_root(x);
  return {root.substr(0, root.size() - 1)};
}
VariableValue realpath_root(Exchange& x, const VariableArg&) {
  char real[PATH_MAX];
  const std::string_view root = document_root(x);
  if (!::realpath(root.data(), real)) return VariableValue::not_found();
  return {x.keep(real)};
}

constexpr VariableSpec kVariables[] = {{"request_filename", getter<request_filename>},
                                       {"document_root", getter<root_value>},
                                       {"realpath_root", getter<realpath_root>}};

constexpr config::EnumName<IfModifiedSince> kModified[] = {
    {"off", IfModifiedSince::Off}, {"exact", IfModifiedSince::Exact}, {"before", IfModifiedSince::Before}};

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("root", kWithIf, {1, 1}, "path", "Where the files are whose names the URIs give.", &set_root, false,
        &config::inherit_members<&FileConf::root>),
    config::custom("alias", kLocation, {1, 1}, "path", "Where they are when the location's own name is not part of the "
        "path.", &set_root),
    config::repeated<&IndexConf::names, &index_names>("index", kHttpServerLocation, {1, -1}, "file …",
        "What is looked for when a folder is asked for."),
    directive<&FileConf::etag, &config::on_off>("etag", kHttpServerLocation, {1, 1}, "on | off",
        "Whether files get an ETag of their time and size."),
    directive<&FileConf::log_not_found, &config::on_off>("log_not_found", kHttpServerLocation, {1, 1}, "on | off",
        "Whether missing files are logged as errors."),
    directive<&FileConf::if_modified_since, &config::an_enum<kModified>>("if_modified_since", kHttpServerLocation,
        {1, 1}, "off | exact | before", "How a file's time is compared with If-Modified-Since."),
    directive<&FileConf::max_ranges, &config::number>("max_ranges", kHttpServerLocation, {1, 1}, "number",
        "How many ranges one request may ask for; 0: ranges are not served."),
};

constexpr PhaseHandler kHandlers[] = {
    {.phase = Phase::Content, .enabled = always, .run = find_index},
    {.phase = Phase::Content, .enabled = always, .run_async = serve_file},
};

}  // namespace

extern const Feature files;
const Feature files{.name = "files",
                    .directives = kDirectives,
                    .variables = kVariables,
                    .handlers = kHandlers,
                    .finish = finish};

}  // namespace weir::http
