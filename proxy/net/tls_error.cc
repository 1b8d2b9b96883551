#include "net/tls_error.h"

#include <openssl/err.h>

namespace weir::net {

std::string take_tls_errors() {
  std::string text;
  const char* data = nullptr;
  int flags = 0;
  while (const unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
    if (text.size() > 1024) continue;  // the queue is emptied all the same
    char one[256];
    ERR_error_string_n(code, one, sizeof one);
    text += text.empty() ? "SSL: " : " ";
    text += one;
    if ((flags & ERR_TXT_STRING) && data && *data) text.append(":").append(data);
  }
  return text;
}

void fail_tls(std::string_view what) {
  std::string text(what);
  if (const std::string errors = take_tls_errors(); !errors.empty()) text += " (" + errors + ")";
  throw TlsConfigError(text);
}

}  // namespace weir::net
