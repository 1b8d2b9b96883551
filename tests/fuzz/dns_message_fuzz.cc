// Any octets as a name server's answer. The first says what was asked for. Must hold: what is told lies within its limits,
// and an answer that ends somewhere inside is never read to more than the whole one.
#include <sys/socket.h>

#include <algorithm>
#include <string>

#include "must.h"
#include "net/dns_message.h"

namespace weir::net::dns {
namespace {

constexpr std::uint16_t kId = 0x1234;
constexpr std::string_view kName = "backend.example.com";

void check(const Answer& answer, Type type) {
  MUST(answer.code >= 0 && answer.code <= 15);
  MUST(answer.alias.size() <= 253);
  MUST(answer.addresses.size() <= 512 && answer.services.size() <= 512);
  MUST(answer.ttl <= 0x7fffffff);
  MUST(type == Type::Srv ? answer.addresses.empty() : answer.services.empty());
  for (const Endpoint& address : answer.addresses) MUST((address.family() == AF_INET) == (type == Type::A));
  for (const Service& service : answer.services)
    MUST(service.target.size() <= 253 && service.target.find('\0') == service.target.npos);
}

void run(std::string_view input) {
  if (input.empty()) return;
  constexpr Type kTypes[] = {Type::A, Type::Aaaa, Type::Srv};
  const Type type = kTypes[static_cast<unsigned char>(input[0]) % 3];
  // The question, which an answer repeats, is put there: else hardly any input would get past it. Sometimes it is not.
  const bool whole = static_cast<unsigned char>(input[0]) >= 192;
  std::string packet(input.substr(1));
  if (!whole) {
    std::string head = *make_query(kId, kName, type);
    head[2] = static_cast<char>(0x81), head[3] = static_cast<char>(0x80);  // an answer
    if (packet.size() >= 2) head[6] = packet[0], head[7] = packet[1];      // how many records
    packet = head + packet.substr(std::min<std::size_t>(2, packet.size()));
  }
  const auto answer = parse_answer(packet, kId, kName, type);
  if (!answer) return;
  check(*answer, type);
  MUST(!parse_answer(packet, kId + 1, kName, type));
  const std::string cut = packet.substr(0, packet.size() / 2);
  if (const auto less = parse_answer(cut, kId, kName, type)) {
    check(*less, type);
    MUST(less->addresses.size() <= answer->addresses.size() && less->services.size() <= answer->services.size());
  }
}

}  // namespace
}  // namespace weir::net::dns

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::net::dns::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
