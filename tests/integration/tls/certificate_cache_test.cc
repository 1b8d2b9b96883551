// Certificates whose names have variables, kept once they were loaded (ssl_certificate_cache, proxy_ssl_certificate_cache).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/certificates.h"
#include "tls_client.h"

namespace weir::test {
namespace {

using testing::HasSubstr;

void replace(const std::string& from, const std::string& to) {
  std::filesystem::copy_file(from, to + ".new", std::filesystem::copy_options::overwrite_existing);
  std::filesystem::rename(to + ".new", to);
}

void replace(const Certificate& from, const Certificate& to) {
  replace(from.certificate, to.certificate);
  replace(from.key, to.key);
}

class CertificateCache : public testing::Test {
 protected:
  /// The names that are asked for have a certificate each: `old`, and what is put in its place.
  Certificate put(const std::string& name, const Certificate& content) const {
    const Certificate live{pki.dir().path() / (name + ".crt"), pki.dir().path() / (name + ".key")};
    replace(content, live);
    return live;
  }
  static bool shows(WeirProcess& weir, const char* name, const Certificate& which, const char* listen = "listen") {
    return curl(weir, name, "/", {"--cacert", which.certificate}, listen).exit_code == 0;
  }
  Values values() const { return {{"pki", pki.dir().path()}}; }
  /// The same, with a certificate and key for a backend.
  Values values_with_backend() const {
    const Certificate own = pki.make("localhost");
    return {{"pki", pki.dir().path()}, {"c", own.certificate}, {"k", own.key}};
  }

