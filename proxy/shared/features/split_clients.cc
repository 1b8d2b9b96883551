// split_clients: variables that divide requests into shares.
#include <fmt/format.h>

#include "shared/features/features.h"
#include "shared/features/scopes.h"
#include "shared/context.h"

namespace weir::shared {

namespace {

using config::Call;

struct Share {
  std::uint32_t end = 0;  // hashes below it; the last share has no end
  bool has_end = false;
  Template value;
};

struct Split {
  Template source;
  std::vector<Share> shares;
};

/// Source: MurmurHash2 by Austin Appleby (public domain), seed 0, which nginx documents for this directive.
std::uint32_t murmur2(std::string_view text) {
  constexpr std::uint32_t kM = 0x5bd1e995;
  auto hash = static_cast<std::uint32_t>(text.size());
  const auto octet = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(text[i])}; };
  for (; text.size() >= 4; text.remove_prefix(4)) {
    std::uint32_t k = octet(0) | octet(1) << 8 | octet(2) << 16 | octet(3) << 24;
    k *= kM;
    k ^= k >> 24;
    k *= kM;
    hash = hash * kM ^ k;
  }
  if (!text.empty()) {
    for (std::size_t i = text.size(); i-- > 0;) hash ^= octet(i) << 8 * i;
    hash *= kM;
  }
  hash ^= hash >> 13;
  hash *= kM;
  return hash ^ hash >> 15;
}

VariableValue get_share(Context& context, const VariableArg& arg) {
  const Split& split = *static_cast<const Split*>(arg.data);
  const std::uint32_t hash = murmur2(split.source.evaluate(context));
  for (const Share& share : split.shares)
    if (!share.has_end || hash < share.end) return {share.value.evaluate(context)};
  return VariableValue::not_found();
}

/// Hundredths of a percent of `51.2%`.
std::uint32_t parse_share(const Call& call, const std::string& text) {
  const std::size_t dot = text.find('.');
  const std::string whole = text.substr(0, dot == text.npos ? text.size() - 1 : dot);
  std::string fraction = dot == text.npos ? "" : text.substr(dot + 1, text.size() - dot - 2);
  const bool good = text.ends_with('%') && fraction.size() <= 2 && (dot == text.npos || !fraction.empty());
  while (fraction.size() < 2) fraction += '0';
  const auto high = config::parse_number(whole, 100), low = config::parse_number(fraction, 99);
  if (!good || !high || !low || *high * 100 + *low == 0) call.fail(fmt::format("invalid percent value \"{}\"", text));
  return static_cast<std::uint32_t>(*high * 100 + *low);
}

void add_split(const Call& call) {
  Loader& loader = Loader::of(call);
  if (!call.args[1].starts_with('$')) call.fail(fmt::format("invalid variable name \"{}\"", call.args[1]));
  const std::string name = call.args[1].substr(1);
  auto split = std::make_shared<Split>();
  split->source = Template::compile(call.args[0], loader.protocol.variables);
  if (!loader.protocol.variables.define(name, get_share, split))
    call.fail(fmt::format("the duplicate \"{}\" variable", name));

  std::uint32_t sum = 0;
  for (const config::Statement& line : call.statement.children) {
    if (line.args.size() != 1) call.fail("invalid number of the split_clients parameters");
    Share share;
    share.value = Template::compile(line.args[0], loader.protocol.variables);
    if (line.name != "*") {
      sum += parse_share(call, line.name);
      if (sum > 10'000) call.fail("percent total is greater than 100%");
      share.end = static_cast<std::uint32_t>(std::uint64_t{0xffffffff} * sum / 10'000);
      share.has_end = true;
    }
    split->shares.push_back(std::move(share));
  }
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::block("split_clients", scopes::kProtocols, {2, 2}, "string $variable { percent value; … * value; }",
                  "A variable that has each of several values for a share of the requests or sessions.", &add_split),
};

}  // namespace

extern const Directives split_clients_directives;
const Directives split_clients_directives = kDirectives;

}  // namespace weir::shared
