#include "net/datagram.h"

#include "fixture.h"

namespace weir::net {
namespace {

/// A UDP socket on a port of its own.
class Udp {
 public:
  explicit Udp(const char* address = "127.0.0.1:0") {
    const Endpoint wanted = *Endpoint::parse(address);
    fd_ = ::socket(wanted.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(fd_, wanted.raw(), wanted.length()), 0);
  }
  Udp(const Udp&) = delete;
  ~Udp() { ::close(fd_); }

  int fd() const { return fd_; }
  Endpoint address() const { return Endpoint::local_of(fd_); }
  Endpoint address_at(const char* host) const { return *Endpoint::from_address(host, address().port()); }
  void connect(const Endpoint& peer) { EXPECT_EQ(::connect(fd_, peer.raw(), peer.length()), 0); }

 private:
  int fd_;
};

TEST(Datagrams, AreReceivedInBatchesWholeAndWithTheirSenders) {
  BufferPool pool;
  Udp server, client;
  DatagramSender sender(pool, client.fd());
  const std::string large(60'000, 'x');
  sender.add("one", server.address(), {});
  sender.add("", server.address(), {});
  sender.add(large, server.address(), {});
  sender.flush();
  DatagramBatch batch(pool);
  ASSERT_FALSE(batch.receive(server.fd(), true));
  ASSERT_EQ(batch.datagrams().size(), 3u);
  EXPECT_TRUE(batch.is_last());
  EXPECT_EQ(batch.datagrams()[0].octets, "one");
  EXPECT_EQ(batch.datagrams()[1].octets, "");
  EXPECT_EQ(batch.datagrams()[2].octets, large);
  for (const Datagram& each : batch.datagrams()) EXPECT_EQ(each.from, client.address());
  EXPECT_TRUE(batch.receive(server.fd(), true).would_block());
  EXPECT_TRUE(batch.datagrams().empty());
}

TEST(Datagrams, MoreThanABatchTakesSeveralCalls) {
  BufferPool pool;
  Udp server, client;
  DatagramSender sender(pool, client.fd());
  const std::size_t count = 2 * kDatagramBatch + 1;
  for (std::size_t i = 0; i < count; ++i) sender.add(std::to_string(i), server.address(), {});
  sender.flush();
  EXPECT_EQ(sender.take_losses().count, 0u);
  DatagramBatch batch(pool);
  std::size_t got = 0;
  do {
    ASSERT_FALSE(batch.receive(server.fd(), false));
    for (const Datagram& each : batch.datagrams()) EXPECT_EQ(each.octets, std::to_string(got++));
  } while (!batch.is_last());
  EXPECT_EQ(got, count);
}

TEST(Datagrams, AWildcardSocketTellsAndChoosesItsAddress) {
  BufferPool pool;
  Udp server("0.0.0.0:0"), client;
  EXPECT_EQ(ask_destination(server.fd(), AF_INET), 0);
  DatagramSender sender(pool, client.fd());
  sender.add("x", server.address_at("127.0.0.9"), {});
  sender.flush();
  DatagramBatch batch(pool);
  ASSERT_FALSE(batch.receive(server.fd(), true));
  ASSERT_EQ(batch.datagrams().size(), 1u);
  EXPECT_EQ(batch.datagrams()[0].to.address_string(), "127.0.0.9");

  DatagramSender back(pool, server.fd());
  back.add("y", client.address(), batch.datagrams()[0].to);
  back.flush();
  ASSERT_FALSE(batch.receive(client.fd(), true));
  EXPECT_EQ(batch.datagrams()[0].from.to_string(), server.address_at("127.0.0.9").to_string());
}

TEST(Datagrams, AV6WildcardSocketTellsAndChoosesItsAddress) {
  BufferPool pool;
  Udp server("[::]:0"), client("[::1]:0");
  EXPECT_EQ(ask_destination(server.fd(), AF_INET6), 0);
  DatagramSender sender(pool, client.fd());
  sender.add("x", server.address_at("::1"), {});
  sender.flush();
  DatagramBatch batch(pool);
  ASSERT_FALSE(batch.receive(server.fd(), true));
  ASSERT_EQ(batch.datagrams().size(), 1u);
  EXPECT_EQ(batch.datagrams()[0].to.address_string(), "::1");
  DatagramSender back(pool, server.fd());
  back.add("y", client.address(), batch.datagrams()[0].to);
  back.flush();
  EXPECT_FALSE(batch.receive(client.fd(), false));
}

TEST(Datagrams, WhatCannotLeaveIsCountedAndTheOthersDo) {
  BufferPool pool;
  Udp server, client;
  DatagramSender sender(pool, client.fd());
  sender.add("one", server.address(), {});
  sender.add(std::string(65'520, 'x'), server.address(), {});  // more than IPv4 carries
  sender.add("two", server.address(), {});
  sender.flush();
  const DatagramSender::Losses losses = sender.take_losses();
  EXPECT_EQ(losses.count, 1u);
  EXPECT_EQ(losses.reason.code, EMSGSIZE);
  DatagramBatch batch(pool);
  ASSERT_FALSE(batch.receive(server.fd(), false));
  ASSERT_EQ(batch.datagrams().size(), 2u);
  EXPECT_EQ(batch.datagrams()[1].octets, "two");
}

TEST(Datagrams, ARefusalIsToldOnAConnectedSocket) {
  BufferPool pool;
  Udp client;
  Endpoint nobody;
  {
    const Udp gone;
    nobody = gone.address();
  }
  client.connect(nobody);
  EXPECT_FALSE(send_datagram(client.fd(), "x"));
  DatagramBatch batch(pool);
  IoError error = batch.receive(client.fd(), false);
  for (int i = 0; i < 1000 && error.would_block(); ++i) {
    ::usleep(1000);
    error = batch.receive(client.fd(), false);
  }
  EXPECT_EQ(error.code, ECONNREFUSED);
}

}  // namespace
}  // namespace weir::net
