// types: content types by file name extension.
#include <fmt/format.h>

#include "features/scopes.h"
#include "http/file_conf.h"

namespace weir::http {

namespace {

using config::Call;

void read_types(const Call& call) {
  FileConf& conf = call.settings.edit<FileConf>();
  std::shared_ptr<ContentTypes>& types = conf.types.edit();
  if (!types) types = std::make_shared<ContentTypes>();
  for (const config::Statement& line : call.statement.children) {
    if (line.args.empty()) {
      call.diagnostics.error(line.at, fmt::format("invalid number of arguments in \"{}\" directive", line.name));
      continue;
    }
    for (std::string extension : line.args) {
      for (char& c : extension)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      const auto [place, added] = types->insert_or_assign(extension, line.name);
      if (!added)
        call.diagnostics.warn(line.at, fmt::format("duplicate extension \"{}\", content type: \"{}\"", place->first,
                                                   line.name));
    }
  }
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("types", scopes::kHttpServerLocation, {0, 0}, "{ type extension …; … }",
        "The content types of files by their names' extensions.", &read_types, true,
        &config::inherit_members<&FileConf::types>),
};

}  // namespace

extern const Feature types;
const Feature types{.name = "types", .directives = kDirectives};

}  // namespace weir::http