  const Certificates pki;
};

TEST_F(CertificateCache, IsUsedUntilWhatItKeepsIsNoLongerValid) {
  const Certificate old = pki.make("a.example", {}, "old"), fresh = pki.make("a.example", {}, "fresh");
  const Certificate live = put("a.example", old);
  WeirProcess weir(R"(
      ssl_certificate %pki%/$ssl_server_name.crt; ssl_certificate_key %pki%/$ssl_server_name.key;
      server { listen %listen% ssl; return 200 ok; }
      server { listen %listen_long% ssl; return 200 ok; ssl_certificate_cache max=10 valid=1d inactive=1d; }
      server { listen %listen_short% ssl; return 200 ok; ssl_certificate_cache max=10 valid=1s; })", values());
  for (const char* listen : {"listen", "listen_long", "listen_short"}) EXPECT_TRUE(shows(weir, "a.example", old, listen)) << listen;
  replace(fresh, live);
  EXPECT_TRUE(shows(weir, "a.example", fresh));
  EXPECT_TRUE(shows(weir, "a.example", old, "listen_long"));
  EXPECT_TRUE(wait_until([&] { return shows(weir, "a.example", fresh, "listen_short"); }));
  EXPECT_TRUE(shows(weir, "a.example", old, "listen_long"));
}

TEST_F(CertificateCache, TheCertificateThatWasUsedLeastLatelyGivesWay) {
  const Certificate old = pki.make("a.example", {}, "old"), fresh = pki.make("a.example", {}, "fresh"), b = pki.make("b.example");
  const Certificate live = put("a.example", old);
  WeirProcess weir(R"(
      ssl_certificate %pki%/$ssl_server_name.crt; ssl_certificate_key %pki%/$ssl_server_name.key;
      server { listen %listen% ssl; return 200 ok; ssl_certificate_cache max=2 valid=1d inactive=1d; }
      server { listen %listen_roomy% ssl; return 200 ok; ssl_certificate_cache max=4 valid=1d inactive=1d; })", values());
  for (const char* listen : {"listen", "listen_roomy"}) {
    EXPECT_TRUE(shows(weir, "a.example", old, listen));
    EXPECT_TRUE(shows(weir, "b.example", b, listen));
  }
  replace(fresh, live);
  EXPECT_TRUE(shows(weir, "a.example", fresh));
  EXPECT_TRUE(shows(weir, "a.example", old, "listen_roomy"));
}

TEST_F(CertificateCache, KeysThatNeedAPasswordAreNotKept) {
  const Certificate old = pki.make("a.example", {.password = "sesame"}, "old"),
                    fresh = pki.make("a.example", {.password = "sesame"}, "fresh");
  const Certificate live = put("a.example", old);
  Values all = values();
  all["passwords"] = pki.dir().write("passwords", "sesame\n");
  WeirProcess weir(R"(
      server { listen %listen% ssl; return 200 ok; ssl_password_file %passwords%; ssl_certificate_cache max=10 valid=1d inactive=1d;
               ssl_certificate %pki%/$ssl_server_name.crt; ssl_certificate_key %pki%/$ssl_server_name.key; })", all);
  EXPECT_TRUE(shows(weir, "a.example", old));
  replace(fresh, live);
  EXPECT_TRUE(shows(weir, "a.example", fresh));
}

TEST_F(CertificateCache, OfCertificatesForBackendsIsOneOfItsOwn) {
  const Certificate old = pki.make("old"), fresh = pki.make("fresh");
  const Certificate live = put("client", old);
  WeirProcess weir(R"(
      upstream app { server %listen_app%; keepalive 0; }
      server { listen %listen_app% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_verify_client optional_no_ca;
               return 200 "$ssl_client_s_dn"; }
      server {
        proxy_ssl_certificate %pki%/$arg_name.crt; proxy_ssl_certificate_key %pki%/$arg_name.key; proxy_ssl_session_reuse off;
        location /none  { proxy_pass https://app; }
        location /long  { proxy_pass https://app; proxy_ssl_certificate_cache max=10 valid=1d inactive=1d; }
        location /short { proxy_pass https://app; proxy_ssl_certificate_cache max=10 valid=1s; }
      })", values_with_backend());
  const auto shown = [&](const std::string& where) { return weir.get(where + "?name=client").text(); };
  for (const char* where : {"/none", "/long", "/short"}) EXPECT_EQ(shown(where), "CN=old,O=Weir") << where;
  replace(fresh, live);
  EXPECT_EQ(shown("/none"), "CN=fresh,O=Weir");
  EXPECT_EQ(shown("/long"), "CN=old,O=Weir");
  EXPECT_TRUE(wait_until([&] { return shown("/short") == "CN=fresh,O=Weir"; }));
  EXPECT_EQ(shown("/long"), "CN=old,O=Weir");
  EXPECT_EQ(weir.get("/none?name=nobody").status, 500);
}

TEST_F(CertificateCache, KeptConnectionsAreForTheFilesThatWereThereOnly) {
  const Certificate old = pki.make("old"), fresh = pki.make("fresh");
  const Certificate live = put("client", old);
  WeirProcess weir(R"(
      server { listen %listen_app% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_verify_client optional_no_ca;
               return 200 "$ssl_client_s_dn $connection"; }
      upstream app { server %listen_app%; keepalive 8; }
      server { proxy_ssl_certificate %pki%/$arg_name.crt; proxy_ssl_certificate_key %pki%/$arg_name.key; proxy_ssl_session_reuse off;
               location / { proxy_pass https://app; } })", values_with_backend(), {.workers = 1});
  const auto ask = [&] { return weir.get("/?name=client").text(); };
  const std::string first = ask();
  EXPECT_THAT(first, HasSubstr("CN=old,O=Weir "));
  EXPECT_TRUE(wait_until([&] { return ask() == first; }));
  replace(fresh, live);
  EXPECT_THAT(ask(), HasSubstr("CN=fresh,O=Weir "));
  std::filesystem::remove(live.certificate);
  EXPECT_EQ(weir.get("/?name=client").status, 500);
}

// What a connection showed is what was kept, though its files had been replaced already.
TEST_F(CertificateCache, KeptConnectionsDoNotOutliveWhatTheyShowed) {
  const Certificate old = pki.make("old"), fresh = pki.make("fresh");
  const Certificate live = put("client", old);
  WeirProcess weir(R"(
      server { listen %listen_app% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_verify_client optional_no_ca;
               return 200 "$ssl_client_s_dn"; }
      upstream app { server %listen_app%; keepalive 8; }
      server { proxy_ssl_certificate %pki%/$arg_name.crt; proxy_ssl_certificate_key %pki%/$arg_name.key;
               proxy_ssl_certificate_cache max=10 valid=2s;
               location / { proxy_pass https://app; } })", values_with_backend(), {.workers = 1});
  const auto ask = [&] { return weir.get("/?name=client").text(); };
  EXPECT_EQ(ask(), "CN=old,O=Weir");
  replace(fresh, live);
  ask();  // unless that took longer than it is valid, by what is kept
  EXPECT_TRUE(wait_until([&] { return ask() == "CN=fresh,O=Weir"; }));
}

TEST_F(CertificateCache, WhatCannotBeMeantIsRefused) {
  const auto said = [](const std::string& line) { return test_config("events {} http { " + line + " }").output; };
  EXPECT_THAT(said("ssl_certificate_cache valid=1m;"), HasSubstr("must have the \"max\" parameter"));
  EXPECT_THAT(said("proxy_ssl_certificate_cache max=0;"), HasSubstr("invalid parameter \"max=0\""));
  EXPECT_THAT(said("ssl_certificate_cache max=10 often=1;"), HasSubstr("invalid parameter \"often=1\""));
}

}  // namespace
}  // namespace weir::test
