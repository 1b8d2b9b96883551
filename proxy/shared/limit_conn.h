// limit_conn: how many requests or sessions with one key may be under way at once.
#pragma once

#include "config/settings.h"
#include "shared/variable.h"

namespace weir::shared {

class Context;

bool has_connection_limits(const config::Settings& settings);
/// `limit_conn_status`, of http.
int connection_refusal_status(const config::Settings& settings);

/// Counts what is served in the zones of its settings, until it ends, unless that was done. False: there are too many,
/// which was logged.
bool admit_connection(Context& context);

/// `$limit_conn_status`.
VariableValue limit_conn_status(Context& context, const VariableArg&);

}  // namespace weir::shared
