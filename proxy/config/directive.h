// How a feature declares its directives: rows of a static constexpr array.
//
//   struct Conf {
//     Setting<bool> enabled{false};
//     Setting<std::vector<std::string>> hidden;
//   };
//   constexpr DirectiveSpec kDirectives[] = {
//       directive<&Conf::enabled, &on_off>("example", Http | Server | Location, {1, 1}, "on | off", "Does a thing."),
//       repeated<&Conf::hidden, &text>("example_hide", Http | Server | Location, {1, 1}, "field", "Hides a field."),
//       block("example_group", Http, {1, 1}, "name { … }", "Groups things.", &read_group),
//   };
//
// A parse function has the form `T parse(const Call&)`; values.h has the usual ones. It throws ValueError.
// `Conf` belongs in an anonymous namespace, or must have a name that no other feature uses.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "config/context.h"
#include "config/diagnostics.h"
#include "config/setting.h"
#include "config/settings.h"
#include "config/statement.h"

namespace weir::config {

class DirectiveTable;

/// A statement cannot be applied. The message is printed as it is; who catches it adds file and line.
class ValueError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What the protocol's side needs while it loads (tables of variables, upstreams by name …). Opaque here.
class LoadContext {
 public:
  virtual ~LoadContext() = default;
  /// `statement` is applied next.
  virtual void begin(const Statement&) {}
};

/// One statement being applied. Lives as long as the call.
struct Call {
  const Statement& statement;
  std::span<const std::string> args;  // the statement's
  Diagnostics& diagnostics;
  Settings& settings;  // of the scope in which the statement stands
  LoadContext& context;
  Context where = Nowhere;  // exactly one place
  const DirectiveTable& table;

  const std::string& name() const { return statement.name; }

  /// The LoadContext as what it is. The caller knows which type the protocol's side passes.
  template <class T>
  T& load() const {
    return static_cast<T&>(context);
  }

  /// Applies the statement's children, which stand in `inside`, to `scope`. Their errors go to `diagnostics`.
  void apply_children(Context inside, Settings& scope) const;

  /// Throws ValueError with `message`.
  [[noreturn]] void fail(std::string message) const;
  /// Throws `invalid value "VALUE" in "NAME" directive`, and if `expected` is given: `, it must be EXPECTED`.
  [[noreturn]] void fail_value(std::string_view value, std::string_view expected = {}) const;
  /// Throws `"NAME" directive is duplicate`.
  [[noreturn]] void fail_duplicate() const;

  void warn(std::string message) const { diagnostics.warn(statement.at, std::move(message)); }
  void notice(std::string message) const { diagnostics.notice(statement.at, std::move(message)); }
};

/// How many arguments a directive takes. max -1: any number.
struct Arity {
  int min = 0;
  int max = 0;

  constexpr bool admits(std::size_t count) const {
    return count >= static_cast<std::size_t>(min) && (max < 0 || count <= static_cast<std::size_t>(max));
  }
};

/// How much of a directive works.
enum class Support : std::uint8_t {
  Full,
  Accepted,  // can have no effect here; a notice says why
  Degraded,  // works differently; a warning says how
  Refused,   // stops the start, with the reason and an alternative
};

/// One row: a directive in some places. The same name may have other rows for other places.
struct DirectiveSpec {
  std::string_view name;
  Context contexts = Nowhere;
  Arity arity;
  std::string_view syntax;  // of the arguments, as nginx's documentation writes it
  std::string_view doc;     // one sentence for the reference page
  void (*apply)(const Call&) = nullptr;
  /// Completes an inner scope from the one around it; null: nothing is inherited.
  void (*inherit)(Settings& inner, const Settings& outer) = nullptr;
  bool is_block = false;
  Support support = Support::Full;
  std::string_view reason = {};  // when not Full: what the user should know

  /// The same row for a directive that can have no effect in Weir.
  constexpr DirectiveSpec accepted(std::string_view why) const { return with(Support::Accepted, why); }
  /// The same row for a directive that works differently from nginx's.
  constexpr DirectiveSpec degraded(std::string_view how) const { return with(Support::Degraded, how); }

