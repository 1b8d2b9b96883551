#include "fake_dns.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string_view>
#include <vector>

namespace weir::test {

namespace {

/// The answer to a question, or nothing if it is none (RFC 1035 4.1).
std::string answer_to(std::string_view question) {
  constexpr std::size_t kHeader = 12;
  std::size_t end = kHeader;
  while (end < question.size() && question[end] != '\0') end += static_cast<unsigned char>(question[end]) + 1u;
  end += 5;  // the root, type and class
  if (end > question.size()) return {};
  const bool is_a = question[end - 3] == 1;
  using namespace std::string_literals;
  std::string answer(question.substr(0, 2));
  answer += "\x81\x80\0\x01\0"s + (is_a ? '\x01' : '\0') + "\0\0\0\0"s;
  answer += question.substr(kHeader, end - kHeader);
  if (is_a) answer += "\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\x7f\0\0\x01"s;
  return answer;
}

}  // namespace

FakeDns::FakeDns() {
  socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_.number());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("the name server has no port");
  thread_ = std::thread([this] { serve(); });
}

FakeDns::~FakeDns() {
  stopping_ = true;
  thread_.join();
  ::close(socket_);
}

// Answers go out together once nothing more is asked: so the two of one name arrive at the same time.
void FakeDns::serve() {
  struct Reply {
    std::string text;
    sockaddr_in to;
  };
  std::vector<Reply> replies;
  while (!stopping_) {
    pollfd ready{socket_, POLLIN, 0};
    if (::poll(&ready, 1, replies.empty() ? 50 : 5) == 0) {
      for (const Reply& reply : replies)
        ::sendto(socket_, reply.text.data(), reply.text.size(), 0, reinterpret_cast<const sockaddr*>(&reply.to),
                 sizeof reply.to);
      replies.clear();
      continue;
    }
    char packet[512];
    sockaddr_in from{};
    socklen_t length = sizeof from;
    const ssize_t count = ::recvfrom(socket_, packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (count <= 0) continue;
    ++questions_;
    replies.push_back({answer_to({packet, static_cast<std::size_t>(count)}), from});
  }
}

}  // namespace weir::test
