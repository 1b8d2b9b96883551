// Paths that try to walk around a location, and what proxies must not pass on. `/admin` is denied by the configuration.
#include <vector>

#include "http1_corpus.h"

namespace weir::conformance {
namespace {

using std::string;
using namespace std::string_literals;

using Cases = std::vector<RequestCase>;

string get(const string& target, const string& lines = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: a.example\r\n" + lines + "\r\n";
}

void add_paths(Cases& to) {
  const string g = "acl-bypass";
  // Rules see these as what they are.
  for (const char* target :
       {"/admin", "/admin/", "/admin/secret", "/admin?x", "//admin/secret", "/./admin/secret", "/x/../admin/secret",
        "/x/%2e%2e/admin/secret", "/%61dmin/secret", "/%2fadmin/secret", "/admin%2fsecret", "/x/..%2fadmin/secret",
        "/x/%2e./admin/", "/admin/.", "/admin/x/..", "/a//../admin/secret", "/x/y/../../admin", "/%2e/admin",
        "/.//admin/secret", "http://a.example/admin/secret", "http://a.example//admin/"})
    to.push_back({g, target, get(target), Outcome::Answer, 0, 403, false});
  // Read differently by some; whichever way Weir takes, the backend must not find /admin.
  for (const char* target :
       {"/\\admin/secret", "/x\\..\\admin/secret", "/..\\admin/secret", "/%5cadmin/secret", "/%5Cadmin/secret",
        "/x%5c..%5cadmin/secret", "/x/..%5cadmin/secret", "/x/..%5Cadmin", "/..;/admin/secret", "/x/..;/admin/secret",
        "/x/..;a=b/admin/secret", "/x/..%3b/admin/secret", "/x/.%2e;/admin/", "/;x/admin/secret", "/;/admin/secret",
        "/x;y/../admin/secret", "/.;/admin/secret", "/admin;x/secret", "/admin;/secret", "/admin;x", "/admin%3bx/secret",
        "/%2561dmin/secret", "/%252e%252e/admin/secret", "/x/%252e%252e/admin/secret", "/x/..%252fadmin/secret",
        "/%255cadmin/secret", "/admin%252fsecret", "/%c0%afadmin/secret", "/x/..%c0%afadmin/secret",
        "/x/%c0%ae%c0%ae/admin/secret", "/%c1%9cadmin/secret", "/%e0%80%afadmin/secret", "/admin/../public",
        "/admin/%2e%2e/public", "/admin/..%2fpublic", "/admin%2f..%2fpublic", "/admin/secret/..%2f..%2fpublic",
        "/admin//../public", "/admin/..;/public", "/admin\\..\\public", "/admin%5c..%5cpublic", "/x//..//admin/secret",
        "/x/..;/..;/admin/", "/%2e%2e;/admin/secret", "/x/%5c../admin/", "/x;/..;/admin/secret"})
    to.push_back({g, target, get(target), Outcome::Either, 1, 0, false});
  for (const string& target : {"/admin%00/secret"s, "/%00/admin"s, "/x%00"s, "/x%"s, "/x%1"s, "/x%zz"s, "/%"s, "/.."s,
                               "/../admin"s, "/x/../../admin"s, "/%2e%2e/"s})
    to.push_back({g, target, get(target), Outcome::Refuse, 0, 400, false});
  for (const string& target : {"/x#y"s, "/x#/../admin"s, "/x?y#z"s, "http://a.example/x#y"s})
    to.push_back({"request-line", "fragment " + target, get(target), Outcome::Refuse, 0, 400, false});
  // Nothing to be read differently, or nothing gained by it: passed on as it is.
  for (const string& target :
       {"/a;b=c/d"s, "/a;b/c;d"s, "/;jsessionid=1"s, "/a%2Fb"s, "/a%2fb/c"s, "/a%5Cb"s, "/a%20b"s, "/a%3Bb"s, "/a%25b"s,
        "/%C3%A9"s, "/a/%2E%2E/b"s, "/a/./b"s, "/a/../b"s, "//a"s, "/a//b"s, "/a/"s, "/.well-known/x"s, "/..a/b"s,
        "/a../b"s, "/.../b"s, "/a:b@c!$&'()*+,="s, "/a?b=../../admin"s, "/a?x=\\y"s, "/a?;..;/"s, "/Admin"s, "/x/admin"s,
        "/~a"s, "/a%2525b"s})
    to.push_back({"valid", target, get(target), Outcome::Forward, 1, 200, true, {}, {"GET " + target + " HTTP/1.1\r\n"}});
}

RequestCase forwarded(const string& group, const string& name, const string& octets, std::vector<string> absent,
                      std::vector<string> present = {}) {
  return {group, name, octets, Outcome::Forward, 1, 200, true, std::move(absent), std::move(present)};
}

void add_hop_by_hop(Cases& to) {
  const string g = "hop-by-hop";
  to.push_back(forwarded(g, "nominated", get("/", "Connection: X-One, x-two\r\nX-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\n"),
                         {"x-one:", "x-two:"}, {"X-Three: 3\r\n"}));
  to.push_back(forwarded(g, "nominated in two fields",
                         get("/", "Connection: X-One\r\nConnection: keep-alive, X-Two\r\nX-One: 1\r\nX-Two: 2\r\n"),
                         {"x-one:", "x-two:"}));
  to.push_back(forwarded(g, "nominated after the field", get("/", "X-One: 1\r\nConnection: close, X-One\r\n"), {"x-one:"}));
  to.push_back(forwarded(g, "nominated Host stays", get("/", "Connection: Host\r\n"), {}, {"Host: "}));
  to.push_back(forwarded(g, "nominated length",
                         "POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length\r\nContent-Length: 5\r\n\r\nhello", {},
                         {"Content-Length: 5\r\n"}));
  to.push_back(forwarded(
      g, "the known ones",
      get("/", "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\nTrailer: x\r\nConnection: TE\r\n"),
      {"keep-alive:", "proxy-connection:", "\r\nte:", "trailer:"}));
  to.push_back(forwarded(g, "no token", get("/", "Connection: a b, X-One\r\nX-One: 1\r\n"), {"x-one:"}));
  to.push_back(forwarded("upgrade", "h2c",
                         get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
                         {"upgrade", "h2c", "http2-settings"}));
  to.push_back(forwarded("upgrade", "h2c without nomination", get("/", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
                         {"upgrade", "http2-settings"}));
  to.push_back(forwarded("upgrade", "unknown", get("/", "Connection: Upgrade\r\nUpgrade: TLS/1.0, foo/2\r\n"), {"upgrade"}));
  to.push_back(forwarded("upgrade", "websocket where it is not configured",
                         get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
                         {"\r\nupgrade:", "connection: upgrade"}));
  to.push_back(forwarded("spoofing", "underscores", get("/", "X_Real_IP: 1.2.3.4\r\nX-Real_IP: 1\r\n"), {"real_ip"}));
  to.push_back(forwarded("spoofing", "other octets", get("/", "X.Real.IP: 1\r\nX!Real-IP: 1\r\n"), {"real.ip", "x!real"}));
  to.push_back(forwarded("spoofing", "imitated framing", get("/", "Content_Length: 5\r\nTransfer_Encoding: chunked\r\n"),
                         {"content_length", "transfer_encoding"}));
}

void add_methods(Cases& to) {
  const string g = "methods";
  const auto options = [](const string& lines) { return "OPTIONS / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n"; };
  to.push_back({g, "Max-Forwards 0 is answered here", options("Max-Forwards: 0\r\n"), Outcome::Answer, 0, 200, false});
  to.push_back(forwarded(g, "Max-Forwards 1", options("Max-Forwards: 1\r\n"), {"max-forwards: 1\r\n"}, {"Max-Forwards: 0\r\n"}));
  to.push_back(forwarded(g, "Max-Forwards 10", options("Max-Forwards: 10\r\n"), {}, {"Max-Forwards: 9\r\n"}));
  for (const char* value : {"-1", "x", "1, 2", "99999999999999999999"})
    to.push_back({g, "Max-Forwards " + string(value), options("Max-Forwards: " + string(value) + "\r\n"), Outcome::Refuse, 0,
                  400, false});
  to.push_back(forwarded(g, "Max-Forwards means nothing in a GET", get("/", "Max-Forwards: 0\r\n"), {}));
  to.push_back({g, "OPTIONS * with Max-Forwards 0", "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n",
                Outcome::Answer, 0, 200, false});
  for (const char* method : {"get", "M-SEARCH", "PROPFIND", "PATCH", "QUERY", "!#$%&'*+-.^_`|~"})
    to.push_back(forwarded(g, method, string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n", {}, {string(method) + " / HTTP/1.1\r\n"}));
  to.push_back({g, "TRACE with a body", "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", Outcome::Refuse, 0,
                405, false});
  to.push_back({g, "CONNECT with chunks",
                "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Outcome::Refuse, 0, 405,
                false});
  const string e = "expect";
  to.push_back({e, "two", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
                Outcome::Refuse, 0, 400, true});
  to.push_back(forwarded(e, "in capitals",
                         "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-CONTINUE\r\nContent-Length: 5\r\n\r\nhello", {"expect:"}));
  to.push_back(forwarded(e, "without a body", get("/", "Expect: 100-continue\r\n"), {"expect:"}));
}

}  // namespace

std::span<const RequestCase> proxy_cases() {
  static const Cases cases = [] {
    Cases all;
    add_paths(all);
    add_hop_by_hop(all);
    add_methods(all);
    return all;
  }();
  return cases;
}

}  // namespace weir::conformance
