#include "shared/features/features.h"

namespace weir::shared {

#define WEIR_SHARED_FEATURES(FEATURE) \
  FEATURE(resolver)                   \
  FEATURE(upstream)                   \
  FEATURE(health_check)               \
  FEATURE(zk_cluster)                 \
  FEATURE(geo)                        \
  FEATURE(map)                        \
  FEATURE(num_map)                    \
  FEATURE(split_clients)              \
  FEATURE(real_ip)                    \
  FEATURE(ssl)                        \
  FEATURE(proxy_ssl)                  \
  FEATURE(access)                     \
  FEATURE(limit_conn)                 \
  FEATURE(error_log)                  \
  FEATURE(access_log)

#define WEIR_DECLARE(feature) extern const Directives feature##_directives;
WEIR_SHARED_FEATURES(WEIR_DECLARE)
#undef WEIR_DECLARE

std::span<const VariableSpec> common_variables();
std::span<const VariableSpec> proxy_protocol_variables();
std::span<const VariableSpec> real_ip_variables();
std::span<const VariableSpec> ssl_variables();

void add_variables(VariableTable& table) {
  for (const auto& specs : {common_variables(), proxy_protocol_variables(), real_ip_variables(), ssl_variables()})
    table.add(specs);
}

void add_directives(config::DirectiveTable& table) {
#define WEIR_ADD(feature) table.add(feature##_directives);
  WEIR_SHARED_FEATURES(WEIR_ADD)
#undef WEIR_ADD
}

}  // namespace weir::shared
