#include "config/context.h"

#include <string_view>

namespace weir::config {
namespace {

struct Place {
  Context place;
  std::string_view name;
};

constexpr Place kPlaces[] = {
    {Main, "main"},
    {Events, "events"},
    {Http, "http"},
    {Server, "server"},
    {Location, "location"},
    {ServerIf, "if in server"},
    {LocationIf, "if in location"},
    {LimitExcept, "limit_except"},
    {Upstream, "upstream"},
    {Stream, "stream"},
    {StreamServer, "server in stream"},
    {StreamUpstream, "upstream in stream"},
    {Mail, "mail"},
    {MailServer, "server in mail"},
    {Mgmt, "mgmt"},
    {OidcProvider, "oidc_provider"},
    {AcmeIssuer, "acme_issuer"},
    {Match, "match"},
    {StreamMatch, "match in stream"},
};

}  // namespace

std::string to_text(Context places) {
  if (places == Everywhere) return "any";
  std::string text;
  for (const auto& [place, name] : kPlaces) {
    if (!allows(places, place)) continue;
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text;
}

}  // namespace weir::config
