#include "nginx/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "support/fake_backend.h"
#include "support/fake_name_server.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

constexpr const char* kNginx = "/usr/sbin/nginx";

// What every configuration of a comparison logs: variables that must have the same values on both sides.
constexpr const char* kLog = R"(
log_format seen '"$request" $status [$uri] host=$host,$http_host,$server_name to=$proxy_host,$upstream_addr'
                ' upstream=$upstream_status completed=$request_completion sent=$sent_http_content_type,'
                '$sent_http_location $remote_addr $remote_user $scheme $request_method'
                ' $server_protocol $content_length $content_type $is_args $document_uri $request_uri';
access_log %dir%/seen.log seen;
)";

// What may differ in any answer, or in what any backend gets: a pattern, what it becomes in both texts, and why.
struct Blur {
  const char* pattern;
  const char* becomes;
  const char* reason;
};
constexpr Blur kClientBlurs[] = {
    {"Content-Length: [0-9]+(?=\n[^]*<hr><center>(nginx|weir)/)", "Content-Length: LENGTH", "pages end with the product's name"},
    {"(Server: |<center>)(nginx|weir)(/[0-9.]+)?", "$1PRODUCT", "each says what it is"},
    {"Date: [A-Z][^\n]*", "Date: NOW", "the time"},
    {"Expires: (?!Thu, 31 Dec 2037|Thu, 01 Jan 1970)[A-Z][^\n]*", "Expires: LATER", "the time"},
};
constexpr Blur kLogBlurs[] = {
    {"(\"[^\"]*\" 400 )[^\n]*", "$1", "nginx does not say where a request wanted to go whose line or head it refuses"},
};
constexpr Blur kBackendBlurs[] = {
    {" HTTP/1\\.0\n", " HTTP/1.1\n", "nginx 1.29.7 made 1.1 the default of proxy_http_version; 1.22 says 1.0"},
    {"Connection: close\n", "", "the same: with 1.0 it announces the end of the connection"},
};

/// `text` with everything gone that depends on the run: folders, the proxy's own port.
std::string steady(std::string text, const WeirProcess& proxy, const std::string& listen) {
  const auto replace = [&text](const std::string& from, const std::string& to) {
    for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  };
  replace(proxy.dir().path().string(), "DIR");
  replace(listen, "LISTEN");
  replace(listen.substr(listen.rfind(':')), ":PORT");
  replace("\r\n", "\n");
  return text;
}

template <std::size_t N>
std::string blurred(std::string text, const Blur (&blurs)[N]) {
  for (const Blur& blur : blurs) text = std::regex_replace(text, std::regex(blur.pattern), blur.becomes);
  return text;
}

// `X-Answer: status|Field: value|…|body=text|chunked`. Without it: 200 and what was asked.
void answer_as_told(BackendConnection& connection, const HttpRequest& request, const std::string& name) {
  Answer answer{.body = name + " " + request.method + " " + request.target + "\n"};
  std::istringstream parts(request.field("X-Answer"));
  for (std::string part; std::getline(parts, part, '|');) {
    const std::size_t colon = part.find(": ");
    if (part == "chunked") answer.framing = Answer::Framing::Chunked;
    else if (part.starts_with("body=")) answer.body = part.substr(5);
    else if (colon != part.npos) answer.fields.emplace_back(part.substr(0, colon), part.substr(colon + 2));
    else if (part == "reset") return connection.reset();
    else answer.status = std::stoi(part);
  }
  if (answer.status == 101) {
    connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: " + request.field("Upgrade") +
                    "\r\n\r\nhello\n");
    return connection.close();
  }
  connection.answer(answer, request.method);
}

std::string describe(Fields fields);

struct Backends {
  FakeBackend app = make("app"), api = make("api"), spare = make("spare");

  static FakeBackend make(const std::string& name) {
    FakeBackend backend = FakeBackend::handling(
        [name](BackendConnection& connection, const HttpRequest& request) { answer_as_told(connection, request, name); });
    backend.allow_malformed_requests();
    return backend;
  }
  std::string take(FakeBackend& backend, const char* name) {
    std::string text;
    for (const HttpRequest& request : backend.requests()) {
      text += std::string("> ") + name + "\n" + request.start_line + "\n" + describe(request.fields) + request.body.text();
      if (!request.complete) text += "(incomplete)";
    }
    backend.forget();
    return text;
  }
  std::string take_all() { return take(app, "app") + take(api, "api") + take(spare, "spare"); }
};

