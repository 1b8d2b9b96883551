// Steps of the rewrite phase.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/regex.h"
#include "http/exchange.h"

namespace weir::http {

/// One directive of the rewrite phase.
class RewriteStep {
 public:
  virtual ~RewriteStep() = default;
  /// Nothing: go on with the next step. PhaseResult::next(): this scope's steps end here. Else: a response.
  virtual std::optional<PhaseResult> run(Exchange& exchange) const = 0;
};

using RewriteSteps = std::vector<std::shared_ptr<const RewriteStep>>;

struct RewriteConf {
  RewriteSteps steps;  // of this very scope: they are not inherited
};

std::optional<PhaseResult> run_steps(Exchange& exchange, const RewriteSteps& steps);

/// What stands between the parentheses of `if`.
class RewriteCondition {
 public:
  /// Reads the arguments of an `if` directive. Throws config::ValueError in nginx's wording.
  static RewriteCondition parse(const config::Call& call);

  bool holds(Exchange& exchange) const;

 private:
  enum class Kind : std::uint8_t { Truth, Equal, Regex, IsFile, IsDirectory, Exists, IsExecutable };

  Kind kind_ = Kind::Truth;
  bool negated_ = false;
  Template subject_;
  Template value_;
  config::Regex regex_;
};

}  // namespace weir::http
