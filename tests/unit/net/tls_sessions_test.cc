// What clients come back with: the shared cache of sessions, and the keys of tickets.
#include "net/tls_replay_guard.h"
#include "net/tls_session_cache.h"
#include "net/tls_ticket_keys.h"

#include <gtest/gtest.h>

#include <cstring>

namespace weir::net {
namespace {

using namespace std::chrono_literals;

TEST(TlsSessionCache, KeepsWhatFitsAndForgetsTheLeastRecentlyUsed) {
  constexpr std::size_t kBytes = 1 << 20;
  TlsSessionCache cache(kBytes);
  const std::string session(1000, 's');
  const auto id = [](int number) { return "id" + std::to_string(number) + static_cast<char>(number); };
  cache.put(id(0), session, 1h);
  for (int i = 1; i < 5000; ++i) {
    cache.put(id(i), session, 1h);
    ASSERT_EQ(cache.get(id(0)), session) << "the one that is used again and again stays";
  }
  EXPECT_LT(cache.size(), kBytes / session.size());
  EXPECT_GT(cache.size(), kBytes / session.size() / 2);
  EXPECT_EQ(cache.get(id(1)), "");
  EXPECT_EQ(cache.get(id(4999)), session);
  EXPECT_TRUE(cache.remove(id(4999)));
  EXPECT_FALSE(cache.remove(id(4999)));
  EXPECT_EQ(cache.get(id(4999)), "");
}

TEST(TlsSessionCache, DoesNotGiveWhatIsTooOld) {
  TlsSessionCache cache(1 << 20);
  cache.put("a", "old", 0s);
  cache.put("b", "new", 1h);
  EXPECT_EQ(cache.get("a"), "");
  EXPECT_EQ(cache.get("b"), "new");
}

TEST(TlsSessionCache, OfOneNameIsOneWhileSomebodyUsesIt) {
  const auto first = TlsSessionCache::named("same", 1 << 20);
  first->put("a", "session", 1h);
  EXPECT_EQ(TlsSessionCache::named("same", 1 << 20)->get("a"), "session");
  EXPECT_EQ(TlsSessionCache::named("other", 1 << 20)->get("a"), "");
}

std::span<const unsigned char, 16> name_of(const TlsTicketKey& key) { return key.name; }

TEST(TlsTicketKeys, AreRenewedAfterALifetimeAndTheOneBeforeStillDecrypts) {
  TlsTicketKeys keys(100s);
  const auto start = TlsTicketKeys::Clock::now();
  const auto first = *keys.newest(start);
  EXPECT_EQ(keys.newest(start + 99s)->name, first.name);
  const auto second = *keys.newest(start + 100s);
  EXPECT_NE(second.name, first.name);
  EXPECT_NE(second.cipher_key, first.cipher_key);
  const auto old = keys.find(name_of(first), start + 150s);
  ASSERT_TRUE(old);
  EXPECT_FALSE(old->is_newest);
  EXPECT_EQ(old->key.cipher_key, first.cipher_key);
  EXPECT_TRUE(keys.find(name_of(second), start + 150s)->is_newest);
  const auto third = *keys.newest(start + 200s);
  EXPECT_FALSE(keys.find(name_of(first), start + 200s));
  EXPECT_TRUE(keys.find(name_of(second), start + 250s));
  // After a pause nothing that old is taken any more.
  EXPECT_NE(keys.newest(start + 1000s)->name, third.name);
  EXPECT_FALSE(keys.find(name_of(third), start + 1000s));
}

TEST(TlsReplayGuard, KnowsAHelloAgainAsLongAsItsTicketCouldBeFresh) {
  TlsReplayGuard guard;
  const TimePoint start = Clock::now();
  const TlsReplayGuard::Random one{1}, other{2};
  EXPECT_TRUE(guard.is_new(one, start));
  EXPECT_TRUE(guard.is_new(other, start + 12s));
  EXPECT_FALSE(guard.is_new(one, start + 12s));
  EXPECT_FALSE(guard.is_new(one, start + 14s)) << "it was remembered in the span before";
  EXPECT_FALSE(guard.is_new(other, start + 24s)) << "twelve seconds are never too long";
  EXPECT_TRUE(guard.is_new(one, start + 60s)) << "OpenSSL refuses so old a hello by itself";
}

TEST(TlsReplayGuard, RefusesWhatItCannotRemember) {
  TlsReplayGuard guard;
  const TimePoint now = Clock::now();
  TlsReplayGuard::Random random{};
  std::uint32_t taken = 0;
  for (std::uint32_t i = 1; i <= 100'000; ++i) {
    std::memcpy(random.data(), &i, sizeof i);
    if (guard.is_new(random, now)) ++taken;
  }
  EXPECT_GT(taken, 10'000u);
  EXPECT_LT(taken, 100'000u);
  random.fill(0xff);
  EXPECT_FALSE(guard.is_new(random, now));
  EXPECT_TRUE(guard.is_new(random, now + 60s));
}

}  // namespace
}  // namespace weir::net