/// The fields by name: the order of different ones says nothing, that of equal ones does.
std::string describe(Fields fields) {
  std::stable_sort(fields.begin(), fields.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (const auto& [name, value] : fields) text += name + ": " + value + "\n";
  return text + "\n";
}

std::string describe(const HttpResponse& response) {
  std::string text = response.version + " " + std::to_string(response.status) + "\n";
  text += describe(response.fields) + response.text();
  for (const auto& [name, value] : response.trailers) text += "trailer " + name + ": " + value + "\n";
  if (!response.complete) text += "(incomplete)";
  return text;
}

/// One request, as the client sees it.
std::string outcome_for_client(const std::string& address, const std::string& octets) {
  RawClient client(address);
  client.send(octets);
  try {
    HttpResponse response = client.read_response(octets.substr(0, octets.find(' ')));
    const bool switched = response.status == 101;
    return describe(response) + (switched ? client.read_to_end().bytes : "");
  } catch (const std::runtime_error&) {
    return "(no answer)";
  }
}

struct Side {
  WeirProcess proxy;
  std::string listen;

  Side(const Shape& shape, const Values& values, const char* binary)
      : proxy(kLog + shape.config, values, {.workers = 1, .binary = binary}), listen(proxy.address()) {
    // The same age for both: it stands in Last-Modified and ETag.
    const auto age = std::filesystem::file_time_type::clock::now() - std::chrono::hours(24);
    for (const auto& [name, text] : shape.files) {
      const std::filesystem::path path = proxy.dir().path() / name;
      std::filesystem::create_directories(path.parent_path());
      std::filesystem::last_write_time(proxy.dir().write(name, text),
                                       std::chrono::floor<std::chrono::hours>(age));
    }
  }
  std::string run(const std::string& octets, Backends& backends) {
    const std::string client = blurred(steady(outcome_for_client(listen, octets), proxy, listen), kClientBlurs);
    return client + "\n" + blurred(steady(backends.take_all(), proxy, listen), kBackendBlurs);
  }
  std::string log() {
    proxy.stop();
    return blurred(steady(proxy.dir().read("seen.log"), proxy, listen), kLogBlurs);
  }
};

std::string with_values(std::string text, const Values& values) {
  for (const auto& [name, value] : values)
    for (std::size_t at; (at = text.find("%" + name + "%")) != text.npos;) text.replace(at, name.size() + 2, value);
  return text;
}

const Difference* meant(const Shape& shape, const std::string& octets) {
  for (const Difference& each : differences())
    if (each.shape == shape.name && octets.find(each.ask) != octets.npos) return &each;
  return nullptr;
}

}  // namespace

std::string ask(const std::string& line, const std::string& more, const std::string& body) {
  const std::string length = body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return line + " HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n" + length + more + "\r\n" + body;
}

void compare(const Shape& shape) {
  if (!std::filesystem::exists(kNginx)) GTEST_SKIP() << kNginx << " is not there: cmake/install-packages.sh test";
  Backends backends;
  const Port dead;
  FakeNameServer dns;
  dns.set_others({.addresses = {"127.0.0.1"}});
  const Values values{{"app", backends.app.address()},
                      {"api", backends.api.address()},
                      {"spare", backends.spare.address()},
                      {"app_port", backends.app.address().substr(backends.app.address().rfind(':') + 1)},
                      {"dns", dns.address()},
                      {"dead", dead.address()}};
  Side nginx(shape, values, kNginx);
  Side weir(shape, values, "");
  bool logs_may_differ = false;
  for (const std::string& each : shape.asks) {
    const std::string octets = with_values(each, values);
    const std::string expected = nginx.run(octets, backends), seen = weir.run(octets, backends);
    const Difference* const difference = meant(shape, octets);
    if (!difference) {
      EXPECT_EQ(expected, seen) << "nginx (first) and Weir (second) differ in shape " << shape.name << " for\n" << octets;
      continue;
    }
    logs_may_differ = true;
    EXPECT_NE(seen.find(difference->weir), seen.npos) << difference->reason << "\n" << octets << "\nWeir:\n" << seen;
    EXPECT_EQ(expected.find(difference->weir), expected.npos)
        << "nginx does the same, so this is no difference: " << difference->reason << "\n" << octets;
  }
  const std::string expected = nginx.log(), seen = weir.log();
  if (!logs_may_differ) {
    EXPECT_EQ(expected, seen) << "the logs of nginx (first) and Weir (second) differ";
  }
}

}  // namespace weir::test
