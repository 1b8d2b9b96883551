// Who may have something: passwords, subrequests, limits, and the address that all of them judge.
#include <gtest/gtest.h>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

/// `Authorization: Basic` for `user:password` in Base64.
Fields basic(const char* credentials) { return {{"Authorization", std::string("Basic ") + credentials}}; }

TEST(AuthBasic, KnowsTheUsualFormsOfPasswords) {
  WeirProcess weir(R"(
      server {
        root %dir%;
        location / { auth_basic "the \"inner\" circle"; auth_basic_user_file users; try_files /page =404;
                     location /open { auth_basic off; return 200; } }
        location /missing { auth_basic x; auth_basic_user_file nobody; }
      })");
  weir.dir().write("page", "in");
  weir.dir().write("users",
                   "# a comment\n"
                   "plain:{PLAIN}secret\n"
                   "sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"
                   "ssha:{SSHA}8bX4JQDfZqtTfvnQ4ssDmWb17/FTQUxU:a comment\n"
                   "apr:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/\n"
                   "crypt:$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1\n");
  EXPECT_EQ(weir.get("/").status, 401);
  EXPECT_EQ(weir.get("/").field("WWW-Authenticate"), R"(Basic realm="the \"inner\" circle")");
  EXPECT_EQ(weir.get("/", basic("cGxhaW46c2VjcmV0")).status, 200);      // plain:secret
  EXPECT_EQ(weir.get("/", basic("c2hhOnNlY3JldA==")).status, 200);      // sha:secret
  EXPECT_EQ(weir.get("/", basic("c3NoYTpzZWNyZXQ=")).status, 200);      // ssha:secret
  EXPECT_EQ(weir.get("/", basic("YXByOnNlY3JldA==")).status, 200);      // apr:secret
  EXPECT_EQ(weir.get("/", basic("Y3J5cHQ6c2VjcmV0")).status, 200);      // crypt:secret
  for (const char* wrong : {"cGxhaW46d3Jvbmc=", "c2hhOndyb25n", "c3NoYTp3cm9uZw==", "YXByOndyb25n", "Y3J5cHQ6d3Jvbmc=",
                            "bm9ib2R5OnNlY3JldA==", "cGxhaW4=", "!!!"})
    EXPECT_EQ(weir.get("/", basic(wrong)).status, 401) << wrong;
  EXPECT_EQ(weir.get("/open").status, 200);
  EXPECT_EQ(weir.get("/missing", basic("cGxhaW46c2VjcmV0")).status, 403);
  weir.dir().write("users", "plain:{PLAIN}other-password\n");
  EXPECT_EQ(weir.get("/", basic("cGxhaW46c2VjcmV0")).status, 401);  // the file is read again when it changed
  EXPECT_TRUE(weir.logs("user \"plain\": password mismatch"));
}

TEST(Satisfy, OnePassedCheckIsEnoughWithAny) {
  WeirProcess weir(R"(
      server {
        root %dir%; auth_basic x; auth_basic_user_file users; error_page 401 403 /denied;
        location / { satisfy any; deny 127.0.0.1; try_files /page =404; }
        location /inside { satisfy any; allow 127.0.0.1; deny all; try_files /page =404; }
        location /both { deny 127.0.0.1; try_files /page =404; }
        location /denied { auth_basic off; return 200 "denied"; }
      })");
  weir.dir().write("page", "in");
  weir.dir().write("users", "a:{PLAIN}b\n");
  EXPECT_EQ(weir.get("/").status, 401);
  EXPECT_TRUE(weir.get("/").has("WWW-Authenticate"));
  EXPECT_EQ(weir.get("/", basic("YTpi")).text(), "in");
  EXPECT_EQ(weir.get("/inside").text(), "in");
  EXPECT_FALSE(weir.get("/inside").has("WWW-Authenticate"));
  EXPECT_EQ(weir.get("/both", basic("YTpi")).status, 403);
}

