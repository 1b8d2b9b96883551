// Answers that are well-formed by themselves and wrong all the same, and valid ones that proxies get wrong.
#include <vector>

#include "http1_corpus.h"

namespace weir::conformance {
namespace {

using std::string;

using Cases = std::vector<ResponseCase>;

const string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const string kPoison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

ResponseCase pass(const string& group, const string& name, const string& octets, const string& body = "hello",
                  const string& method = "GET") {
  return {group, name, method, octets, Answer::Pass, body, false};
}
ResponseCase bad(const string& group, const string& name, const string& octets) {
  return {group, name, "GET", octets, Answer::Bad};
}

string repeated(const string& text, int times) {
  string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

void add_interim(Cases& to) {
  const string g = "interim";
  const string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
  to.push_back(pass(g, "100", "HTTP/1.1 100 Continue\r\n\r\n" + kOk));
  to.push_back(pass(g, "102", "HTTP/1.1 102 Processing\r\n\r\n" + kOk));
  to.push_back(pass(g, "103 twice", hints + hints + kOk));
  to.push_back(pass(g, "199", "HTTP/1.1 199 Odd\r\nX: y\r\n\r\n" + kOk));
  to.push_back(pass(g, "103 with a length", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + kOk));
  to.push_back(pass(g, "100 in HTTP/1.0", "HTTP/1.0 100 Continue\r\n\r\n" + kOk));
  to.push_back(pass(g, "103 with Connection", "HTTP/1.1 103 Early Hints\r\nConnection: close, X\r\nX: y\r\n\r\n" + kOk));
  to.push_back(bad(g, "101 nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n" + kPoison));
  to.push_back(bad(g, "101 without Upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n" + kPoison));
  to.push_back(bad(g, "a flood of 100", repeated("HTTP/1.1 100 Continue\r\n\r\n", 1000) + kOk));
  to.push_back(bad(g, "a flood of 103", repeated(hints, 1000) + kOk));
  to.push_back(bad(g, "a bad head after 103", hints + "HTTP/1.1 2000 OK\r\n\r\n"));
  to.push_back(bad(g, "a bad field in a 103", "HTTP/1.1 103 Early Hints\r\nx : y\r\n\r\n" + kOk));
  to.push_back(bad(g, "103 and no more", hints));
}

void add_pool_poisoning(Cases& to) {
  const string g = "pool-poisoning";
  to.push_back(pass(g, "another answer after one", kOk + kPoison));
  to.push_back(pass(g, "a CRLF after an answer", kOk + "\r\n"));
  to.push_back(pass(g, "one octet after an answer", kOk + "x"));
  to.push_back(pass(g, "an answer after chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + kPoison));
  to.push_back(pass(g, "an answer after an empty one", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + kPoison, ""));
  to.push_back(pass(g, "an answer after a 204", "HTTP/1.1 204 No Content\r\n\r\n" + kPoison, ""));
  to.push_back(pass(g, "an answer after a 304", "HTTP/1.1 304 Not Modified\r\n\r\n" + kPoison, ""));
  to.push_back(pass(g, "a 204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\npoison", ""));
  to.push_back(pass(g, "a 204 with chunks", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npoison\r\n0\r\n\r\n", ""));
  to.push_back(pass(g, "a 304 with a body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\npoison", ""));
  to.push_back(pass(g, "a body after HEAD", kOk, "", "HEAD"));
  to.push_back(pass(g, "chunks after HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "", "HEAD"));
  to.push_back(pass(g, "an interim answer after one", kOk + "HTTP/1.1 100 Continue\r\n\r\n"));
  to.push_back(pass(g, "longer than its length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, world"));
}

void add_fields(Cases& to) {
  const string g = "hop-by-hop";
  const auto with = [](const string& lines) { return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + lines + "\r\nhello"; };
  to.push_back(pass(g, "nominated", with("Connection: X-Secret\r\nX-Secret: 1\r\n")));
  to.push_back(pass(g, "the known ones", with("Keep-Alive: timeout=999\r\nProxy-Connection: x\r\nTE: x\r\nTrailer: x\r\nUpgrade: h2c\r\n")));
  to.push_back(pass(g, "in trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Secret: 1\r\nContent-Length: 99\r\n\r\n"));

  const string f = "bad-response-head";
  to.push_back(bad(f, "a field of 100,000 octets", with("X: " + string(100'000, 'x') + "\r\n")));
  to.push_back(bad(f, "5,000 fields", with(repeated("X: y\r\n", 5000))));
  to.push_back(bad(f, "a reason of 100,000 octets", "HTTP/1.1 200 " + string(100'000, 'x') + "\r\n\r\n"));
  to.push_back(bad(f, "a head of a megabyte without end", "HTTP/1.1 200 OK\r\n" + repeated("X-Y: " + string(90, 'z') + "\r\n", 10'000)));
  to.push_back(bad(f, "a megabyte of garbage", string(1 << 20, 'x')));
  to.push_back(bad(f, "a TLS alert", string("\x15\x03\x03\x00\x02\x02\x28", 7)));
  to.push_back(bad(f, "a request", "GET /poison HTTP/1.1\r\nHost: x\r\n\r\n"));

  const string v = "valid";
  to.push_back(pass(v, "obs-text in a value", with("X: caf\xe9\r\n")));
  to.push_back(pass(v, "empty value", with("X:\r\n")));
  to.push_back(pass(v, "many fields", with(repeated("X-Field: some value\r\n", 90))));
  to.push_back(pass(v, "cookies", with("Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n")));
  to.push_back(pass(v, "HTTP/1.0 without a length", "HTTP/1.0 200 OK\r\n\r\nhello"));
  to.push_back(pass(v, "HTTP/1.0 kept alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"));
  to.push_back(pass(v, "chunk extensions", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n03;c\r\nllo\r\n0;d\r\n\r\n"));
  to.push_back(pass(v, "status 599", "HTTP/1.1 599 Odd\r\nContent-Length: 5\r\n\r\nhello"));
  to.push_back(pass(v, "status 299", "HTTP/1.1 299 \r\nContent-Length: 5\r\n\r\nhello"));
  to.push_back(pass(v, "coding in capitals", "HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
}

}  // namespace

std::span<const ResponseCase> backend_cases() {
  static const Cases cases = [] {
    Cases all;
    add_interim(all);
    add_pool_poisoning(all);
    add_fields(all);
    return all;
  }();
  return cases;
}

}  // namespace weir::conformance
