// Certificates whose names vary, kept for a while: by a clock of the test's.
#include "net/tls_credential_cache.h"

#include <gtest/gtest.h>

#include "support/certificates.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

struct CredentialCache : testing::Test {
  static TlsOptions options(std::size_t most) {
    TlsOptions all;
    all.credential_cache = {most, 10s, 60s};
    return all;
  }
  TlsKeyPair make(const std::string& name) const {
    const test::Certificate made = pki.make(name);
    return {made.certificate, made.key};
  }
  const test::Certificates pki;
  const TimePoint start = Clock::now();
};

TEST_F(CredentialCache, WhatNobodyWantsForAWhileIsLoadedAnew) {
  TlsCredentialCache cache(options(4));
  const TlsKeyPair pair = make("a");
  const auto first = cache.get(pair, start);
  EXPECT_EQ(cache.get(pair, start + 9s), first);
  EXPECT_EQ(cache.get(pair, start + 18s), first);  // nine seconds after the use before
  const auto second = cache.get(pair, start + 29s);
  EXPECT_NE(second, first);
  EXPECT_EQ(cache.get(pair, start + 38s), second);
}

TEST_F(CredentialCache, NoUseMakesItValidForLonger) {
  TlsCredentialCache cache(options(4));
  const TlsKeyPair pair = make("a");
  const auto first = cache.get(pair, start);
  for (auto at = 5s; at < 60s; at += 5s) EXPECT_EQ(cache.get(pair, start + at), first) << at.count();
  EXPECT_NE(cache.get(pair, start + 60s), first);
}

TEST_F(CredentialCache, KeepsNoMoreThanItMay) {
  TlsCredentialCache cache(options(2)), none(options(0));
  const TlsKeyPair a = make("a"), b = make("b"), c = make("c");
  const auto first_a = cache.get(a, start), first_b = cache.get(b, start + 1s);
  EXPECT_EQ(cache.get(a, start + 2s), first_a);
  cache.get(c, start + 3s);
  EXPECT_EQ(cache.get(a, start + 4s), first_a);
  EXPECT_NE(cache.get(b, start + 5s), first_b);
  EXPECT_NE(none.get(a, start), none.get(a, start));
}

}  // namespace
}  // namespace weir::net
