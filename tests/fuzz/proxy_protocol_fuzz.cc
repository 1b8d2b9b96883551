// Any octets as a PROXY protocol header of either version. Must hold: no part of a header is taken for a whole one, what
// follows does not matter, and what was read is read again from what Weir itself writes of it.
#include <cstdint>
#include <string>

#include "must.h"
#include "net/proxy_protocol.h"
#include "net/proxy_protocol_writer.h"

namespace weir::net {
namespace {

using Status = ProxyHeaderStatus;

void must_read_again(const std::string& written, const ProxyHeader& header) {
  ProxyHeader again;
  std::size_t size = 0;
  MUST(parse_proxy_header(written + "rest", again, size) == Status::Complete && size == written.size());
  const bool mapped = again.source.family() != header.source.family();  // two IPv4-mapped addresses become IPv4 ones
  MUST(mapped || (again.source == header.source && again.destination == header.destination));
  MUST(again.source.port() == header.source.port() && again.destination.port() == header.destination.port());
  MUST(!mapped || "::ffff:" + again.source.address_string() == header.source.address_string());
  MUST(!mapped || "::ffff:" + again.destination.address_string() == header.destination.address_string());
}

void run(const std::string& octets) {
  ProxyHeader header;
  std::size_t size = 0;
  const Status outcome = parse_proxy_header(octets, header, size);
  if (outcome == Status::Incomplete) MUST(octets.size() < kLongestProxyHeader);
  if (outcome != Status::Complete) return;
  MUST(size > 0 && size <= octets.size() && size <= kLongestProxyHeader);
  MUST(header.source.is_empty() == header.destination.is_empty());
  MUST(header.tlvs.size() < size);
  for (unsigned type = 0; type < 256; ++type) {
    const auto value = header.tlv(static_cast<std::uint8_t>(type));
    if (value) MUST(value->data() >= header.tlvs.data() && value->size() < header.tlvs.size());
  }

  for (std::size_t part = 0; part < size; ++part) {
    ProxyHeader cut;
    std::size_t unused = 0;
    const std::string beginning = octets.substr(0, part);
    MUST(parse_proxy_header(beginning, cut, unused) == Status::Incomplete);
  }
  if (header.source.is_empty()) return;
  must_read_again(proxy_header_v1(header.source, header.destination), header);
  must_read_again(proxy_header_v2(header.source, header.destination, ProxyTransport::Stream), header);
}

}  // namespace
}  // namespace weir::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::net::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
