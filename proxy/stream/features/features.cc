#include "stream/features/features.h"

namespace weir::stream {

// Order is order of execution within a phase.
#define WEIR_STREAM_FEATURES(FEATURE)                                                               \
  FEATURE(core)                                                                                     \
  FEATURE(variables)                                                                                \
  FEATURE(ssl)                                                                                      \
  FEATURE(real_ip) /* before all rules: they judge the address it finds */                          \
  FEATURE(limit_conn)                                                                               \
  FEATURE(access)                                                                                   \
  FEATURE(ssl_preread)                                                                              \
  FEATURE(set) /* last of what looks ahead: values may use what that found */                       \
  FEATURE(returning)                                                                                \
  FEATURE(passing)                                                                                  \
  FEATURE(proxy)                                                                                    \
  FEATURE(access_log)

#define WEIR_DECLARE(feature) extern const Feature feature;
WEIR_STREAM_FEATURES(WEIR_DECLARE)
#undef WEIR_DECLARE

std::span<const Feature* const> features() {
#define WEIR_POINTER(feature) &feature,
  static const Feature* const kAll[] = {WEIR_STREAM_FEATURES(WEIR_POINTER)};
#undef WEIR_POINTER
  return kAll;
}

void add_directives(config::DirectiveTable& table) {
  for (const Feature* feature : features()) table.add(feature->directives);
}

}  // namespace weir::stream
