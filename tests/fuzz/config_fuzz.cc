// Fuzzes the configuration: the parser, the directive table with its values, and regular expressions.
//
// Properties: what was read and is written back is read as the same; nothing crashes or takes long, whatever the
// text.
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "../unit/config/statement_text.h"
#include "config/directive_table.h"
#include "config/parser.h"
#include "config/regex.h"
#include "config/values.h"

namespace weir::config {
namespace {

enum class Mode { A, B };
constexpr EnumName<Mode> kModes[] = {{"a", Mode::A}, {"b", Mode::B}};
constexpr EnumName<unsigned> kFlags[] = {{"error", 1}, {"timeout", 2}, {"http_502", 4}};

struct Conf {
  Setting<bool> flag{false};
  Setting<std::chrono::milliseconds> time_in_ms;
  Setting<std::chrono::seconds> time_in_s;
  Setting<ByteCount> bytes;
  Setting<std::uint32_t> count;
  Setting<BufferSizes> buffer_sizes;
  Setting<Mode> mode{Mode::A};
  Setting<unsigned> conditions;
  Setting<std::vector<std::string>> list;
};

void nested(const Call& call) {
  Settings inner;
  call.apply_children(Http, inner);
  call.table.inherit(inner, call.settings);
}

void match(const Call& call) {
  const Regex regex = Regex::compile(call.args[0]);
  std::string_view captures[4];
  if (regex.search(call.args[1], captures) == Regex::Outcome::Yes && captures[0].size() > call.args[1].size())
    abort();
}

constexpr DirectiveSpec kDirectives[] = {
    block("http", Http, {0, -1}, "", "", &nested),
    directive<&Conf::flag, &on_off>("flag", Http, {1, 1}, "", ""),
    directive<&Conf::time_in_ms, &time_ms>("ms", Http, {1, 1}, "", ""),
    directive<&Conf::time_in_s, &time_s>("s", Http, {1, 1}, "", ""),
    directive<&Conf::bytes, &size>("size", Http, {1, 1}, "", ""),
    directive<&Conf::count, &number>("number", Http, {1, 1}, "", ""),
    directive<&Conf::buffer_sizes, &buffers>("buffers", Http, {2, 2}, "", ""),
    directive<&Conf::mode, &an_enum<kModes>>("mode", Http, {1, 1}, "", ""),
    directive<&Conf::conditions, &flags<kFlags>>("flags", Http, {1, -1}, "", ""),
    repeated<&Conf::list, &words>("list", Http, {0, -1}, "", ""),
    custom("match", Http, {2, 2}, "", "", &match),
};

const DirectiveTable& table() {
  static const DirectiveTable kTable = [] {
    DirectiveTable made;
    made.add(kDirectives);
    return made;
  }();
  return kTable;
}

void check(std::string_view text) {
  // No `include`: what the machine's files contain must not decide what a run finds.
  const Limits limits{.include_depth = 0};
  Diagnostics diagnostics;
  const Document document = parse_text(text, "fuzz", diagnostics, {}, limits);

  Diagnostics again;
  const std::string source = to_source(document.statements);
  const Document reread = parse_text(source, "fuzz", again, {}, {.include_depth = 0, .parameter_bytes = 1u << 20});
  if (!again.all().empty() || !same(document.statements, reread.statements)) {
    std::cerr << "not the same after a round trip:\n" << source << again.to_text("");
    abort();
  }

  Settings settings;
  LoadContext context;
  table().apply_block(document.statements, Http, settings, context, diagnostics);
  if (diagnostics.to_text("weir: ", Severity::Emerg).empty() == diagnostics.has_errors()) abort();
}

}  // namespace
}  // namespace weir::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::config::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
