// Variables (`$host`, `$arg_x` …) and the texts that use them.
//
// The tables are filled while a configuration loads and never change afterwards; evaluation happens on the worker that
// owns the context.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/statement.h"

namespace weir::net {
class Arena;
}

namespace weir::shared {

class Context;

/// A variable's value for one context. `text` lives as long as the context. A variable that is "not found" is empty
/// in texts and `-` in logs.
struct VariableValue {
  std::string_view text;
  bool found = true;

  static VariableValue not_found() { return {{}, false}; }
};

/// What a getter may know besides the context: the rest of a prefix variable's name (`arg_`→`x`), or a feature's data.
struct VariableArg {
  std::string_view suffix;
  const void* data = nullptr;
};

using VariableGetter = VariableValue (*)(Context&, const VariableArg&);
/// What `set` does with a built-in variable. `value` lives as long as the context.
using VariableSetter = void (*)(Context&, std::string_view value);

/// One built-in variable. A name that ends in `_` followed by `*` (such as `arg_*`) is a family.
struct VariableSpec {
  std::string_view name;
  VariableGetter get;
  VariableSetter set = nullptr;  // of those that `set` may change
  bool cached = false;           // asked for once in a context: a second time it would say something else
};

/// Names → how to read them. One per configuration.
class VariableTable {
 public:
  using Index = std::uint32_t;

  void add(std::span<const VariableSpec> specs);

  /// Adds a variable that the configuration defines (`set`, `map`, `geo` …). `owned` keeps `data` alive.
  /// Returns false if the name is taken by a built-in one that may not be changed.
  bool define(std::string name, VariableGetter get, std::shared_ptr<const void> owned, bool cached = true);

  /// The variable's index, or nothing if no such name is known.
  std::optional<Index> find(std::string_view name);

  /// The variable's index. If no such name is known it has to be defined further down: `missing` tells if it was not.
  Index find_or_expect(std::string_view name);
  /// The statement that is being read, for `missing`.
  void read_at(const config::Position& at) { reading_at_ = at; }
  const config::Position& reading_at() const { return reading_at_; }
  /// A name that was expected and not defined, and where it was first used.
  struct Missing {
    std::string name;
    config::Position at;
  };
  std::vector<Missing> missing() const;

  VariableValue get(Index index, Context& context) const;

  /// Makes `$name` a variable that is written at run time (by `set`, by a named capture). Returns its slot, or nothing
  /// if a built-in variable has the name.
  std::optional<std::uint32_t> define_writable(std::string_view name);
  /// How `set` changes the built-in variable `name`; null: it may not, or there is none.
  VariableSetter setter(std::string_view name) const;
  /// The slot of a writable variable, or nothing.
  std::optional<std::uint32_t> writable(std::string_view name) const;

  /// Reserves a slot that `set` and kin write at run time; the same name gives the same slot.
  std::uint32_t slot(std::string_view name);
  std::uint32_t slots() const { return static_cast<std::uint32_t>(slots_.size()); }

 private:
  struct Entry {
    VariableGetter get = nullptr;
    std::string suffix;
    std::shared_ptr<const void> data;
    std::uint32_t cache = kNoCache;  // index among the cached ones of a context
    VariableSetter set = nullptr;
  };
  static constexpr std::uint32_t kNoCache = ~0u;
  /// Variables may refer to each other in a circle; deeper than this is one. Source: nginx has the same limit.
  static constexpr unsigned kDeepest = 255;

  VariableValue get_defined(Index index, Context& context) const;

  std::map<std::string, Index, std::less<>> names_;
  std::vector<Entry> entries_;
  std::vector<VariableSpec> families_;
  std::vector<std::pair<Index, config::Position>> expected_;  // in the order of use
  config::Position reading_at_;
  std::map<std::string, std::uint32_t, std::less<>> slots_;
};

/// How a Template writes captures; null: as they are.
using CaptureWriter = std::string_view (*)(std::string_view, net::Arena&);

/// A text with variables, such as `$scheme://$host$request_uri`, compiled once.
/// Source: nginx calls these "complex values".
class Template {
 public:
  Template() = default;

  /// Compiles `text`. Its variables may be defined later (`VariableTable::missing`); a bare `$` throws config::ValueError
  /// in nginx's wording.
  /// `$1` … `$9` are the captures of the last regular expression that matched.
  static Template compile(std::string_view text, VariableTable& variables);

  /// A template without variables.
  static Template literal(std::string text);

  /// The text for this context; lives as long as the context.
  std::string_view evaluate(Context& context, CaptureWriter write_capture = nullptr) const;

  bool is_literal() const { return parts_.empty(); }
  bool is_empty_literal() const { return parts_.empty() && literal_.empty(); }
  /// The text as the configuration has it.
  const std::string& source() const { return source_; }
  const std::string& literal_text() const { return literal_; }

  bool operator==(const Template& other) const { return source_ == other.source_; }

 private:
  struct Part {
    enum class Kind : std::uint8_t { Text, Variable, Capture } kind;
    std::uint32_t index = 0;  // of the variable, or the capture's number
    std::string text;
  };

  std::string source_;
  std::string literal_;      // the whole text when it has no variables
  std::vector<Part> parts_;  // empty when it has none
};

}  // namespace weir::shared
