#include "server/configuration.h"

#include "config/directive_table.h"
#include "features/features.h"
#include "server/addresses.h"
#include "shared/features/features.h"
#include "stream/features/features.h"
#include "stream/pass_conf.h"

namespace weir::server {

const config::DirectiveTable& directive_table() {
  static const config::DirectiveTable kTable = [] {
    config::DirectiveTable table;
    add_main_directives(table);
    shared::add_directives(table);
    http::add_directives(table);
    stream::add_directives(table);
    return table;
  }();
  return kTable;
}

void MainLoader::load_http(const config::Call& call) {
  if (has_http_) call.fail_duplicate();
  has_http_ = true;
  http::HttpConfig& http = *configuration_.http;
  http.features.assign(http::features().begin(), http::features().end());
  shared::add_variables(http.variables);
  for (const http::Feature* feature : http.features) http.variables.add(feature->variables);
  http::Loader loader(http, call.table, call.diagnostics, paths_.prefix, paths_.conf_dir, names_);
  loader.load_block(call.statement, config::Http, http.settings);
  loader.check_names();
  if (!call.diagnostics.has_errors()) loader.finish();
}

void MainLoader::load_stream(const config::Call& call) {
  if (has_stream_) call.fail_duplicate();
  has_stream_ = true;
  stream::StreamConfig& stream = *configuration_.stream;
  stream.features.assign(stream::features().begin(), stream::features().end());
  shared::add_variables(stream.variables);
  for (const stream::Feature* feature : stream.features) stream.variables.add(feature->variables);
  stream::Loader loader(stream, call.table, call.diagnostics, paths_.prefix, paths_.conf_dir, names_);
  loader.load_block(call.statement, config::Stream, stream.settings);
  loader.check_names();
  if (!call.diagnostics.has_errors()) loader.finish();
}

namespace {

/// Both protocols cannot listen on one address.
void check_addresses(const Configuration& configuration, config::Diagnostics& diagnostics) {
  for (const auto& listen : configuration.stream->listens)
    if (!listen->datagrams && configuration.http->find_listen(listen->text))
      diagnostics.error(listen->at, "duplicate listen on " + listen->text + ": http listens there, too");
}

void check_passes(const Configuration& configuration, config::Diagnostics& diagnostics) {
  for (const auto& server : configuration.stream->servers) {
    const auto& address = server->settings.get<stream::PassConf>().address;
    if (address && !find_address(*configuration.http, *configuration.stream, *address))
      diagnostics.warn(server->at, "no server listens on " + address->to_string() +
                                       ", where this one passes connections to: they will be closed");
  }
}

}  // namespace

Configuration load_configuration(const Paths& paths, const std::string& directives, config::Diagnostics& diagnostics,
                                 shared::Names names) {
  Configuration configuration;
  configuration.http = std::make_shared<http::HttpConfig>();
  configuration.http->stream = configuration.stream = std::make_shared<stream::StreamConfig>();
  configuration.document = config::parse_file(paths.conf_file, paths.conf_dir, diagnostics);
  config::Document extra;
  if (!directives.empty()) extra = config::parse_text(directives, "command line", diagnostics, paths.conf_dir);
  MainLoader loader(configuration, paths, names);
  const config::DirectiveTable& table = directive_table();
  table.apply_block(extra.statements, config::Main, configuration.settings, loader, diagnostics);
  table.apply_block(configuration.document.statements, config::Main, configuration.settings, loader, diagnostics);
  // A file that is just being written looks empty; a reload of it must not take every listener away.
  if (!diagnostics.has_errors() && !loader.has_protocol())
    diagnostics.error({std::make_shared<const std::string>(paths.conf_file), 0},
                      "no \"http\" or \"stream\" section in configuration");
  check_addresses(configuration, diagnostics);
  check_passes(configuration, diagnostics);
  return configuration;
}

}  // namespace weir::server
