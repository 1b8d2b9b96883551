#include "server/staple_watch.h"

#include <fmt/format.h>
#include <netdb.h>

#include <vector>

#include "net/connect.h"
#include "server/small_request.h"

namespace weir::server {

namespace {

constexpr std::chrono::seconds kPatience{10};  // of one address of a responder
constexpr std::size_t kMostAnswer = 64 * 1024;
constexpr std::size_t kMostQuestions = 32;  // at once

/// As the system finds them. Waits, which holds up other questions only.
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

}  // namespace

/// A responder that is being asked. The thread's.
class StapleWatch::Question {
 public:
  Question(StapleWatch& watch, std::shared_ptr<net::TlsStaple> staple, std::shared_ptr<log::ErrorLog> log)
      : watch_(watch), loop_(*watch.loop_), staple_(std::move(staple)), log_(std::move(log)) {
    watch_.questions_.insert(this);
  }
  ~Question() { watch_.questions_.erase(this); }

  static net::Task<void> run(std::unique_ptr<Question> self) {
    std::string wrong;
    for (net::Endpoint address : co_await self->addresses(wrong)) {
      if (self->watch_.ends_) break;
      address.set_port(self->staple_->responder().port);
      wrong = co_await self->ask(address);
      if (wrong.empty()) co_return;
    }
    self->staple_->give_up(self->loop_.now());
    const auto& responder = self->staple_->responder();
    if (!self->watch_.ends_)
      log::error(*self->log_, "{} while requesting certificate status, responder: {}:{}, certificate: \"{}\"", wrong,
                 responder.host, responder.port, self->staple_->subject());
  }
  /// Ends it soon.
  void cancel() {
    if (lookup_) lookup_->cancel();
  }

 private:
  net::Task<std::vector<net::Endpoint>> addresses(std::string& wrong) {
    const std::string& host = staple_->responder().host;
    if (const auto literal = net::Endpoint::from_address(host, staple_->responder().port)) co_return std::vector{*literal};
    const net::TlsResponderNames& names = staple_->names();
    if (!names.resolver) co_return addresses_by_system(host, wrong);
    const auto resolver = std::make_shared<net::Resolver>(loop_, *names.resolver);
    net::Resolver::Lookup lookup(*resolver, host, false, names.timeout);
    lookup_ = &lookup;
    const net::ResolutionPtr found = co_await lookup;
    lookup_ = nullptr;
    if (found->code != 0) wrong = fmt::format("{} could not be resolved ({})", host, found->failure());
    co_return found->addresses;
  }

  net::Task<std::string> ask(net::Endpoint address) {
    const TimeLeft left(loop_, kPatience);
    net::ConnectResult connected = co_await net::connect(loop_, address, left.get());
    if (connected.error) co_return failure("connect() failed", connected.error);
    SmallRequest request(loop_, std::move(connected.stream), left);
    std::string wrong = co_await request.ask(staple_->target(), staple_->responder().host, "weir");
    if (!wrong.empty()) co_return wrong;
    if (request.head().status != 200) co_return fmt::format("status {}", request.head().status);
    std::string answer;
    wrong = co_await request.read_body(answer, kMostAnswer);
    co_return wrong.empty() ? staple_->take(answer, loop_.now()) : wrong;
  }

  StapleWatch& watch_;
  net::Loop& loop_;
  const std::shared_ptr<net::TlsStaple> staple_;
  const std::shared_ptr<log::ErrorLog> log_;
  net::Resolver::Lookup* lookup_ = nullptr;
};

void StapleWatch::start() {
  look();
  timer_.expires_after(std::chrono::seconds(1));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) start();
  });
}

void StapleWatch::look() {
  std::vector<std::shared_ptr<net::TlsStaple>> wanting;
  for (auto& staple : net::TlsStaple::all())
    if (wanting.size() < kMostQuestions && staple->begin_asking(net::Clock::now())) wanting.push_back(std::move(staple));
  if (wanting.empty()) return;
  if (!thread_.joinable()) {
    loop_ = std::make_unique<net::Loop>();
    thread_ = std::thread([this] { loop_->run(); });
  }
  loop_->post([this, wanting = std::move(wanting), log = log_()] {
    for (const auto& staple : wanting) net::spawn(Question::run(std::make_unique<Question>(*this, staple, log)));
  });
}

StapleWatch::~StapleWatch() {
  if (!thread_.joinable()) return;
  loop_->post([this] { finish(); });
  thread_.join();
}

void StapleWatch::finish() {
  ends_ = true;
  loop_->close_streams();
  for (Question* question : questions_) question->cancel();
  if (questions_.empty() && loop_->stream_count() == 0) return loop_->stop();
  loop_->post([this] { finish(); });
}

}  // namespace weir::server
