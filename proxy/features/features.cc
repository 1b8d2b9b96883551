#include "features/features.h"

namespace weir::http {

// Order is order of execution within a phase, and of header filters.
#define WEIR_HTTP_FEATURES(FEATURE)                                                                \
  FEATURE(core)                                                                                    \
  FEATURE(variables)                                                                               \
  FEATURE(upstream)                                                                                \
  FEATURE(sticky)                                                                                  \
  FEATURE(failover)                                                                                \
  FEATURE(zk_status)                                                                               \
  FEATURE(ssl)        /* whom a client may be is settled before anything else is done for it */         \
  FEATURE(real_ip)    /* before all rules: they judge the address it finds */                      \
  FEATURE(secure_link)                                                                             \
  FEATURE(rewrite)                                                                                 \
  FEATURE(error_page)                                                                              \
  FEATURE(limit_conn)                                                                              \
  FEATURE(limit_req)                                                                               \
  FEATURE(limit_except)                                                                            \
  FEATURE(access)                                                                                  \
  FEATURE(auth_basic)                                                                              \
  FEATURE(auth_request) /* last of the access checks: it does not ask about those refused */       \
  FEATURE(try_files)                                                                               \
  FEATURE(types)                                                                                   \
  FEATURE(limit_rate)                                                                              \
  FEATURE(keepalive_disable)                                                                       \
  FEATURE(stub_status)                                                                             \
  FEATURE(weir_status)                                                                             \
  FEATURE(proxy)                                                                                   \
  FEATURE(proxy_ssl)  /* after `proxy`, which settles where a location passes to */                \
  FEATURE(files)      /* last of the content handlers: it answers whatever the others left */      \
  FEATURE(conditions) /* they judge a response's own time and tag, before `add_header` changes them */ \
  FEATURE(expires)                                                                                 \
  FEATURE(headers)    /* after `expires`, so that `add_header Cache-Control` adds to it */         \
  FEATURE(charset)                                                                                 \
  FEATURE(ranges)     /* after `headers`: If-Range is compared with what the client was told */    \
  FEATURE(access_log)

#define WEIR_DECLARE(feature) extern const Feature feature;
WEIR_HTTP_FEATURES(WEIR_DECLARE)
#undef WEIR_DECLARE

std::span<const Feature* const> features() {
#define WEIR_POINTER(feature) &feature,
  static const Feature* const kAll[] = {WEIR_HTTP_FEATURES(WEIR_POINTER)};
#undef WEIR_POINTER
  return kAll;
}

void add_directives(config::DirectiveTable& table) {
  for (const Feature* feature : features()) table.add(feature->directives);
}

}  // namespace weir::http
