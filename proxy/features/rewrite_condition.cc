#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "features/rewrite.h"
#include "features/scopes.h"

namespace weir::http {

RewriteCondition RewriteCondition::parse(const config::Call& call) {
  // `( $a = b )` and `($a = b)` are the same.
  std::vector<std::string> words(call.args.begin(), call.args.end());
  if (!words.front().starts_with('(')) call.fail(fmt::format("invalid condition \"{}\"", words.front()));
  words.front().erase(0, 1);
  if (!words.back().ends_with(')')) call.fail(fmt::format("invalid condition \"{}\"", words.back()));
  words.back().pop_back();
  // What is left of a parenthesis that stood alone goes; an empty word in between is a value: `($a = "")`.
  if (words.front().empty()) words.erase(words.begin());
  if (!words.empty() && words.back().empty()) words.pop_back();
  if (words.empty()) call.fail("invalid condition \"()\"");

  Loader& loader = Loader::of(call);
  RewriteCondition condition;
  const auto text = [&](const std::string& word) { return Template::compile(word, loader.config.variables); };
  std::string_view sign = words[0];
  if (sign.starts_with('$') && sign.size() > 1) {
    condition.subject_ = text(words[0]);
    if (words.size() == 1) return condition;
    std::string_view compare = words[1];
    if (compare.starts_with('!')) {
      condition.negated_ = true;
      compare.remove_prefix(1);
    }
    if (words.size() != 3) call.fail(fmt::format("invalid condition \"{}\"", words[1]));
    if (compare == "=") {
      condition.kind_ = Kind::Equal;
      condition.value_ = text(words[2]);
    } else if (compare == "~" || compare == "~*") {
      condition.kind_ = Kind::Regex;
      condition.regex_ = loader.compile_regex(words[2], compare == "~" ? config::Regex::Case::Sensitive
                                                                       : config::Regex::Case::Insensitive);
    } else {
      call.fail(fmt::format("unexpected \"{}\" in condition", words[1]));
    }
    return condition;
  }
  if (sign.starts_with('!')) {
    condition.negated_ = true;
    sign.remove_prefix(1);
  }
  if (words.size() != 2) call.fail(fmt::format("invalid condition \"{}\"", words[0]));
  if (sign == "-f")
    condition.kind_ = Kind::IsFile;
  else if (sign == "-d")
    condition.kind_ = Kind::IsDirectory;
  else if (sign == "-e")
    condition.kind_ = Kind::Exists;
  else if (sign == "-x")
    condition.kind_ = Kind::IsExecutable;
  else
    call.fail(fmt::format("invalid condition \"{}\"", words[0]));
  condition.subject_ = text(words[1]);
  return condition;
}

bool RewriteCondition::holds(Exchange& exchange) const {
  const std::string_view subject = subject_.evaluate(exchange);
  const auto fact = [&] {
    switch (kind_) {
      case Kind::Truth: return !subject.empty() && subject != "0";
      case Kind::Equal: return subject == value_.evaluate(exchange);
      case Kind::Regex: return exchange.match(regex_, subject);
      default: break;
    }
    struct stat info;
    const std::string path(subject);
    if (::stat(path.c_str(), &info) != 0) return false;
    switch (kind_) {
      case Kind::IsFile: return S_ISREG(info.st_mode);
      case Kind::IsDirectory: return S_ISDIR(info.st_mode);
      case Kind::IsExecutable: return ::access(path.c_str(), X_OK) == 0;
      default: return true;
    }
  };
  return fact() != negated_;
}

}  // namespace weir::http
