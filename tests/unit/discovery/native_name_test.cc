#include "member/native_name.h"

#include <gtest/gtest.h>

#include <random>

namespace weir::discovery {
namespace {

NativeName decoded(std::string_view text) {
  const DecodedName result = decode_name(text);
  EXPECT_TRUE(result.name) << text << ": " << to_string(result.error);
  return result.name.value_or(NativeName{});
}

std::string error_of(std::string_view text) {
  const DecodedName result = decode_name(text);
  return result.name ? "none" : to_string(result.error);
}

TEST(NativeName, IsAnAddressAlone) {
  const NativeName name = decoded("10.9.0.5:8080");
  EXPECT_EQ(name.address, "10.9.0.5:8080");
  EXPECT_EQ(name.weight, std::nullopt);
  EXPECT_EQ(name.tier, 0u);
  EXPECT_EQ(name.state, NativeName::State::Up);
}

TEST(NativeName, SaysEverythingInFields) {
  const NativeName name = decoded("10.9.0.5:8080,w=20,t=1,s=drain,z=eu-1a,v=2026.1,i=7f3c,p=h2,l.rack=r%2c7");
  EXPECT_EQ(name.weight, 20u);
  EXPECT_EQ(name.tier, 1u);
  EXPECT_EQ(name.state, NativeName::State::Draining);
  EXPECT_EQ(name.zone, "eu-1a");
  EXPECT_EQ(name.version, "2026.1");
  EXPECT_EQ(name.instance, "7f3c");
  EXPECT_EQ(name.protocol, "h2");
  EXPECT_EQ(name.labels.at("rack"), "r,7");
}

TEST(NativeName, HasOneAddressForEachServer) {
  EXPECT_EQ(decoded("[2001:DB8:0:0::1]:80").address, "[2001:db8::1]:80");
  EXPECT_EQ(decoded("[::1]:80").address, "[::1]:80");
  EXPECT_EQ(error_of("10.0.0.01:80"), "bad address");
  EXPECT_EQ(error_of("10.0.0.1:080"), "bad port");
}

TEST(NativeName, MayNameAHost) {
  EXPECT_EQ(decoded("Web-1.Example.com.:80,w=7").address, "web-1.example.com:80");
  EXPECT_EQ(decoded("3f2a9cdeb1:80").address, "3f2a9cdeb1:80");
  EXPECT_EQ(decoded("my_app:8080").address, "my_app:8080");
  EXPECT_EQ(error_of("web:080"), "bad port");
  EXPECT_EQ(error_of("web:65536"), "bad port");
  EXPECT_EQ(error_of(std::string(64, 'a') + ":80"), "bad address");
  for (const char* text : {"web:80", "3f2a9cdeb1:80", "1-1:80", "1.2.3.4.a:80"}) EXPECT_TRUE(is_named(decoded(text).address)) << text;
  for (const char* text : {"10.0.0.1:80", "[::1]:80", "[dead::beef]:80"}) EXPECT_FALSE(is_named(decoded(text).address)) << text;
}

TEST(NativeName, RefusesWhatIsNoAddress) {
  for (const char* text : {"", ",", "10.0.0.1", "web", "web:http", "web:", "10.0.0:80", "0x7f000001:80", "-a:80", "a..b:80", "a+b:80",
                           "unix:80", "10.0.0.256:80", "1.2.3.4.5:80",
                           "::1:80", "[::1:80", "[fe80::1%251]:80", ":80", "[]:80"}) {
    EXPECT_EQ(error_of(text), "bad address") << text;
  }
}

TEST(NativeName, RefusesAddressesThatAreNeverServers) {
  for (const char* text : {"0.0.0.0:80", "0.1.2.3:80", "169.254.169.254:80", "224.0.0.1:80", "255.255.255.255:80",
                           "[::]:80", "[ff02::1]:80", "[fe80::1]:80", "[::ffff:169.254.169.254]:80"}) {
    EXPECT_EQ(error_of(text), "refused address") << text;
  }
}

TEST(NativeName, RefusesBadPorts) {
  for (const char* text : {"10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:80a", "10.0.0.1:-1", "10.0.0.1:+80",
                           "10.0.0.1:99999999999999999999", "[::1]", "[::1]80"}) {
    EXPECT_EQ(error_of(text), "bad port") << text;
  }
  EXPECT_EQ(decoded("10.0.0.1:65535").address, "10.0.0.1:65535");
}

TEST(NativeName, RefusesBadFields) {
  for (const char* text : {"10.0.0.1:80,", "10.0.0.1:80,w", "10.0.0.1:80,=1", "10.0.0.1:80,w=1,w=2", "10.0.0.1:80,,w=1",
                           "10.0.0.1:80,W=1", "10.0.0.1:80,z=a=b"}) {
    EXPECT_EQ(error_of(text), "bad field") << text;
  }
  EXPECT_EQ(error_of("10.0.0.1:80,t=10"), "bad tier");
  EXPECT_EQ(error_of("10.0.0.1:80,t="), "bad tier");
  EXPECT_EQ(error_of("10.0.0.1:80,s=off"), "bad state");
}

TEST(NativeName, RefusesBadEscapes) {
  for (const char* text : {"10.0.0.1:80,z=%", "10.0.0.1:80,z=%4", "10.0.0.1:80,z=%4g", "10.0.0.1:80,z=%00",
                           "10.0.0.1:80,z=%0a", "10.0.0.1:80,z=%ff", "10.0.0.1:80,z=%c0%80", "10.0.0.1:80,z=%ed%a0%80",
                           "10.0.0.1:80,z=%f4%90%80%80", "10.0.0.1:80,z=%e2%82"}) {
    EXPECT_EQ(error_of(text), "bad escape") << text;
  }
  EXPECT_EQ(decoded("10.0.0.1:80,z=%e2%82%ac").zone, "\u20ac");
}

TEST(NativeName, RefusesBytesThatDoNotPrint) {
  EXPECT_EQ(error_of("10.0.0.1:80,z=a b"), "bad character");
  EXPECT_EQ(error_of("10.0.0.1:80\n"), "bad character");
  EXPECT_EQ(error_of("10.0.0.1:80,z=\u20ac"), "bad character");
  EXPECT_EQ(error_of(std::string_view("10.0.0.1:80\0,w=1", 16)), "bad character");
}

TEST(NativeName, IsAtMost255BytesLong) {
  const std::string start = "10.0.0.1:80,z=";
  EXPECT_EQ(error_of(start + std::string(255 - start.size(), 'a')), "none");
  EXPECT_EQ(error_of(start + std::string(256 - start.size(), 'a')), "too long");
  EXPECT_EQ(error_of(std::string(1'000'000, 'a')), "too long");
}

TEST(NativeName, IgnoresABadWeightButNotTheMember) {
  for (const char* text : {"10.0.0.1:80,w=", "10.0.0.1:80,w=-1", "10.0.0.1:80,w=65536", "10.0.0.1:80,w=NaN"}) {
    const NativeName name = decoded(text);
    EXPECT_EQ(name.weight, std::nullopt) << text;
    EXPECT_TRUE(name.bad_weight) << text;
  }
  EXPECT_EQ(decoded("10.0.0.1:80,w=65535").weight, 65535u);
  EXPECT_EQ(decoded("10.0.0.1:80,w=0").weight, 0u);
}

TEST(NativeName, LeavesUnknownFieldsForTheFuture) {
  EXPECT_EQ(decoded("10.0.0.1:80,next=thing,w=5").weight, 5u);
}

TEST(NativeName, DecodesToWhatWasEncoded) {
  NativeName name;
  name.address = "[2001:db8::1]:8080";
  name.weight = 7;
  name.tier = 2;
  name.state = NativeName::State::Starting;
  name.zone = "a,b=c%d/e \u20ac";
  name.labels = {{"k", "v"}, {"other", ","}};
  const std::string text = encode_name(name);
  EXPECT_EQ(text.find('/'), std::string::npos);
  EXPECT_EQ(decoded(text), name);
}

// Whatever the bytes: no crash, and what is accepted means the same when written again.
TEST(NativeName, SurvivesAnyBytes) {
  std::minstd_rand random(7);
  const std::string alphabet = "0123456789.:,[]=%wtszvilp-abcdefABCDEF \x01\x7f\xff";
  const std::string seed = "10.9.0.5:8080,w=20,t=1,s=drain,z=%41,l.a=b";
  std::size_t accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = i % 2 == 0 ? seed : std::string(random() % 40, 'x');
    for (int changes = static_cast<int>(random() % 4); changes >= 0 && !text.empty(); --changes) {
      text[random() % text.size()] = alphabet[random() % alphabet.size()];
      if (random() % 4 == 0) text.erase(random() % text.size());
    }
    const DecodedName first = decode_name(text);
    if (!first.name) continue;
    ++accepted;
    NativeName name = *first.name;
    name.bad_weight = false;
    const std::string again = encode_name(name);
    if (again.size() > kLongestName) continue;
    ASSERT_EQ(decoded(again), name) << printable(text);
  }
  EXPECT_GT(accepted, 1000u);
}

TEST(Printable, EscapesWhatCouldForgeALogLine) {
  EXPECT_EQ(printable("a\nb\\"), "a\\x0ab\\x5c");
  EXPECT_EQ(printable(std::string(200, 'a')).size(), 123u);
}

}  // namespace
}  // namespace weir::discovery
