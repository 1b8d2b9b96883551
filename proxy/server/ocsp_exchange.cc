#include "server/ocsp_exchange.h"

#include <fmt/format.h>
#include <netdb.h>

#include <vector>

#include "net/connect.h"
#include "net/resolver.h"
#include "net/tls_options.h"
#include "server/small_request.h"

namespace weir::server {

namespace {

constexpr std::chrono::seconds kPatience{10};  // with one address of a responder
constexpr std::size_t kMostAnswer = 64 * 1024;

/// As the system finds them. Waits.
std::vector<net::Endpoint> addresses_by_system(const std::string& host, std::string& wrong) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::vector<net::Endpoint> addresses;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    wrong = fmt::format("{} could not be resolved ({}); there is no resolver", host, ::gai_strerror(error));
    return addresses;
  }
  for (const addrinfo* each = found; each; each = each->ai_next)
    addresses.emplace_back(each->ai_addr, each->ai_addrlen);
  ::freeaddrinfo(found);
  return addresses;
}

/// What is waited for at the moment.
class Inquiry final : public net::OcspInquiry {
 public:
  explicit Inquiry(net::OcspInquiry** shown) : shown_(shown) { *shown_ = this; }
  Inquiry(const Inquiry&) = delete;
  ~Inquiry() { *shown_ = nullptr; }

  void cancel() override {
    is_canceled = true;
    if (lookup) lookup->cancel();
    if (stream) stream->close();
  }

  net::Resolver::Lookup* lookup = nullptr;
  net::Stream* stream = nullptr;
  bool is_canceled = false;

 private:
  net::OcspInquiry** const shown_;
};

net::Task<std::vector<net::Endpoint>> addresses_of(Inquiry& inquiry, net::Loop& loop, const net::OcspResponder& responder,
                                                   const net::TlsResponderNames& names, bool may_block, TimeLeft left,
                                                   std::string& wrong) {
  if (const auto literal = net::Endpoint::from_address(responder.host, responder.port)) co_return std::vector{*literal};
  if (!names.resolver) {
    if (may_block) co_return addresses_by_system(responder.host, wrong);
    wrong = "no resolver defined to resolve " + responder.host;
    co_return std::vector<net::Endpoint>();
  }
  const auto resolver = std::make_shared<net::Resolver>(loop, *names.resolver);
  net::Resolver::Lookup lookup(*resolver, responder.host, false, std::min(names.timeout, left.get()));
  inquiry.lookup = &lookup;
  const net::ResolutionPtr found = co_await lookup;
  inquiry.lookup = nullptr;
  if (found->code != 0) wrong = fmt::format("{} could not be resolved ({})", responder.host, found->failure());
  co_return found->addresses;
}

net::Task<std::string> ask_at(Inquiry& inquiry, net::Loop& loop, net::Endpoint address, const std::string& host,
                              const std::string& target, TimeLeft left, std::string& answer) {
  net::ConnectOptions options;
  options.under_way = &inquiry.stream;
  net::ConnectResult connected = co_await net::connect(loop, address, left.get(), options);
  if (connected.error) co_return failure("connect() failed", connected.error);
  SmallRequest request(loop, std::move(connected.stream), left);
  inquiry.stream = &request.stream();
  std::string wrong = co_await request.ask(target, host, "weir");
  if (wrong.empty() && request.head().status != 200) wrong = fmt::format("status {}", request.head().status);
  if (wrong.empty()) wrong = co_await request.read_body(answer, kMostAnswer);
  inquiry.stream = nullptr;
  co_return wrong;
}

}  // namespace

net::Task<net::OcspReply> OcspExchange::ask(net::Loop& loop, const net::OcspResponder& responder, const net::TlsResponderNames& names,
                                            std::string target, net::TimePoint deadline, net::OcspInquiry** under_way) {
  const TimeLeft whole(loop, std::chrono::ceil<std::chrono::milliseconds>(deadline - loop.now()));
  Inquiry inquiry(under_way);
  net::OcspReply reply;
  for (net::Endpoint address : co_await addresses_of(inquiry, loop, responder, names, may_block_, whole, reply.wrong)) {
    if (inquiry.is_canceled || whole.is_over()) break;
    address.set_port(responder.port);
    reply.answer.clear();
    reply.wrong = co_await ask_at(inquiry, loop, address, responder.host, target, TimeLeft(whole, kPatience), reply.answer);
    if (reply.wrong.empty()) co_return reply;
  }
  if (reply.wrong.empty()) reply.wrong = inquiry.is_canceled ? "the question was given up" : "there was no time to ask";
  co_return reply;
}

net::OcspAsker& clients_responders() {
  static OcspExchange exchange(false);
  return exchange;
}

}  // namespace weir::server
