// Keys of connections in a file (ssl_key_log, proxy_ssl_key_log): whoever has them can read what passed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "support/certificates.h"
#include "tls_client.h"

namespace weir::test {
namespace {

using testing::HasSubstr;

/// The secret that a client wrote down itself, by its name.
std::string secret(const std::string& log, const std::string& name) {
  const std::size_t at = log.find(name + " ");
  return at == log.npos ? "nothing" : log.substr(at, log.find('\n', at) - at);
}

TEST(TlsKeyLog, HasTheSecretsThatPeersHave) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir(R"(
      ssl_certificate %c%; ssl_certificate_key %k%;
      server { listen %listen% ssl; server_name localhost; ssl_key_log %dir%/clients.keys; return 200 ok; }
      server { listen %listen% ssl; server_name other; return 200 ok; }
      server { listen %listen_app% ssl; ssl_key_log %dir%/app.keys; return 200 ok; }
      server { listen %listen_plain%; location / { proxy_pass https://%listen_app%; proxy_ssl_key_log %dir%/backends.keys; } })",
                   {{"c", own.certificate}, {"k", own.key}});
  const std::string theirs = pki.dir().path() / "theirs", clients = weir.dir().path() / "clients.keys";
  EXPECT_THAT(s_client(weir, "/", "-servername localhost -keylogfile " + theirs), HasSubstr("ok"));
  for (const char* name : {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}) {
    EXPECT_TRUE(wait_until([&] { return read_file(clients).find(secret(read_file(theirs), name)) != std::string::npos; }))
        << read_file(theirs) << "\nand\n" << read_file(clients);
  }
  struct stat info{};
  ASSERT_EQ(::stat(clients.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  // Another name, another server: it keeps its secrets.
  const std::string others = pki.dir().path() / "others";
  EXPECT_THAT(s_client_of("other", weir, "/", "-servername other -keylogfile " + others), HasSubstr("ok"));
  EXPECT_EQ(read_file(clients).find(secret(read_file(others), "CLIENT_TRAFFIC_SECRET_0")), std::string::npos);

  RawClient plain(weir.address("listen_plain"));
  EXPECT_EQ(plain.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 200);
  EXPECT_TRUE(wait_until([&] {
    const std::string line = secret(weir.dir().read("backends.keys"), "SERVER_TRAFFIC_SECRET_0");
    return weir.dir().read("app.keys").find(line) != std::string::npos;
  })) << weir.dir().read("backends.keys");
}

TEST(TlsKeyLog, IsReopenedAndStaysPrivate) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  WeirProcess weir("server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_key_log %dir%/keys; return 200 ok; }",
                   {{"c", own.certificate}, {"k", own.key}});
  const std::string keys = weir.dir().path() / "keys";
  EXPECT_EQ(curl(weir, "localhost", "/").output, "ok");
  EXPECT_THAT(read_file(keys), HasSubstr("SERVER_TRAFFIC_SECRET_0"));
  std::filesystem::rename(keys, keys + ".old");
  weir.signal(SIGUSR1);
  EXPECT_TRUE(wait_until([&] { return std::filesystem::exists(keys); }));
  EXPECT_EQ(curl(weir, "localhost", "/").output, "ok");
  EXPECT_TRUE(wait_until([&] { return read_file(keys).find("SERVER_TRAFFIC_SECRET_0") != std::string::npos; }));
  struct stat info{};
  ASSERT_EQ(::stat(keys.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(TlsKeyLog, ThatCannotBeOpenedIsRefused) {
  const Certificates pki;
  const Certificate own = pki.make("localhost");
  EXPECT_THROW(WeirProcess("server { listen %listen% ssl; ssl_certificate %c%; ssl_certificate_key %k%; ssl_key_log /nowhere/keys; }",
                           {{"c", own.certificate}, {"k", own.key}}),
               std::runtime_error);
  EXPECT_THAT(test_config("events {} http { ssl_key_log /tmp/$host; }").output, HasSubstr("a path without variables"));
}

}  // namespace
}  // namespace weir::test
