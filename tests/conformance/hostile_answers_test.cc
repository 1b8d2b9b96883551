// Every answer of the corpus through the real binary, to clients of both versions, with each way a backend can end: the
// client gets all of it, or can tell that it did not, and nobody else gets an octet of it.
#include <gtest/gtest.h>

#include "http1_corpus.h"
#include "recording_backend.h"
#include "support/weir_process.h"

namespace weir::conformance {
namespace {

using test::BackendConnection;
using test::HttpResponse;
using test::IoStatus;
using test::RawClient;
using test::WeirProcess;

enum class End { Close, Reset, KeepOpen };

class HostileAnswers : public ::testing::TestWithParam<const char*> {
 protected:
  bool play(BackendConnection& connection) {
    connection.send(current_->octets);
    if (end_ == End::Reset) connection.reset();
    return end_ == End::KeepOpen;
  }

  /// A backend that keeps its connection open leaves the end of what has none to a time limit.
  static bool ends_by_itself(const ResponseCase& c) {
    if (c.group == "premature-end" || c.octets.find("\r\n\r\n") == c.octets.npos) return false;
    return c.name != "until close" && c.name != "HTTP/1.0 without a length" && c.name != "103 and no more";
  }
  bool is_close_delimited(const ResponseCase& c) const {
    return c.name == "until close" || c.name == "HTTP/1.0 without a length";
  }

  void run(const ResponseCase& c, End end, const std::string& version) {
    const char* const ends[] = {"closed", "reset", "kept open"};
    SCOPED_TRACE(c.group + ": " + c.name + ", " + ends[static_cast<int>(end)] + ", " + version);
    current_ = &c;
    end_ = end;
    RawClient client = weir_.connect();
    client.send(c.method + " /scripted " + version + "\r\nHost: x\r\nConnection: close\r\n\r\n");
    HttpResponse response;
    try {
      response = client.read_response(c.method);
    } catch (const test::SocketError&) {
      // Nothing but an end: the client can tell.
      EXPECT_NE(c.answer, Answer::Bad) << "a 502 is due";
      EXPECT_TRUE(c.answer == Answer::Cut || end == End::Reset);
    }
    EXPECT_NE(response.status, 504);
    EXPECT_NE(response.end, IoStatus::Timeout);
    if (version == "HTTP/1.0") {
      EXPECT_TRUE(response.interim.empty()) << "HTTP/1.0 knows no interim answers";
    }
    EXPECT_LT(response.interim.size(), 100u);
    for (const char* name : {"X-Secret", "Proxy-Connection", "TE", "Trailer", "Upgrade"})
      EXPECT_FALSE(response.has(name)) << name;

    const bool is_whole = response.status != 0 && response.status != 502 && response.complete;
    if (c.answer == Answer::Bad) {
      EXPECT_EQ(response.status, 502) << response.raw_head;
    } else if (c.answer == Answer::Cut || (end == End::Reset && is_close_delimited(c))) {
      EXPECT_FALSE(is_whole) << "a cut answer looks whole: " << response.raw_head << response.text();
    } else if (end != End::Reset) {  // a reset may overtake the answer
      EXPECT_TRUE(is_whole) << response.raw_head;
      EXPECT_EQ(response.text(), c.body);
    }
    EXPECT_EQ(response.text().find("poison"), std::string::npos);

    const std::string fresh = "/fresh" + std::to_string(++fresh_);
    EXPECT_EQ(weir_.get(fresh).text(), "GET " + fresh + " +0") << "another's octets reached a client";
    for (const std::string& fault : app_.take().faults) ADD_FAILURE() << fault;
  }

  const ResponseCase* current_ = nullptr;
  End end_ = End::Close;
  RecordingBackend app_{[this](BackendConnection& connection, const SeenRequest&) { return play(connection); }};
  WeirProcess weir_{R"(
      upstream app { server %app% max_fails=0; keepalive 8; }
      server { location / { proxy_pass http://app; proxy_read_timeout 5s; proxy_buffering %buffering%; } })",
                    {{"app", app_.address()}, {"buffering", GetParam()}},
                    {.workers = 1}};
  int fresh_ = 0;
};

TEST_P(HostileAnswers, AreWholeOrVisiblyNot) {
  WEIR_ONLY("nginx passes 120 of 175 such cases");
  int count = 0;
  for (const auto cases : {response_cases(), backend_cases()})
    for (const ResponseCase& c : cases)
      for (const End end : {End::Close, End::Reset, End::KeepOpen}) {
        if (end == End::KeepOpen && !ends_by_itself(c)) continue;
        if (end == End::Reset && c.answer == Answer::Bad) continue;  // whether a 502 is due depends on what came first
        for (const char* version : {"HTTP/1.1", "HTTP/1.0"}) {
          run(c, end, version);
          ++count;
        }
      }
  std::printf("%d cases\n", count);
  EXPECT_GT(count, 500);
}

INSTANTIATE_TEST_SUITE_P(Buffering, HostileAnswers, ::testing::Values("on", "off"),
                         [](const auto& chosen) { return std::string(chosen.param); });

}  // namespace
}  // namespace weir::conformance
