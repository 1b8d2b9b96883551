#include "raw_client.h"

#include <utility>

namespace weir::test {

RawClient::Rest RawClient::read_to_end(milliseconds patience) {
  Rest rest{std::exchange(reader_.buffered(), {}), IoStatus::Ok};
  do rest.end = socket_.receive(rest.bytes, 65'536, patience);
  while (rest.end == IoStatus::Ok);
  return rest;
}

std::string RawClient::read_bytes(std::size_t bytes, milliseconds patience) {
  auto& buffer = reader_.buffered();
  while (buffer.size() < bytes && socket_.receive(buffer, bytes - buffer.size(), patience) == IoStatus::Ok) continue;
  std::string taken = buffer.substr(0, bytes);
  buffer.erase(0, taken.size());
  return taken;
}

bool RawClient::quiet_for(milliseconds time) {
  return reader_.buffered().empty() && socket_.receive(reader_.buffered(), 65'536, time) == IoStatus::Timeout;
}

}  // namespace weir::test
