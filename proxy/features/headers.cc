// headers: fields that the configuration adds to responses, before and after the body.
#include <algorithm>

#include "features/scopes.h"
#include "http/exchange.h"

namespace weir::http {

namespace {

using config::Call;
using config::Settings;
using namespace scopes;

struct AddedHeader {
  std::string name;
  FieldId id = FieldId::Other;
  Template value;
  bool always = false;
};

/// `add_header_inherit`, `add_trailer_inherit`.
enum class Inherit : std::uint8_t { On, Off, Merge };

struct Conf {
  Setting<std::vector<AddedHeader>> headers;
  Setting<Inherit> inherit_headers{Inherit::On};
  Setting<std::vector<AddedHeader>> trailers;
  Setting<Inherit> inherit_trailers{Inherit::On};
};

AddedHeader parse_header(const Call& call) {
  AddedHeader header{call.args[0], field_id(call.args[0]),
                     Template::compile(call.args[1], Loader::of(call).config.variables), call.args.size() == 3};
  if (header.always && call.args[2] != "always") call.fail_value(call.args[2], "\"always\"");
  return header;
}

void add_to(const Call& call, Setting<std::vector<AddedHeader>>& list) {
  AddedHeader header = parse_header(call);
  list.edit().push_back(std::move(header));
}
void add_header(const Call& call) { add_to(call, call.settings.edit<Conf>().headers); }
void add_trailer(const Call& call) { add_to(call, call.settings.edit<Conf>().trailers); }

/// Takes the list of the scope around as `mode` (which is inherited first) says. Source: nginx's documentation of
/// add_header_inherit.
void inherit_list(Settings& inner, const Settings& outer, Setting<std::vector<AddedHeader>> Conf::* list,
                  Setting<Inherit> Conf::* mode) {
  const Conf& from = outer.get<Conf>();
  if (!(from.*list).is_set() && !(from.*mode).is_set()) return;
  Conf& to = inner.edit<Conf>();
  (to.*mode).inherit(from.*mode);
  switch (*(to.*mode)) {
    case Inherit::Off: break;
    case Inherit::On: (to.*list).inherit(from.*list); break;
    case Inherit::Merge: {
      if ((from.*list)->empty()) break;
      std::vector<AddedHeader> both = *(from.*list);
      both.insert(both.end(), (to.*list)->begin(), (to.*list)->end());
      (to.*list).set(std::move(both));
      break;
    }
  }
}
void inherit_headers(Settings& inner, const Settings& outer) {
  inherit_list(inner, outer, &Conf::headers, &Conf::inherit_headers);
}
void inherit_trailers(Settings& inner, const Settings& outer) {
  inherit_list(inner, outer, &Conf::trailers, &Conf::inherit_trailers);
}

// The statuses that get fields without `always`. Source: nginx's documentation of add_header.
constexpr int kStatuses[] = {200, 201, 204, 206, 301, 302, 303, 304, 307, 308};

bool is_usual(int status) { return std::find(std::begin(kStatuses), std::end(kStatuses), status) != std::end(kStatuses); }

/// A value as it may stand in a field: line breaks at its end (a quoted `\n`) are dropped, so are blanks.
std::string_view trimmed(std::string_view value) {
  const std::size_t last = value.find_last_not_of(" \t\r\n");
  return last == value.npos ? std::string_view() : value.substr(0, last + 1);
}

bool has_headers(const Settings& settings) { return !settings.get<Conf>().headers->empty(); }
bool has_trailers(const Settings& settings) { return !settings.get<Conf>().trailers->empty(); }

void add_headers(Exchange& exchange, Response& response) {
  const bool usual = is_usual(response.status);
  for (const AddedHeader& header : *exchange.conf<Conf>().headers) {
    if (!usual && !header.always) continue;
    const std::string_view value = trimmed(header.value.evaluate(exchange));
    // These two exist once; an empty value takes them away.
    if (header.id == FieldId::LastModified) {
      response.last_modified = value;
      continue;
    }
    if (header.id == FieldId::ETag) response.fields.remove(FieldId::ETag);
    if (!value.empty()) response.fields.add({header.name, value, header.id});
  }
}

void announce_trailers(Exchange& exchange, Response& response) {
  const bool usual = is_usual(response.status);
  for (const AddedHeader& trailer : *exchange.conf<Conf>().trailers)
    if (usual || trailer.always) response.has_trailers = true;
}

void add_trailers(Exchange& exchange, Response& response) {
  const bool usual = is_usual(response.status);
  for (const AddedHeader& trailer : *exchange.conf<Conf>().trailers) {
    if (!usual && !trailer.always) continue;
    const std::string_view value = trimmed(trailer.value.evaluate(exchange));
    if (!value.empty()) response.trailers.add({trailer.name, value, trailer.id});
  }
}

constexpr config::EnumName<Inherit> kInherit[] = {{"on", Inherit::On}, {"off", Inherit::Off}, {"merge", Inherit::Merge}};

template <auto Member>
void set_inherit(const Call& call) {
  Conf& conf = call.settings.edit<Conf>();
  if ((conf.*Member).is_set_here()) call.fail_duplicate();
  (conf.*Member).set(config::an_enum<kInherit>(call));
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("add_header", kWithIf, {2, 3}, "name value [always]",
        "Adds a field to responses with usual statuses, or with any.", &add_header, false, &inherit_headers),
    config::custom("add_header_inherit", kWithIf, {1, 1}, "on | off | merge",
        "Whether the fields of the scope around this one are taken: if there are none here, never, or always.",
        &set_inherit<&Conf::inherit_headers>),
    config::custom("add_trailer", kWithIf, {2, 3}, "name value [always]",
        "Adds a field after the body of responses with usual statuses, or with any.", &add_trailer, false,
        &inherit_trailers),
    config::custom("add_trailer_inherit", kWithIf, {1, 1}, "on | off | merge", "The same for these.",
        &set_inherit<&Conf::inherit_trailers>),
};
constexpr HeaderFilter kFilters[] = {{.enabled = has_headers, .run = add_headers},
                                     {.enabled = has_trailers, .run = announce_trailers, .trailers = add_trailers}};

}  // namespace

extern const Feature headers;
const Feature headers{.name = "headers", .directives = kDirectives, .header_filters = kFilters};

}  // namespace weir::http
