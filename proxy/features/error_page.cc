// error_page: answer a status with a page, another status or a redirection.
#include "http/error_page.h"

#include <fmt/format.h>

#include "features/scopes.h"

namespace weir::http {

namespace {

using config::Call;
using namespace scopes;

ErrorPage parse_page(const Call& call) {
  ErrorPage page;
  std::size_t codes = call.args.size() - 1;
  if (call.args.size() < 2) call.fail("invalid number of arguments in \"error_page\" directive");
  const std::string& before = call.args[codes - 1];
  if (before.starts_with('=')) {
    page.changes_status = true;
    if (before.size() > 1) {
      const auto status = config::parse_number(std::string_view(before).substr(1), 999);
      if (!status) call.fail_value(before);
      page.status = static_cast<int>(*status);
    }
    --codes;
  }
  for (std::size_t i = 0; i < codes; ++i) {
    const auto code = config::parse_number(call.args[i], 599);
    if (!code || *code < 300 || *code == 499)
      call.fail(fmt::format("value \"{}\" must be between 300 and 599", call.args[i]));
    page.codes.push_back(static_cast<int>(*code));
  }
  if (page.codes.empty()) call.fail("\"error_page\" names no status");
  page.target = Template::compile(call.args.back(), Loader::of(call).config.variables);
  return page;
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::repeated<&ErrorPageConf::pages, &parse_page>("error_page", kWithIf, {2, -1}, "code … [=[response]] uri",
        "What is sent in place of a status."),
    config::directive<&ErrorPageConf::recursive, &config::on_off>("recursive_error_pages", kHttpServerLocation, {1, 1},
        "on | off", "Whether an error page may itself have one."),
};

}  // namespace

extern const Feature error_page;
const Feature error_page{.name = "error_page", .directives = kDirectives};

}  // namespace weir::http
