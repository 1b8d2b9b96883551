// The reference page for users, conf/DIRECTIVES.md: `weir --print-directives` writes it.
#pragma once

#include <string>

namespace weir::server {

/// Every directive, from the tables, and where Weir differs from nginx on purpose. Markdown.
std::string reference_markdown();

}  // namespace weir::server
