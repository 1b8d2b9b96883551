#include "server/configuration.h"

#include "config/directive_table.h"
#include "features/features.h"
#include "shared/features/features.h"

namespace weir::server {

const config::DirectiveTable& directive_table() {
  static const config::DirectiveTable kTable = [] {
    config::DirectiveTable table;
    add_main_directives(table);
    shared::add_directives(table);
    http::add_directives(table);
    return table;
  }();
  return kTable;
}

void MainLoader::load_http(const config::Call& call) {
  if (has_http_) call.fail_duplicate();
  has_http_ = true;
  http::HttpConfig& http = *configuration_.http;
  http.features.assign(http::features().begin(), http::features().end());
  http.variables.add(shared::common_variables());
  for (const http::Feature* feature : http.features) http.variables.add(feature->variables);
  http::Loader loader(http, call.table, call.diagnostics, paths_.prefix, paths_.conf_dir, names_);
  loader.load_block(call.statement, config::Http, http.settings);
  if (!call.diagnostics.has_errors()) loader.finish();
}

Configuration load_configuration(const Paths& paths, const std::string& directives, config::Diagnostics& diagnostics,
                                 shared::Names names) {
  Configuration configuration;
  configuration.http = std::make_shared<http::HttpConfig>();
  configuration.document = config::parse_file(paths.conf_file, paths.conf_dir, diagnostics);
  config::Document extra;
  if (!directives.empty()) extra = config::parse_text(directives, "command line", diagnostics, paths.conf_dir);
  MainLoader loader(configuration, paths, names);
  const config::DirectiveTable& table = directive_table();
  table.apply_block(extra.statements, config::Main, configuration.settings, loader, diagnostics);
  table.apply_block(configuration.document.statements, config::Main, configuration.settings, loader, diagnostics);
  // A file that is just being written looks empty; a reload of it must not take every listener away.
  if (!diagnostics.has_errors() && !loader.has_http())
    diagnostics.error({std::make_shared<const std::string>(paths.conf_file), 0}, "no \"http\" section in configuration");
  return configuration;
}

}  // namespace weir::server
