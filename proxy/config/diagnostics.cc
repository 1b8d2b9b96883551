#include "config/diagnostics.h"

#include <fmt/format.h>

namespace weir::config {

void Diagnostics::add(Severity severity, const Position& at, std::string message) {
  const bool is_error = severity == Severity::Emerg;
  // Counted apart, so that ten thousand notices cannot crowd out the error that matters.
  std::size_t& count = is_error ? errors_ : others_;
  if (++count <= kMaxErrors) all_.push_back({severity, std::move(message), at});
}

std::string Diagnostics::to_text(std::string_view prefix, Severity least) const {
  std::string text;
  for (const Diagnostic& diagnostic : all_)
    if (diagnostic.severity <= least) text += fmt::format("{}{}\n", prefix, config::to_text(diagnostic));
  if (errors_ > kMaxErrors) text += fmt::format("{}[emerg] and {} more errors\n", prefix, errors_ - kMaxErrors);
  if (others_ > kMaxErrors && least > Severity::Emerg)
    text += fmt::format("{}[warn] and {} more warnings or notices\n", prefix, others_ - kMaxErrors);
  return text;
}

std::string_view to_text(Severity severity) {
  switch (severity) {
    case Severity::Emerg:
      return "emerg";
    case Severity::Warn:
      return "warn";
    case Severity::Notice:
      return "notice";
  }
  return "emerg";
}

std::string to_text(const Position& at) {
  if (!at.file || at.file->empty()) return {};
  return at.line > 0 ? fmt::format(" in {}:{}", *at.file, at.line) : fmt::format(" in {}", *at.file);
}

std::string to_text(const Diagnostic& diagnostic) {
  return fmt::format("[{}] {}{}", to_text(diagnostic.severity), diagnostic.message, to_text(diagnostic.at));
}

}  // namespace weir::config
