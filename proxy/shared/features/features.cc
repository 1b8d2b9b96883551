#include "shared/features/features.h"

namespace weir::shared {

#define WEIR_SHARED_FEATURES(FEATURE) \
  FEATURE(resolver)                   \
  FEATURE(upstream)                   \
  FEATURE(health_check)               \
  FEATURE(zk_cluster)                 \
  FEATURE(geo)                        \
  FEATURE(map)                        \
  FEATURE(split_clients)              \
  FEATURE(access)                     \
  FEATURE(limit_conn)                 \
  FEATURE(error_log)                  \
  FEATURE(access_log)

#define WEIR_DECLARE(feature) extern const Directives feature##_directives;
WEIR_SHARED_FEATURES(WEIR_DECLARE)
#undef WEIR_DECLARE

void add_directives(config::DirectiveTable& table) {
#define WEIR_ADD(feature) table.add(feature##_directives);
  WEIR_SHARED_FEATURES(WEIR_ADD)
#undef WEIR_ADD
}

}  // namespace weir::shared
