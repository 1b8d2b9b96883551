#include <string_view>
#include <vector>

#include "http1_corpus.h"

namespace weir::conformance {
namespace {

using std::string;
using namespace std::string_literals;

const string kHost = "Host: a.example\r\n";
const string kNext = "GET /next HTTP/1.1\r\nHost: a.example\r\n\r\n";  // what a smuggler would like to add

string get(const string& lines) {
  return "GET / HTTP/1.1\r\n" + kHost + lines + "\r\n";
}
string post(const string& lines, const string& body) {
  return "POST / HTTP/1.1\r\n" + kHost + lines + "\r\n" + body;
}
string chunked(const string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}
string line(const string& request_line) {
  return request_line + "\r\n" + kHost + "\r\n";
}
string host(const string& value) {
  return "GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n";
}

using Cases = std::vector<RequestCase>;

RequestCase good(const string& group, const string& name, const string& octets, int forwarded = 1) {
  return {group, name, octets, Outcome::Forward, forwarded};
}
RequestCase bad(const string& group, const string& name, const string& octets, int status = 400) {
  return {group, name, octets, Outcome::Refuse, 0, status};
}
RequestCase cut(const string& group, const string& name, const string& octets) {
  return {group, name, octets, Outcome::Cut, 0, 400};
}
RequestCase either(const string& group, const string& name, const string& octets) {
  return {group, name, octets, Outcome::Either, 1};
}
RequestCase policy(const string& group, const string& name, const string& octets, int status) {
  return {group, name, octets, Outcome::Refuse, 0, status, false};
}

void add_valid(Cases& to) {
  const string g = "valid";
  to.push_back(good(g, "GET", get("")));
  to.push_back(good(g, "HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n"));
  to.push_back(good(g, "an empty line first", "\r\n" + get("")));
  to.push_back(good(g, "empty value", get("x:\r\n")));
  to.push_back(good(g, "HTAB around a value", get("x:\t y\t \r\n")));
  to.push_back(good(g, "obs-text in a value", get("x: caf\xc3\xa9 \xff\r\n")));
  to.push_back(good(g, "field name of every token octet", get("!#$%&'*+-.^_`|~09azAZ: v\r\n")));
  to.push_back(good(g, "unknown method", line("BREW / HTTP/1.1")));
  to.push_back(good(g, "minor version above 1", line("GET / HTTP/1.9")));
  to.push_back(good(g, "empty query", line("GET /? HTTP/1.1")));
  to.push_back(good(g, "length with leading zeros", post("Content-Length: 005\r\n", "hello")));
  to.push_back(good(g, "length after HTAB", post("Content-Length:\t5\r\n", "hello")));
  to.push_back(good(g, "coding in capitals after HTAB", post("Transfer-Encoding:\tCHUNKED\r\n", "0\r\n\r\n")));
  to.push_back(good(g, "GET with a body", get("Content-Length: 5\r\n") + "hello"));
  to.push_back(good(g, "absolute form", "GET http://a.example/x?y HTTP/1.1\r\n" + kHost + "\r\n"));
  to.push_back(good(g, "absolute form without path", "GET http://a.example HTTP/1.1\r\n" + kHost + "\r\n"));
  to.push_back(good(g, "OPTIONS *", line("OPTIONS * HTTP/1.1")));
}

void add_pipelining(Cases& to) {
  const string g = "pipelining";
  to.push_back(good(g, "three requests", get("") + get("") + get(""), 3));
  to.push_back(good(g, "a length, then another", post("Content-Length: 5\r\n", "hello") + kNext, 2));
  to.push_back(good(g, "chunks, then another", chunked("5\r\nhello\r\n0\r\n\r\n") + kNext, 2));
  to.push_back(good(g, "a CRLF after a body", post("Content-Length: 5\r\n", "hello") + "\r\n" + kNext, 2));
  to.push_back(good(g, "nothing after close", get("Connection: close\r\n") + kNext));
  to.push_back(good(g, "nothing after HTTP/1.0", "GET / HTTP/1.0\r\n\r\n" + kNext));
  to.push_back({g, "a bad one after a good one", get("") + "GET / HTTP/1.1\r\nHost: a\r\nx : y\r\n\r\n" + kNext,
                Outcome::Refuse, 1});
  to.push_back({g, "garbage after a body", post("Content-Length: 5\r\n", "hello\x01\x02\r\n"), Outcome::Refuse, 1});
}

void add_lengths(Cases& to) {
  const string g = "content-length";
  for (const char* value : {"", "-1", "+5", "5 5", "5, 5", "5,6", "5,", ",5", "0x5", "5e0", "5.0", "5;", "\"5\"",
                            "five", "5_0", "9223372036854775808", "18446744073709551621", "4294967296000000000000"})
    to.push_back(
        bad(g, "'" + string(value) + "'", post("Content-Length: " + string(value) + "\r\n", "hello") + kNext));
  to.push_back(bad(g, "twice the same", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")));
  to.push_back(bad(g, "twice, differing", post("Content-Length: 5\r\nContent-Length: 0\r\n", "hello")));
  to.push_back(bad(g, "differing in case", post("Content-Length: 0\r\ncOnTeNt-LeNgTh: 5\r\n", "hello")));
  to.push_back(bad(g, "vertical tab before the value", post("Content-Length:\v5\r\n", "hello")));
  to.push_back(bad(g, "NUL after the value", post("Content-Length: 5\0\r\n"s, "hello")));
  to.push_back(good(g, "imitated with an underscore", post("Content_Length: 50\r\nContent-Length: 5\r\n", "hello")));
}

void add_codings(Cases& to) {
  const string smuggled = "0\r\n\r\n" + kNext;
  to.push_back(
      bad("CL.TE", "length, then coding", post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", smuggled)));
  to.push_back(
      bad("TE.CL", "coding, then length", post("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", smuggled)));
  to.push_back(bad("CL.TE", "length 0", post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", smuggled)));
  to.push_back(bad("CL.TE", "unknown coding", post("Content-Length: 6\r\nTransfer-Encoding: gzip\r\n", smuggled)));
  to.push_back(bad("CL.TE", "empty coding", post("Content-Length: 6\r\nTransfer-Encoding:\r\n", smuggled)));

  const string g = "TE.TE";
  const auto coding = [&](const string& value, int status = 400) {
    to.push_back(bad(g, "'" + value + "'", post("Transfer-Encoding: " + value + "\r\n", smuggled), status));
  };
  for (const char* value : {"", ",", "chunked,", ",chunked", "chunked, chunked", "chunked;x=y", "chunked x",
                            "\"chunked\"", "chunked\v", "\vchunked", "chunked\x01", "chunked\x80", "chu\tnked"})
    coding(value);
  for (const char* value :
       {"identity", "gzip", "xchunked", "chunkedx", "chunked-", "gzip, chunked", "chunked, identity"})
    coding(value, 501);
  to.push_back(bad(g, "two fields", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", smuggled)));
  to.push_back(
      bad(g, "two fields, one unknown", post("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n", smuggled)));
  to.push_back(
      bad(g, "in HTTP/1.0", "POST / HTTP/1.0\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n" + smuggled));
  to.push_back(bad(g, "space before the colon", post("Transfer-Encoding : chunked\r\n", smuggled)));
  to.push_back(bad(g, "folded", post("Transfer-Encoding:\r\n chunked\r\n", smuggled)));
  to.push_back(bad(g, "after a bare CR", post("x: y\rTransfer-Encoding: chunked\r\n", smuggled)));
  to.push_back(bad(g, "NUL in the name", post("Transfer\0-Encoding: chunked\r\n"s, smuggled)));
  to.push_back(
      good(g, "imitated with an underscore", post("Transfer_Encoding: chunked\r\nContent-Length: 0\r\n", "")));
}

void add_chunks(Cases& to) {
  const string g = "chunked", end = "0\r\n\r\n";
  to.push_back(good(g, "extensions", chunked("5;a=b;c=\"d;e\"\r\nhello\r\n0;f\r\n\r\n") + kNext, 2));
  to.push_back(good(g, "leading zeros", chunked("0005\r\nhello\r\n000\r\n\r\n") + kNext, 2));
  to.push_back(good(g, "data that looks like an end", chunked("5\r\n0\r\n\r\n\r\n" + end) + kNext, 2));
  for (const char* size : {"", "-5", "+5", "0x5", " 5", "5 ", "5\t", "5 5", "g", "5g", "5,", "5.", "5\v", "5\x80",
                           "8000000000000005", "10000000000000005", "00000000000000005", "fffffffffffffffff"})
    to.push_back(cut(g, "size '" + string(size) + "'", chunked(string(size) + "\r\nhello\r\n" + end) + kNext));
  to.push_back(cut(g, "size with NUL", chunked("5\0\r\nhello\r\n"s + end) + kNext));
  to.push_back(cut(g, "data too long", chunked("4\r\nhello\r\n" + end) + kNext));
  to.push_back(cut(g, "data too short", chunked("6\r\nhello\r\n" + end) + kNext));
  to.push_back(cut(g, "no end of data", chunked("5\r\nhello" + end) + kNext));
  to.push_back(cut(g, "control octet in an extension", chunked("5;a\x01\r\nhello\r\n" + end) + kNext));
  to.push_back(cut(g, "bare CR in an extension", chunked("5;a\rb\r\nhello\r\n" + end) + kNext));
  to.push_back(cut(g, "endless extension", chunked("5;" + string(70000, 'a') + "\r\nhello\r\n" + end) + kNext));

  const string lf = "bare-lf";
  to.push_back(cut(lf, "after a size", chunked("5\nhello\r\n" + end) + kNext));
  to.push_back(cut(lf, "after an extension", chunked("5;a\nhello\r\n" + end) + kNext));
  to.push_back(cut(lf, "after data", chunked("5\r\nhello\n" + end) + kNext));
  to.push_back(cut(lf, "after the last chunk", chunked("5\r\nhello\r\n0\n\n") + kNext));
  to.push_back(cut(lf, "as the end of trailers", chunked("5\r\nhello\r\n0\r\n\n") + kNext));
  to.push_back(cut(lf, "in trailers", chunked("5\r\nhello\r\n0\r\nx: y\n\r\n") + kNext));
  to.push_back(either(lf, "in the whole head", "GET / HTTP/1.1\nHost: a.example\nx: y\n\n"));
  to.push_back(either(lf, "after one field", get("x: y\n")));

  const string t = "trailers";
  to.push_back(good(t, "a plain one", chunked("5\r\nhello\r\n0\r\nx: y\r\n\r\n") + kNext, 2));
  to.push_back(good(t, "framing, dropped",
                    chunked("0\r\nContent-Length: 50\r\nTransfer-Encoding: x\r\nHost: b\r\n\r\n") + kNext, 2));
  to.push_back(cut(t, "folded", chunked("0\r\nx: y\r\n z\r\n\r\n") + kNext));
  to.push_back(cut(t, "without colon", chunked("0\r\nx\r\n\r\n") + kNext));
  to.push_back(cut(t, "a request line", chunked("0\r\nGET / HTTP/1.1\r\n\r\n") + kNext));
  to.push_back(cut(t, "space before the colon", chunked("0\r\nx : y\r\n\r\n") + kNext));
  to.push_back(cut(t, "NUL in a value", chunked("0\r\nx: \0\r\n\r\n"s) + kNext));
  to.push_back({t, "too long", chunked("0\r\nx: " + string(70000, 'y') + "\r\n\r\n") + kNext, Outcome::Cut, 0, 431});
}

void add_fields(Cases& to) {
  const string g = "field-syntax";
  to.push_back(bad(g, "no colon", get("x\r\n")));
  to.push_back(bad(g, "empty name", get(": y\r\n")));
  to.push_back(bad(g, "space before the colon", get("x : y\r\n")));
  to.push_back(bad(g, "HTAB before the colon", get("x\t: y\r\n")));
  to.push_back(bad(g, "space in the name", get("x y: z\r\n")));
  for (const char* name :
       {"x(", "<x>", "x@", "x[0]", "x\\", "\"x\"", "x/", "x=", "x?", "{x}", "x\x80", "x\x7f", "x\x01"})
    to.push_back(bad(g, "name '" + string(name) + "'", get(string(name) + ": y\r\n")));
  for (int octet = 0; octet < 0x20; ++octet)
    if (octet != '\t' && octet != '\n') {
      const string value = "a" + string(1, static_cast<char>(octet)) + "b";
      to.push_back(bad(g, "value with octet " + std::to_string(octet), get("x: " + value + "\r\n")));
    }
  to.push_back(bad(g, "value with DEL", get("x: a\x7f\r\n")));
  to.push_back(bad(g, "CR CR LF", get("x: y\r\r\n")));

  const string f = "line-folding";
  to.push_back(bad(f, "with a space", get("x: y\r\n z\r\n")));
  to.push_back(bad(f, "with HTAB", get("x: y\r\n\tz\r\n")));
  to.push_back(bad(f, "of an empty line", get("x: y\r\n \r\n")));
  to.push_back(bad(f, "before the first field", "GET / HTTP/1.1\r\n " + kHost + "\r\n"));
  to.push_back(bad(f, "hiding a field", get("x: y\r\n Transfer-Encoding: chunked\r\n")));
}

void add_request_lines(Cases& to) {
  const string g = "request-line";
  for (const char* text : {"GET",
                           "GET /",
                           "GET  / HTTP/1.1",
                           "GET /  HTTP/1.1",
                           " GET / HTTP/1.1",
                           "GET / HTTP/1.1 ",
                           "GET\t/\tHTTP/1.1",
                           "GET / / HTTP/1.1",
                           "GET /a b HTTP/1.1",
                           "GET / http/1.1",
                           "GET / HTTP/1",
                           "GET / HTTP/1.1.1",
                           "GET / HTTP/01.1",
                           "GET / HTTP/1.10",
                           "GET / HTTPS/1.1",
                           "GET / HTTP/0.9",
                           "GET / HTTP/0.0",
                           "G(T / HTTP/1.1",
                           "GET: / HTTP/1.1",
                           "GE\x01T / HTTP/1.1",
                           "GET / HTTP/1.1\r",
                           "GET x HTTP/1.1",
                           "GET ?x HTTP/1.1",
                           "GET * HTTP/1.1",
                           "GET a.example:80 HTTP/1.1",
                           "GET /a\x01 HTTP/1.1",
                           "GET /\x7f HTTP/1.1",
                           "GET /caf\xc3\xa9 HTTP/1.1",
                           "GET /a#b HTTP/1.1",
                           "GET /?a#b HTTP/1.1",
                           "CONNECT / HTTP/1.1",
                           "CONNECT a.example HTTP/1.1"})
    to.push_back(bad(g, text, line(text)));
  for (const char* version : {"2.0", "3.0", "9.9"})
    to.push_back(bad(g, "version " + string(version), line("GET / HTTP/" + string(version)), 505));
  to.push_back(bad(g, "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505));
  to.push_back(bad(g, "NUL in the target", line("GET /\0 HTTP/1.1"s)));
  to.push_back(bad(g, "TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s));
  to.push_back(bad(g, "PROXY line", "PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n" + get("")));
  to.push_back(bad(g, "many empty lines", "\r\n\r\n\r\n\r\n" + get("")));
  to.push_back(policy("methods", "CONNECT", "CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n\r\n", 405));
  to.push_back(policy("methods", "TRACE", line("TRACE / HTTP/1.1"), 405));

  const string a = "absolute-form";
  for (const char* target :
       {"http://", "http:///x", "http://:80/", "http://u@a.example/", "http://u:p@a.example/", "http://a.example:x/",
        "http://a.example:65536/", "http://a.example\\b/", "http://[::1/", "http:/a.example/", "http:a.example",
        "ftp://a.example/", "://a.example/", "http://a.example/#x"})
    to.push_back(bad(a, target, line("GET " + string(target) + " HTTP/1.1")));
  to.push_back(either(a, "Host disagrees", line("GET http://b.example/ HTTP/1.1")));
  to.push_back(bad(a, "no Host", "GET http://a.example/ HTTP/1.1\r\n\r\n"));
}

void add_hosts(Cases& to) {
  const string g = "host";
  for (const char* value :
       {"a", "a.example.", "a:80", "a:", "A-b_c~1", "127.0.0.1:80", "[::1]", "[::1]:80", "[v1.x]"})
    to.push_back(good(g, value, host(value)));
  for (const char* value :
       {"",        "a b",  "a/b",    "a?b", "a#b", "a@b",   "u:p@a", "a\\b", "a:http", "a:-1",      "a:80:80", ":80",
        "a:65536", "[::1", "[::1]x", "[]",  "[a]", "::1",   "a%",    "a%zz", "a%00",   "a%2f",      "a\x80",   "a\"",
        "<a>",     "a|b",  "a^b",    "a`b", "{a}", "a,b c", "a..b",  ".",    "a\tb",   "[::1%25lo]"})
    to.push_back(bad(g, "'" + string(value) + "'", host(value)));
  to.push_back(bad(g, "none", "GET / HTTP/1.1\r\n\r\n"));
  to.push_back(bad(g, "two", get(kHost)));
  to.push_back(bad(g, "two, differing", get("Host: b.example\r\n")));
  to.push_back(bad(g, "two in HTTP/1.0", "GET / HTTP/1.0\r\n" + kHost + kHost + "\r\n"));
}

void add_limits_and_others(Cases& to) {
  const string g = "limits";
  to.push_back(bad(g, "request line of 70,000 octets", line("GET /" + string(70000, 'a') + " HTTP/1.1"), 414));
  to.push_back(bad(g, "field of 70,000 octets", get("x: " + string(70000, 'a') + "\r\n"), 431));
  string many;
  for (int i = 0; i < 3000; ++i) many += "x: y\r\n";
  to.push_back(bad(g, "3,000 fields", get(many), 400));
  string options = "Connection: a";
  for (int i = 0; i < 100; ++i) options += ",b" + std::to_string(i);
  to.push_back(bad(g, "100 connection options", get(options + "\r\n")));

  to.push_back(bad("expect", "unknown", post("Expect: magic\r\nContent-Length: 5\r\n", "hello"), 417));
  to.push_back(good("expect", "ignored in HTTP/1.0",
                    "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"));
  to.push_back(good("hop-by-hop", "nominated field", get("Connection: X-Secret\r\nX-Secret: 1\r\n")));
  to.push_back(good("hop-by-hop", "nominated Host", get("Connection: Host\r\n")));
  to.push_back(good("upgrade", "h2c",
                    get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n")));
}

}  // namespace

std::span<const RequestCase> request_cases() {
  static const Cases cases = [] {
    Cases all;
    add_valid(all);
    add_pipelining(all);
    add_lengths(all);
    add_codings(all);
    add_chunks(all);
    add_fields(all);
    add_request_lines(all);
    add_hosts(all);
    add_limits_and_others(all);
    return all;
  }();
  return cases;
}

}  // namespace weir::conformance
