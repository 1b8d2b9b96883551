#include "server/staple_watch.h"

#include <fmt/format.h>

#include <vector>

#include "server/ocsp_exchange.h"

namespace weir::server {

namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr std::size_t kMostQuestions = 32;  // at once

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
    const auto& responder = self->staple_->responder();
    OcspExchange exchange(true);
    net::OcspReply reply = co_await exchange.ask(self->loop_, responder, self->staple_->names(), self->staple_->target(),
                                                 self->loop_.now() + kPatience, &self->inquiry_);
    if (reply.wrong.empty()) reply.wrong = self->staple_->take(reply.answer, self->loop_.now());
    if (reply.wrong.empty()) co_return;
    self->staple_->give_up(self->loop_.now());
    if (!self->watch_.ends_)
      log::error(*self->log_, "{} while requesting certificate status, responder: {}:{}, certificate: \"{}\"", reply.wrong,
                 responder.host, responder.port, self->staple_->subject());
  }
  /// Ends it soon.
  void cancel() {
    if (inquiry_) inquiry_->cancel();
  }

 private:
  StapleWatch& watch_;
  net::Loop& loop_;
  const std::shared_ptr<net::TlsStaple> staple_;
  const std::shared_ptr<log::ErrorLog> log_;
  net::OcspInquiry* inquiry_ = nullptr;
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