 private:
  constexpr DirectiveSpec with(Support level, std::string_view text) const {
    DirectiveSpec copy = *this;
    copy.support = level;
    copy.reason = text;
    return copy;
  }
};

namespace detail {
template <class>
struct MemberOf;
template <class Conf, class Value>
struct MemberOf<Setting<Value> Conf::*> {
  using ConfType = Conf;
  using ValueType = Value;
};
template <auto Member>
using ConfOf = typename MemberOf<std::remove_const_t<decltype(Member)>>::ConfType;
template <auto Member>
using ValueOf = typename MemberOf<std::remove_const_t<decltype(Member)>>::ValueType;

// The type comes before the member in these parameter lists on purpose: GCC 12 gives a function whose only argument
// is a pointer to a member of an anonymous namespace's type external linkage, and the linker then merges those of all
// features that call their types `Conf` alike.
template <class Conf, auto Member>
void inherit_one(Settings& inner, const Settings& outer) {
  const auto& from = outer.get<Conf>().*Member;
  if (!from.is_set() || (inner.get<Conf>().*Member).is_set()) return;
  (inner.edit<Conf>().*Member).inherit(from);
}

template <class Conf, auto... Members>
void inherit_all(Settings& inner, const Settings& outer) {
  (inherit_one<Conf, Members>(inner, outer), ...);
}

template <class Conf, auto Member, auto Parse>
void apply_once(const Call& call) {
  if ((call.settings.get<Conf>().*Member).is_set_here()) call.fail_duplicate();
  auto value = Parse(call);
  (call.settings.edit<Conf>().*Member).set(std::move(value));
}

template <class Conf, auto Member, auto ParseItem>
void apply_item(const Call& call) {
  using List = ValueOf<Member>;
  auto item = ParseItem(call);
  List& list = (call.settings.edit<Conf>().*Member).edit();
  if constexpr (std::is_same_v<decltype(item), List>)
    for (auto& each : item) list.push_back(std::move(each));
  else
    list.push_back(std::move(item));
}
}  // namespace detail

using InheritFunction = void (*)(Settings& inner, const Settings& outer);

/// An `inherit` function for members of one Conf, `&inherit_members<&Conf::a, &Conf::b>`; for `custom` rows that fill
/// Setting members by themselves.
template <auto First, auto... More>
inline constexpr auto& inherit_members = detail::inherit_all<detail::ConfOf<First>, First, More...>;

/// A directive that sets one Setting<T>. `Parse` returns the T. A second use in one scope is a duplicate.
template <auto Member, auto Parse>
consteval DirectiveSpec directive(std::string_view name, Context contexts, Arity arity, std::string_view syntax,
                                  std::string_view doc) {
  using Conf = detail::ConfOf<Member>;
  return {name,
          contexts,
          arity,
          syntax,
          doc,
          &detail::apply_once<Conf, Member, Parse>,
          &detail::inherit_one<Conf, Member>};
}

/// A directive that appends to one Setting<std::vector<T>>. `ParseItem` returns a T, or a whole vector of them.
/// The list of an inner scope replaces the outer one's.
template <auto Member, auto ParseItem>
consteval DirectiveSpec repeated(std::string_view name, Context contexts, Arity arity, std::string_view syntax,
                                 std::string_view doc) {
  using Conf = detail::ConfOf<Member>;
  return {name,
          contexts,
          arity,
          syntax,
          doc,
          &detail::apply_item<Conf, Member, ParseItem>,
          &detail::inherit_one<Conf, Member>};
}

/// Any other directive: `apply` does everything, and looks at `call.statement.children` if it is a block.
constexpr DirectiveSpec custom(std::string_view name, Context contexts, Arity arity, std::string_view syntax,
                               std::string_view doc, void (*apply)(const Call&), bool is_block = false,
                               InheritFunction inherit = nullptr) {
  return {name, contexts, arity, syntax, doc, apply, inherit, is_block};
}

/// A `custom` directive with a block.
constexpr DirectiveSpec block(std::string_view name, Context contexts, Arity arity, std::string_view syntax,
                              std::string_view doc, void (*apply)(const Call&)) {
  return custom(name, contexts, arity, syntax, doc, apply, true);
}

}  // namespace weir::config
