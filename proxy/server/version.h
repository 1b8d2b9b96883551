// What -v and -V print: which program this is, and which of nginx's modules' jobs it does.
//
// Tools decide by this text what a configuration may contain (nginx's own test suite does), so the table of modules
// must tell the truth: a feature's change flips its row.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace weir::server {

/// Weir's own version, `MAJOR.MINOR.PATCH`, from the build.
std::string_view version();

/// The nginx release whose configuration language is understood; printed for tools that compare versions.
inline constexpr std::string_view kNginxLevel = "1.31.5";

/// One module of nginx, by the name that its `configure` uses behind `--with-` or `--without-`.
struct Module {
  /// Whether nginx has it when `configure` is told nothing. Such a module is printed only when it is absent
  /// (`--without-NAME`), any other only when it is present (`--with-NAME`).
  enum class Default : bool { Out, In };

  std::string_view name;
  Default in_nginx;
  bool present;  ///< Weir does this module's job
};

/// Every module that nginx 1.31 can be configured with or without and that some configuration can need.
std::span<const Module> modules();

/// -v: two lines, what Weir is and the level of its configuration.
std::string version_text();

/// -V: `version_text`, the compiler, OpenSSL, and the line `configure arguments:` in nginx's form.
std::string build_text();

/// The part of `build_text` behind `configure arguments:`, for a given table.
std::string configure_arguments(std::span<const Module> table);

}  // namespace weir::server
