#include "http/ambiguous_target.h"

#include "http/core_conf.h"
#include "http/path_readings.h"
#include "http/uri.h"

namespace weir::http {

std::string_view judge_target(Exchange& exchange) {
  const RequestHead& request = exchange.request;
  if (request.fragment_cut) return "a fragment in the request target";
  if (request.form == TargetForm::Asterisk) return {};
  const std::string_view path = request.path_or_root();
  // The usual path has none of what can be read differently.
  const auto has = [path](auto what) { return path.find(what) != path.npos; };
  if (!has('%') && !has(';') && !has('\\') && !has("/.") && !has("//")) return {};

  const auto normal = normalise_path(path, *exchange.conf<CoreConf>().merge_slashes, exchange.arena());
  if (!normal) return {};  // was refused before there was a location
  const Location& root = exchange.server->root;
  const PathVerdict verdict = judge_path(
      path, *normal, [&root](std::string_view text) { return root.nested.find_without_captures(text, &root); },
      exchange.arena());
  if (verdict.normal_form_only) exchange.uri_is_original = false;
  return verdict.refused;
}

}  // namespace weir::http
