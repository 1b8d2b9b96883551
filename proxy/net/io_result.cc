#include "net/io_result.h"

#include <cstring>

namespace weir::net {

std::string IoError::message() const {
  if (is_eof()) return "end of stream";
  char buffer[128];
  return std::to_string(code) + ": " + strerror_r(code, buffer, sizeof buffer);
}

}  // namespace weir::net
