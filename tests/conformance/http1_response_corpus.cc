#include <vector>

#include "http1_corpus.h"

namespace weir::conformance {
namespace {

using std::string;
using namespace std::string_literals;

using Cases = std::vector<ResponseCase>;

string ok(const string& lines, const string& body = "") {
  return "HTTP/1.1 200 OK\r\n" + lines + "\r\n" + body;
}

ResponseCase pass(const string& group, const string& name, const string& octets, const string& body, bool reusable) {
  return {group, name, "GET", octets, Answer::Pass, body, reusable};
}
ResponseCase bad(const string& group, const string& name, const string& octets) {
  return {group, name, "GET", octets, Answer::Bad};
}
ResponseCase cut(const string& group, const string& name, const string& octets) {
  return {group, name, "GET", octets, Answer::Cut};
}

void add_valid(Cases& to) {
  const string g = "valid", chunks = "5\r\nhello\r\n0\r\n\r\n";
  to.push_back(pass(g, "length", ok("Content-Length: 5\r\n", "hello"), "hello", true));
  to.push_back(pass(g, "length 0", ok("Content-Length: 0\r\n"), "", true));
  to.push_back(pass(g, "chunks", ok("Transfer-Encoding: chunked\r\n", chunks), "hello", true));
  to.push_back(pass(g, "until close", ok("", "hello"), "hello", false));
  to.push_back(pass(g, "close", ok("Connection: close\r\nContent-Length: 5\r\n", "hello"), "hello", false));
  to.push_back(pass(g, "HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", false));
  to.push_back(pass(g, "no reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "", true));
  to.push_back(pass(g, "neither reason nor space", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "", true));
  to.push_back(pass(g, "204", "HTTP/1.1 204 No Content\r\n\r\n", "", true));
  to.push_back(pass(g, "304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", true));
  to.push_back({g, "HEAD with a length", "HEAD", ok("Content-Length: 5\r\n"), Answer::Pass, "", true});
  to.push_back(
      {g, "HEAD with chunks announced", "HEAD", ok("Transfer-Encoding: chunked\r\n"), Answer::Pass, "", true});
  to.push_back(pass(g, "103 first",
                    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok("Content-Length: 2\r\n", "hi"), "hi",
                    true));
  to.push_back(pass(g, "100 first", "HTTP/1.1 100 Continue\r\n\r\n" + ok("Content-Length: 2\r\n", "hi"), "hi", true));
  to.push_back(pass(g, "odd field names", ok("x_y: 1\r\nx.z: 2\r\nContent-Length: 0\r\n"), "", true));
}

void add_bad_heads(Cases& to) {
  const string g = "bad-response-head";
  for (const char* line : {"",
                           "HTTP/1.1",
                           "HTTP/1.1 ",
                           "HTTP/1.1 20",
                           "HTTP/1.1 20 OK",
                           "HTTP/1.1 2000 OK",
                           "HTTP/1.1 2x0 OK",
                           "HTTP/1.1 000 OK",
                           "HTTP/1.1 099 OK",
                           "HTTP/1.1 600 OK",
                           "HTTP/1.1 -20 OK",
                           "HTTP/1.1  200 OK",
                           "HTTP/1.1\t200 OK",
                           "HTTP/1.1 200OK",
                           "HTTP/2.0 200 OK",
                           "HTTP/0.9 200 OK",
                           "HTTP/9.9 200 OK",
                           "HTTP/1.10 200 OK",
                           "http/1.1 200 OK",
                           " HTTP/1.1 200 OK",
                           "ICY 200 OK",
                           "<html>hello</html>",
                           "HTTP/1.1 200 a\rb",
                           "HTTP/1.1 200 \x01"})
    to.push_back(bad(g, "'" + string(line) + "'", string(line) + "\r\nContent-Length: 0\r\n\r\n"));
  to.push_back(bad(g, "NUL in the reason", "HTTP/1.1 200 a\0b\r\nContent-Length: 0\r\n\r\n"s));
  to.push_back(bad(g, "empty line first", "\r\n" + ok("Content-Length: 0\r\n")));
  for (const char* lines : {"x: a\rSet-Cookie: b\r\n", "x: a\r\n b\r\n", " x: a\r\n", "x : a\r\n", ": a\r\n", "x\r\n",
                            "x y: a\r\n", "x: \x01\r\n", "x\x80: a\r\n"})
    to.push_back(bad(g, "'" + string(lines) + "'", ok(string(lines) + "Content-Length: 0\r\n")));
  to.push_back(bad(g, "NUL in a value", ok("x: a\0b\r\nContent-Length: 0\r\n"s)));
  to.push_back(bad(g, "3,000 fields", ok([] {
                     string lines;
                     for (int i = 0; i < 3000; ++i) lines += "x: y\r\n";
                     return lines;
                   }())));
}

void add_bad_framing(Cases& to) {
  const string g = "bad-response-framing", chunks = "5\r\nhello\r\n0\r\n\r\n";
  for (const char* value :
       {"", "-1", "+5", "5, 5", "5,6", "5x", "0x5", "5 5", "9223372036854775808", "18446744073709551621"})
    to.push_back(bad(g, "length '" + string(value) + "'", ok("Content-Length: " + string(value) + "\r\n", "hello")));
  to.push_back(bad(g, "two lengths", ok("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!")));
  to.push_back(bad(g, "two equal lengths", ok("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")));
  to.push_back(bad(g, "length and coding", ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunks)));
  to.push_back(bad(g, "coding in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks));
  for (const char* value : {"", "gzip", "identity", "xchunked", "gzip, chunked", "chunked, chunked", "chunked,"})
    to.push_back(
        bad(g, "coding '" + string(value) + "'", ok("Transfer-Encoding: " + string(value) + "\r\n", chunks)));

  const auto chunked = [](const string& body) { return ok("Transfer-Encoding: chunked\r\n", body); };
  for (const char* body : {"-5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
                           "4\r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
                           "5\r\nhello\r\n0\n\n", "8000000000000005\r\nhello\r\n0\r\n\r\n",
                           "5;\x01\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nx: y\r\n z\r\n\r\n"})
    to.push_back(cut(g, "chunks '" + string(body) + "'", chunked(body)));
}

void add_early_ends(Cases& to) {
  const string g = "premature-end";
  to.push_back(bad(g, "nothing", ""));
  to.push_back(bad(g, "in the status line", "HTTP/1.1 20"));
  to.push_back(bad(g, "in the head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"));
  to.push_back(bad(g, "after an interim answer", "HTTP/1.1 100 Continue\r\n\r\n"));
  to.push_back(cut(g, "in a body of known length", ok("Content-Length: 6\r\n", "hello")));
  to.push_back(cut(g, "in a chunk", ok("Transfer-Encoding: chunked\r\n", "6\r\nhello")));
  to.push_back(cut(g, "between chunks", ok("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n")));
  to.push_back(cut(g, "in the trailers", ok("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n")));
}

}  // namespace

std::span<const ResponseCase> response_cases() {
  static const Cases cases = [] {
    Cases all;
    add_valid(all);
    add_bad_heads(all);
    add_bad_framing(all);
    add_early_ends(all);
    return all;
  }();
  return cases;
}

}  // namespace weir::conformance
