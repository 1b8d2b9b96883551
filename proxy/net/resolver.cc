#include "net/resolver.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <new>

#include "net/connect.h"
#include "net/out_of_memory.h"

namespace weir::net {

namespace {

constexpr std::size_t kMostKnown = 4096;
constexpr unsigned kMostAliases = 8;  // each a question of its own
constexpr std::size_t kMostPacket = 4096;
constexpr int kServerFailure = 2;
constexpr int kUnreachable = ECONNREFUSED;  // no answer, and there will be none
constexpr int kNotFound = 3;

std::string key_of(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string key(name);
  for (char& c : key)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return key;
}

std::uint16_t random_id() {
  std::uint16_t id = 0;
  while (::getrandom(&id, sizeof id, 0) != sizeof id) {}
  return id;
}

/// A UDP socket connected to `server`; the kernel chooses a random port. -1 and errno if there is none.
int open_udp(const Endpoint& server) {
  const int fd = ::socket(server.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::connect(fd, server.raw(), server.length()) != 0) {
    const int error = errno;
    ::close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

/// Reads one packet. A stream takes a short read for the end of what is there, which does not hold for packets: the next
/// one may lie behind it, and no edge will tell.
IoResult read_packet(Stream& stream, std::span<char> into) {
  if (!stream.is_open()) return {0, {ECANCELED}};
  const ssize_t count = ::recv(stream.fd(), into.data(), into.size(), 0);
  if (count > 0) return {static_cast<std::size_t>(count), {}};
  if (count == 0) return {0, {IoError::kEof}};
  if (IoError{errno}.would_block()) return stream.try_read(into);  // so that the stream knows it, too
  return {0, {errno}};
}

struct Question {
  dns::Type type;
  std::uint16_t id = random_id();
  bool answered = false;
};

Resolution failure(int code) {
  Resolution result;
  result.code = code;
  return result;
}

/// Made before memory can run out.
const ResolutionPtr kNoMemory = std::make_shared<Resolution>(failure(ENOMEM));

dns::Answer failed(int code) {
  dns::Answer answer;
  answer.code = code;
  return answer;
}

bool is_failure(const dns::Answer& answer) { return answer.code != 0 && answer.code != kNotFound; }

// As nginx: one kind of address is enough if the other does not exist, but not if nobody can say whether it does. Of two
// aliases the later one counts, and none if the later answer has none.
void merge(dns::Answer& all, dns::Answer& one, bool is_first) {
  if (is_failure(all)) return;
  if (is_failure(one)) {
    all = std::move(one);
    return;
  }
  const bool has_more = !one.addresses.empty() || !one.services.empty();
  const bool had = !all.addresses.empty() || !all.services.empty();
  if (has_more) {
    all.ttl = had ? std::min(all.ttl, one.ttl) : one.ttl;
    all.code = 0;
    all.addresses.insert(all.addresses.end(), one.addresses.begin(), one.addresses.end());
    all.services.insert(all.services.end(), one.services.begin(), one.services.end());
  } else if (!had && (is_first || all.code == 0)) {
    all.code = one.code;
    all.ttl = one.ttl;
  }
  all.alias = one.alias;
}

}  // namespace

std::string Resolution::failure() const {
  switch (code) {
    case 1: return "1: Format error";
    case 2: return "2: Server failure";
    case 3: return "3: Host not found";
    case 4: return "4: Unimplemented";
    case 5: return "5: Operation refused";
    case ENOMEM: return fmt::format("{}: Out of memory", ENOMEM);
    case ETIMEDOUT: return fmt::format("{}: Operation timed out", ETIMEDOUT);
    default: return fmt::format("{}: Unknown error", code);
  }
}

Resolver::Resolver(Loop& loop, Options options) : loop_(loop), options_(std::move(options)) {}
Resolver::~Resolver() = default;

ResolutionPtr Resolver::cached(std::string_view name) {
  const auto found = known_.find(key_of(name));
  if (found == known_.end()) return nullptr;
  if (found->second->expires > loop_.now()) return found->second;
  known_.erase(found);
  return nullptr;
}

void Resolver::remember(const std::string& key, ResolutionPtr result) {
  if (known_.size() >= kMostKnown) std::erase_if(known_, [&](auto& each) { return each.second->expires <= loop_.now(); });
  if (known_.size() >= kMostKnown) known_.erase(known_.begin());  // any: who floods names gains nothing
  known_[key] = std::move(result);
}

// --- waiting

Resolver::Lookup::Lookup(Resolver& resolver, std::string_view name, bool services, std::chrono::milliseconds timeout)
    : Timer(resolver.loop_.timers()), resolver_(resolver), key_(key_of(name)), timeout_(timeout), services_(services) {}

bool Resolver::Lookup::await_ready() { return (result_ = resolver_.cached(key_)) != nullptr; }

bool Resolver::Lookup::await_suspend(std::coroutine_handle<> coroutine) {
  coroutine_ = coroutine;
  const auto under_way = resolver_.pending_.find(key_);
  const bool joins = under_way != resolver_.pending_.end();
  if (!joins) {
    // The coroutine registers itself; it never ends before its first wait, so the place is there when it returns.
    spawn(look_up(resolver_.shared_from_this(), key_, services_));
  }
  const auto found = resolver_.pending_.find(key_);
  if (found == resolver_.pending_.end()) {  // it could not even begin
    result_ = std::make_shared<Resolution>(failure(kNotFound));
    return false;
  }
  pending_ = found->second;
  next_ = pending_->waiting;
  pending_->waiting = this;
  if (timeout_.count() > 0) arm(timeout_);
  return true;
}

void Resolver::Lookup::leave() {
  if (!pending_) return;
  Pending& pending = *pending_;
  pending_ = nullptr;
  for (Lookup** link = &pending.waiting; *link; link = &(*link)->next_)
    if (*link == this) {
      *link = next_;
      break;
    }
  if (pending.waiting) return;
  // Who asks from now on begins anew.
  pending.abandoned = true;
  resolver_.pending_.erase(pending.key);
  if (pending.stream) pending.stream->cancel();
}

void Resolver::Lookup::give_up(int code) {
  if (!pending_) return;
  leave();
  finish(std::make_shared<Resolution>(failure(code)));
}

void Resolver::Lookup::finish(ResolutionPtr result) {
  disarm();
  pending_ = nullptr;
  result_ = std::move(result);
  resolver_.loop_.resume_later(coroutine_);
}

// --- looking up

Task<void> Resolver::look_up(std::shared_ptr<Resolver> self, std::string key, bool services) {
  Pending pending{key, services};
  self->pending_.emplace(key, &pending);
  ResolutionPtr result = kNoMemory;
  try {
    co_await self->loop_.yield();  // whoever began this still has to join
    result = std::make_shared<Resolution>(co_await self->follow(pending));
    if (result->code == 0 && result->expires > self->loop_.now()) self->remember(key, result);
  } catch (const std::bad_alloc&) {
    OutOfMemory::note();
  }
  if (const auto own = self->pending_.find(key); own != self->pending_.end() && own->second == &pending)
    self->pending_.erase(own);
  while (Lookup* const waiting = pending.waiting) {
    pending.waiting = waiting->next_;
    waiting->finish(result);
  }
}

/// Follows aliases that the servers leave to us.
Task<Resolution> Resolver::follow(Pending& pending) {
  std::string name = pending.key;
  std::uint32_t ttl = 0x7fffffff;
  for (unsigned i = 0; i <= kMostAliases; ++i) {
    dns::Answer answer = co_await ask_servers(pending, name);
    if (answer.code != 0) co_return failure(answer.code);
    ttl = std::min(ttl, answer.ttl);
    if (!answer.addresses.empty() || !answer.services.empty()) {
      Resolution result;
      result.expires = loop_.now() + (options_.valid.count() > 0 ? options_.valid : std::chrono::seconds(ttl));
      result.addresses = std::move(answer.addresses);
      result.services = std::move(answer.services);
      co_return result;
    }
    if (answer.alias.empty()) break;
    name = std::move(answer.alias);
  }
  co_return failure(kNotFound);
}

/// Asks one server after the other, again and again as long as somebody waits.
Task<dns::Answer> Resolver::ask_servers(Pending& pending, std::string_view name) {
  for (std::size_t failures = 0; !pending.abandoned;) {
    const Endpoint server = options_.servers[next_server_++ % options_.servers.size()];
    dns::Answer answer = co_await ask(pending, server, name);
    if (answer.code == ETIMEDOUT || answer.code == ECANCELED) continue;  // silence is no answer
    if (answer.code != kUnreachable) co_return answer;
    if (++failures >= options_.servers.size()) co_return failed(kServerFailure);
  }
  co_return failed(ECANCELED);
}

Task<dns::Answer> Resolver::ask(Pending& pending, const Endpoint& server, std::string_view name) {
  std::vector<Question> questions;
  if (pending.services) {
    questions.push_back({dns::Type::Srv});
  } else {
    if (options_.ipv4) questions.push_back({dns::Type::A});
    if (options_.ipv6) questions.push_back({dns::Type::Aaaa});
  }
  const int fd = open_udp(server);
  if (fd < 0) co_return failed(kUnreachable);
  Stream stream(loop_, fd);
  for (const Question& question : questions) {
    const auto packet = dns::make_query(question.id, name, question.type);
    if (!packet) co_return failed(kNotFound);
    stream.try_write(*packet);  // if it fails there will be no answer
  }
  const TimePoint deadline = loop_.now() + options_.resend;
  dns::Answer all;
  std::size_t answered = 0;
  unsigned packets = 0;
  std::array<char, kMostPacket> packet;
  while (answered < questions.size()) {
    const IoResult got = read_packet(stream, packet);
    if (got.bytes != 0) {
      for (Question& question : questions) {
        if (question.answered) continue;
        auto answer = dns::parse_answer({packet.data(), got.bytes}, question.id, name, question.type);
        if (!answer) continue;
        if (answer->truncated) answer = co_await ask_by_tcp(pending, server, name, question.type);
        question.answered = true;
        merge(all, *answer, answered++ == 0);
        break;
      }
      // What is no answer is ignored, but a flood of it must not have the loop for itself.
      if (++packets % 16 == 0) co_await loop_.yield();
      continue;
    }
    if (got.error.is_eof()) continue;  // an empty packet
    IoError error = got.error;
    if (error.would_block()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - loop_.now());
      pending.stream = &stream;
      if (left.count() <= 0)
        error = {ETIMEDOUT};
      else if (pending.abandoned)
        error = {ECANCELED};
      else
        error = co_await stream.readable(left);
      pending.stream = nullptr;
      if (!error) continue;
    }
    if (!all.addresses.empty()) break;  // of one kind: better than nothing
    co_return failed(error.timed_out() ? ETIMEDOUT : error.canceled() ? ECANCELED : kUnreachable);
  }
  // An alias is of no interest beside addresses.
  if (!all.addresses.empty()) all.alias.clear();
  co_return all;
}

Task<dns::Answer> Resolver::ask_by_tcp(Pending& pending, const Endpoint& server, std::string_view name,
                                       dns::Type type) {
  const std::uint16_t id = random_id();
  const auto question = dns::make_query(id, name, type);
  ConnectOptions options;
  options.under_way = &pending.stream;
  const ConnectResult connected = co_await connect(loop_, server, options_.resend, std::move(options));
  if (connected.error || !question) co_return failed(kServerFailure);
  Stream& stream = *connected.stream;
  std::string text;
  text += static_cast<char>(question->size() >> 8);
  text += static_cast<char>(question->size() & 0xff);
  text += *question;
  stream.try_write(text);  // some fifty octets: they fit
  text.clear();
  const Buffer buffer = loop_.buffers().take();
  for (;;) {
    const IoResult got = stream.try_read(buffer.span());
    text.append(buffer.data(), got.bytes);
    if (text.size() >= 2) {
      const std::size_t length = static_cast<unsigned char>(text[0]) << 8 | static_cast<unsigned char>(text[1]);
      if (text.size() >= length + 2) {
        auto answer = dns::parse_answer(std::string_view(text).substr(2, length), id, name, type);
        co_return answer && !answer->truncated ? std::move(*answer) : failed(kServerFailure);
      }
    }
    if (!got.error) continue;
    if (!got.error.would_block()) co_return failed(kServerFailure);
    pending.stream = &stream;
    const IoError waited = co_await stream.readable(options_.resend);
    pending.stream = nullptr;
    if (waited) co_return failed(waited.canceled() ? ECANCELED : kServerFailure);
  }
}

}  // namespace weir::net
