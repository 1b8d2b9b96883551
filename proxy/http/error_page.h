// error_page: what is answered in place of a status.
#pragma once

#include <vector>

#include "http/core_conf.h"
#include "http/phase.h"
#include "http/variable.h"

namespace weir::http {

/// One `error_page CODE … [=[STATUS]] TARGET`.
struct ErrorPage {
  std::vector<int> codes;
  bool changes_status = false;  // `=` was given
  int status = 0;               // the status after `=`; 0: that of the page itself
  Template target;              // a URI, `@named`, or a URL
};

struct ErrorPageConf {
  Setting<std::vector<ErrorPage>> pages;
  Setting<bool> recursive{false};
};

/// The page of this location for `status`, or nullptr.
const ErrorPage* find_error_page(const Exchange& exchange, int status);

/// What follows from `page` for an exchange that was to be answered with `status`: a relocation, or a redirection that
/// is ready in `exchange.response` (then true in `ready`).
PhaseResult follow_error_page(Exchange& exchange, const ErrorPage& page, int status, bool& ready);

}  // namespace weir::http