TEST(AuthRequest, ASubrequestDecides) {
  FakeBackend auth = FakeBackend::handling([](BackendConnection& connection, const HttpRequest& request) {
    const std::string wish = request.field("X-Wish");
    Answer answer{.status = wish.empty() ? 204 : std::stoi(wish), .body = "not for the client"};
    answer.fields = {{"X-User", "joe"}, {"WWW-Authenticate", "Bearer"}};
    connection.answer(answer, request.method);
  });
  FakeBackend app = FakeBackend::answering(200, "app");
  WeirProcess weir(R"(
      server {
        location / { auth_request /auth; auth_request_set $user $upstream_http_x_user; error_page 401 = @login;
                     proxy_set_header X-User $user; proxy_pass http://%app%; }
        location /bare { auth_request /auth; proxy_pass http://%app%; }
        location = /auth { internal; proxy_pass http://%auth%/check; proxy_pass_request_body off;
                           proxy_set_header Content-Length ""; proxy_set_header X-Original-URI $request_uri; }
        location @login { return 302 /login; }
      })", {{"app", app.address()}, {"auth", auth.address()}});
  EXPECT_EQ(weir.request({.method = "POST", .target = "/page?a=b", .body = "form"}).text(), "app");
  EXPECT_EQ(app.last_request().field("X-User"), "joe");
  EXPECT_EQ(app.last_request().body.text(), "form");
  const HttpRequest asked = auth.last_request();
  EXPECT_EQ(asked.start_line, "GET /check HTTP/1.1");
  EXPECT_EQ(asked.field("X-Original-URI"), "/page?a=b");
  EXPECT_EQ(asked.body.size(), 0u);
  EXPECT_EQ(weir.get("/", {{"X-Wish", "401"}}).field("Location").ends_with("/login"), true);
  EXPECT_EQ(weir.get("/bare", {{"X-Wish", "401"}}).field("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(weir.get("/bare", {{"X-Wish", "403"}}).status, 403);
  EXPECT_EQ(weir.get("/bare", {{"X-Wish", "404"}}).status, 500);
  EXPECT_EQ(app.request_count(), 1u);
}

TEST(RealIp, ATrustedProxyNamesTheClient) {
  WeirProcess weir(R"(
      set_real_ip_from 127.0.0.1;
      server {
        location / { return 200 "$remote_addr:$remote_port of $realip_remote_addr"; }
        location /list { real_ip_header X-Forwarded-For; set_real_ip_from 127.0.0.1; set_real_ip_from 10.0.0.0/8;
                         real_ip_recursive on; root %dir%; add_header X-Client $remote_addr always; }
        location /stranger { set_real_ip_from 192.0.2.0/24; add_header X-Client $remote_addr always; root %dir%; }
      })");
  EXPECT_EQ(weir.get("/", {{"X-Real-IP", "1.2.3.4"}}).text(), "1.2.3.4: of 127.0.0.1");
  EXPECT_EQ(weir.get("/", {{"X-Real-IP", "[2001:db8::1]:99"}}).text(), "2001:db8::1:99 of 127.0.0.1");
  EXPECT_EQ(weir.get("/", {{"X-Real-IP", "nonsense"}}).text().substr(0, 10), "127.0.0.1:");
  EXPECT_EQ(weir.get("/list", {{"X-Forwarded-For", "6.6.6.6, 1.2.3.4"}, {"X-Forwarded-For", "10.1.1.1"}}).field("X-Client"), "1.2.3.4");
}

TEST(RealIp, TheProxyProtocolTellsBothAddresses) {
  WeirProcess weir(R"(
      server {
        listen %listen% proxy_protocol; set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;
        location / { return 200 "$remote_addr:$remote_port $proxy_protocol_addr $proxy_protocol_server_addr:$proxy_protocol_server_port $proxy_protocol_tlv_alpn $proxy_protocol_tlv_0xea"; }
      })");
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  RawClient client = weir.connect();
  EXPECT_EQ(client.ask("PROXY TCP4 1.2.3.4 5.6.7.8 99 80\r\n" + request).text(), "1.2.3.4:99 1.2.3.4 5.6.7.8:80  ");
  EXPECT_EQ(client.ask(request).text(), "1.2.3.4:99 1.2.3.4 5.6.7.8:80  ");  // for the whole connection
  using namespace std::string_literals;
  const std::string tlvs = "\x01\0\x02h2\xea\0\x01x"s;
  const std::string addresses = "\x01\x02\x03\x04\x05\x06\x07\x08\0\x63\0\x50"s;
  const std::string binary = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0"s + static_cast<char>(addresses.size() + tlvs.size()) + addresses + tlvs;
  EXPECT_EQ(weir.connect().ask(binary + request).text(), "1.2.3.4:99 1.2.3.4 5.6.7.8:80 h2 x");
  for (const std::string& broken : {request, "PROXY TCP4 1.2.3.4 5.6.7.8 99\r\n" + request, "PROXY TCP4 ::1 5.6.7.8 99 80\r\n" + request,
                                    "PROXY " + std::string(200, 'x')}) {
    RawClient refused = weir.connect();
    refused.send(broken);
    EXPECT_EQ(refused.read_to_end().bytes, "") << broken;
  }
  EXPECT_EQ(weir.connect().ask("PROXY UNKNOWN\r\n" + request).text().substr(0, 10), "127.0.0.1:");
}

TEST(Geo, TheLongestNetworkDecides) {
  WeirProcess weir(R"(
      geo $arg_ip $net { default none; 10.0.0.0/8 ten; 10.1.0.0/16 inner; 10.1.1.1 one; 2001:db8::/32 six; 192.0.2.0/24 gone; delete 192.0.2.0/24; }
      geo $arg_ip $range { ranges; default none; 10.0.0.0-10.0.0.255 a; 10.0.0.10-10.0.0.20 b; 10.0.0.15-10.0.0.15 c; }
      geo $client { proxy 127.0.0.1; 1.2.3.0/24 behind; 127.0.0.1 direct; }
      server { location / { return 200 "$net $range $client"; } })");
  EXPECT_EQ(weir.get("/?ip=10.2.0.1").text(), "ten none direct");
  EXPECT_EQ(weir.get("/?ip=10.1.2.3").text(), "inner none direct");
  EXPECT_EQ(weir.get("/?ip=10.1.1.1", {{"X-Forwarded-For", "1.2.3.4"}}).text(), "one none behind");
  EXPECT_EQ(weir.get("/?ip=2001:db8:1::1").text(), "six none direct");
  EXPECT_EQ(weir.get("/?ip=192.0.2.1").text(), "none none direct");
  EXPECT_EQ(weir.get("/?ip=10.0.0.9").text(), "ten a direct");
  EXPECT_EQ(weir.get("/?ip=10.0.0.14").text(), "ten b direct");
  EXPECT_EQ(weir.get("/?ip=10.0.0.15").text(), "ten c direct");
  EXPECT_EQ(weir.get("/?ip=10.0.0.20").text(), "ten b direct");
  EXPECT_EQ(weir.get("/?ip=10.0.0.21").text(), "ten a direct");
  EXPECT_EQ(weir.get("/?ip=nonsense").text(), "none none direct");
}

TEST(LimitReq, RefusesWhatIsBeyondTheBurst) {
  WeirProcess weir(R"(
      limit_req_zone $arg_k zone=slow:1m rate=1r/m;
      log_format outcome $limit_req_status; access_log %dir%/outcomes outcome;
      server {
        location / { limit_req zone=slow; limit_req_status 429; root %dir%; }
        location /burst { limit_req zone=slow burst=2 nodelay; root %dir%; }
        location /dry { limit_req zone=slow; limit_req_dry_run on; root %dir%; }
      })", {}, {.workers = 1});  // so that the log's order is that of the requests
  EXPECT_EQ(weir.get("/?k=a").status, 403);
  EXPECT_EQ(weir.get("/?k=a").status, 429);
  EXPECT_EQ(weir.get("/?k=b").status, 403);  // each key has its own
  EXPECT_EQ(weir.get("/").status, 403);      // and an empty one no limit
  EXPECT_EQ(weir.get("/").status, 403);
  for (const int status : {404, 404, 404, 503, 503}) EXPECT_EQ(weir.get("/burst?k=c").status, status);
  EXPECT_EQ(weir.get("/dry?k=c").status, 404);
  EXPECT_TRUE(weir.logs("limiting requests, excess: 1."));
  weir.stop();
  EXPECT_EQ(weir.dir().read("outcomes"), "PASSED\nREJECTED\nPASSED\n-\n-\nPASSED\nPASSED\nPASSED\nREJECTED\nREJECTED\nREJECTED_DRY_RUN\n");
}

TEST(LimitConn, CountsRequestsUnderWay) {
  FakeBackend slow = FakeBackend::silent();
  WeirProcess weir(R"(
      limit_conn_zone $arg_k zone=keys:1m;
      server {
        location / { limit_conn keys 1; proxy_pass http://%slow%; }
        location /done { limit_conn keys 1; root %dir%; }
      })", {{"slow", slow.address()}});
  // Each gives its place back, though another worker may be asked a moment before.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(wait_until([&] { return weir.get("/done?k=c").status == 404; }));
  RawClient first = weir.connect();
  first.send("GET /?k=a HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(wait_until([&] { return slow.request_count() == 1; }));
  EXPECT_EQ(weir.get("/done?k=a").status, 503);
  EXPECT_EQ(weir.get("/done?k=b").status, 404);
  first.close();
  EXPECT_TRUE(wait_until([&] { return weir.get("/done?k=a").status == 404; }));
  EXPECT_TRUE(weir.logs("limiting connections by zone \"keys\""));
}

TEST(SecureLink, AHashProvesTheLink) {
  WeirProcess weir(R"(
      server {
        location / { secure_link $arg_md5,$arg_e; secure_link_md5 "secret$uri$arg_e"; return 200 "$secure_link $secure_link_expires"; }
        location /p/ { secure_link_secret secret; return 200 "$secure_link"; }
      })");
  // printf 'secret/x4102444800' | openssl md5 -binary | base64
  EXPECT_EQ(weir.get("/x?md5=daudRXf5fL9-OmSmALge_A&e=4102444800").text(), "1 4102444800");
  EXPECT_EQ(weir.get("/y?md5=daudRXf5fL9-OmSmALge_A&e=4102444800").text(), " 4102444800");
  EXPECT_EQ(weir.get("/x?md5=drJ2lp0t6sxqpzrFQGelJg&e=1").text(), "0 1");
  EXPECT_EQ(weir.get("/p/5e814704a28d9bc1914ff19fa0c4a00a/link").text(), "link");
  EXPECT_EQ(weir.get("/p/5e814704a28d9bc1914ff19fa0c4a00a/other").text(), "");
}

TEST(Variables, BuiltInOnesThatSetMayChange) {
  FakeBackend app = FakeBackend::echoing("app");
  WeirProcess weir(R"(
      server {
        location /args { set $args "$args&added=1"; proxy_pass http://%app%; }
        location /rate { set $limit_rate 5k; return 200 "$limit_rate"; }
        location /id { add_header X-Id $request_id; return 200 "$request_id"; }
        location /port { return 200 "$request_port$is_request_port"; }
      })", {{"app", app.address()}});
  EXPECT_EQ(weir.get("/args?a=b").text(), "app GET /args?a=b&added=1");
  EXPECT_EQ(weir.get("/rate").text(), "5120");
  const HttpResponse id = weir.get("/id");
  EXPECT_EQ(id.text(), id.field("X-Id"));
  EXPECT_EQ(weir.get("/port", {{"Host", "a:8080"}}).text(), "8080:");
  EXPECT_EQ(weir.get("/port", {{"Host", "a"}}).text(), "");
}

TEST(AccessLog, ABufferHoldsLinesBack) {
  WeirProcess weir(R"(
      log_format uri $uri;
      server { location / { access_log %dir%/held uri buffer=64k; access_log %dir%/flushed uri buffer=64k flush=50ms; return 200; } })");
  weir.get("/a");
  EXPECT_TRUE(wait_until([&] { return weir.dir().read("flushed") == "/a\n"; }));
  EXPECT_EQ(weir.dir().read("held"), "");
  weir.stop();
  EXPECT_EQ(weir.dir().read("held"), "/a\n");
}

}  // namespace
}  // namespace weir::test
