// Settings of one scope that are members of a plain struct of options: directives set them there, with nobody in between.
//
//   struct Conf {
//     OptionSet<net::Options> options;
//   };
//   option<Conf, &net::Options::depth, &config::number>("example_depth", …)
//   repeated_option<Conf, &net::Options::files, &config::text>("example_file", …)
//
// `Options` must be default-constructible; what it is made with are the defaults.
#pragma once

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "config/directive.h"

namespace weir::shared {

template <class Options>
class OptionSet {
 public:
  const Options& operator*() const { return values_; }
  const Options* operator->() const { return &values_; }

  /// Whether a directive of this very scope set the member.
  template <auto Member>
  bool is_set_here() const {
    return origin_of(&copy<Member>) == Origin::Here;
  }
  /// The member, to be set by a directive of this scope. The first call in a scope finds it empty.
  template <auto Member>
  auto& edit() {
    if (!is_set_here<Member>()) {
      values_.*Member = {};
      mark(&copy<Member>, Origin::Here);
    }
    return values_.*Member;
  }
  /// Takes from the scope around this one whatever was set there and not here.
  void inherit(const OptionSet& outer) {
    for (const Mark& set : outer.marks_) {
      if (origin_of(set.copy) != Origin::Default) continue;
      set.copy(values_, outer.values_);
      mark(set.copy, Origin::Outer);
    }
  }
  bool has_any() const { return !marks_.empty(); }

 private:
  enum class Origin : std::uint8_t { Default, Outer, Here };
  using Copy = void (*)(Options& into, const Options& from);
  struct Mark {
    Copy copy;  // stands for the member
    Origin origin;
  };
  template <auto Member>
  static void copy(Options& into, const Options& from) {
    into.*Member = from.*Member;
  }
  Origin origin_of(Copy member) const {
    const auto found = std::ranges::find(marks_, member, &Mark::copy);
    return found == marks_.end() ? Origin::Default : found->origin;
  }
  void mark(Copy member, Origin origin) {
    const auto found = std::ranges::find(marks_, member, &Mark::copy);
    if (found == marks_.end())
      marks_.push_back({member, origin});
    else
      found->origin = origin;
  }

  Options values_;
  std::vector<Mark> marks_;
};

namespace detail {
template <class Conf, auto Member, auto Parse>
void apply_option(const config::Call& call) {
  if (call.settings.get<Conf>().options.template is_set_here<Member>()) call.fail_duplicate();
  auto value = Parse(call);
  call.settings.edit<Conf>().options.template edit<Member>() = std::move(value);
}

template <class Conf, auto Member, auto ParseItem>
void append_option(const config::Call& call) {
  auto item = ParseItem(call);
  call.settings.edit<Conf>().options.template edit<Member>().push_back(std::move(item));
}

template <class Conf>
void inherit_options(config::Settings& inner, const config::Settings& outer) {
  const auto& from = outer.get<Conf>().options;
  if (from.has_any()) inner.edit<Conf>().options.inherit(from);
}
}  // namespace detail

/// A directive that sets one member. `Parse` returns its value. A second use in one scope is a duplicate.
template <class Conf, auto Member, auto Parse>
consteval config::DirectiveSpec option(std::string_view name, config::Context contexts, config::Arity arity,
                                       std::string_view syntax, std::string_view doc) {
  return {name, contexts, arity, syntax, doc, &detail::apply_option<Conf, Member, Parse>, &detail::inherit_options<Conf>};
}

/// A directive that appends to a member that is a list. The list of an inner scope replaces the outer one's.
template <class Conf, auto Member, auto ParseItem>
consteval config::DirectiveSpec repeated_option(std::string_view name, config::Context contexts, config::Arity arity,
                                                std::string_view syntax, std::string_view doc) {
  return {name, contexts, arity, syntax, doc, &detail::append_option<Conf, Member, ParseItem>, &detail::inherit_options<Conf>};
}

}  // namespace weir::shared
