#include "server/health_checks.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/endpoint.h"
#include "net/owned_fd.h"
#include "support/wait.h"

namespace weir::server {
namespace {

/// An address on loopback where connections are accepted, by the kernel.
class ListeningPort {
 public:
  ListeningPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const net::Endpoint any = *net::Endpoint::parse("127.0.0.1:0");
    EXPECT_EQ(::bind(fd_.get(), any.raw(), any.length()), 0);
    EXPECT_EQ(::listen(fd_.get(), 128), 0);
  }
  std::string address() const { return net::Endpoint::local_of(fd_.get()).to_string(); }

 private:
  const net::OwnedFd fd_;
};

std::shared_ptr<HealthChecks::Group> begin_mandatory(HealthChecks& checks,
                                                     std::shared_ptr<balancer::Upstream> upstream) {
  shared::HealthCheck check;
  check.protocol = shared::HealthCheck::Protocol::Tcp;
  check.interval = std::chrono::milliseconds(20);
  check.mandatory = true;
  check.limit = std::chrono::seconds(1);
  return checks.begin(std::move(upstream), {check}, nullptr, std::make_shared<log::ErrorLog>());
}

std::shared_ptr<balancer::Upstream> make_upstream() {
  return std::make_shared<balancer::Upstream>("test", *balancer::find_picker("least_conn"));
}

bool serves(const balancer::Upstream& upstream, std::size_t number) {
  return !upstream.snapshot()->primaries()[number].is_vetoed();
}

TEST(HealthChecks, LetServeWhoLeftAndReturnedBeforeTheyLooked) {
  const ListeningPort port, other;
  const std::vector<balancer::Member> here = {{.address = port.address()}, {.address = other.address()}};
  const std::vector<balancer::Member> gone = {{.address = other.address()}};
  const auto upstream = make_upstream();
  HealthChecks checks;
  upstream->update(here, balancer::Newcomers::Prove);
  const auto group = begin_mandatory(checks, upstream);
  ASSERT_TRUE(test::wait_until([&] { return serves(*upstream, 0); }));
  upstream->update(gone, balancer::Newcomers::Prove);
  upstream->update(here, balancer::Newcomers::Prove);
  ASSERT_FALSE(serves(*upstream, 0));
  group->follow();
  EXPECT_TRUE(test::wait_until([&] { return serves(*upstream, 0); }));
  group->end(true);
}

TEST(HealthChecks, LetGoOfWhomTheyNeverAskedWhenTheyEnd) {
  const ListeningPort port, other;
  std::vector<balancer::Member> members = {{.address = port.address(), .down = true}, {.address = other.address()}};
  const auto upstream = make_upstream();
  HealthChecks checks;
  upstream->update(members, balancer::Newcomers::Prove);
  const auto group = begin_mandatory(checks, upstream);
  ASSERT_TRUE(test::wait_until([&] { return serves(*upstream, 1); }));
  members[0].down = false;
  upstream->update(members);
  ASSERT_FALSE(serves(*upstream, 0));
  group->end(true);
  EXPECT_TRUE(test::wait_until([&] { return serves(*upstream, 0); }));
}

}  // namespace
}  // namespace weir::server
