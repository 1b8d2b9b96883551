#include "net/crc32c.h"

#include <boost/crc.hpp>

namespace weir::net {

std::uint32_t crc32c(std::string_view octets) {
  boost::crc_optimal<32, 0x1edc6f41, 0xffffffff, 0xffffffff, true, true> sum;
  sum.process_bytes(octets.data(), octets.size());
  return sum.checksum();
}

}  // namespace weir::net
