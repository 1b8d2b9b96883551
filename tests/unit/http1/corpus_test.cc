// The corpus of tests/conformance against the parsers alone: what they let pass is what a proxy would forward.
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>

#include "http1/chunked_decoder.h"
#include "http1/request_parser.h"
#include "http1/response_parser.h"
#include "http1_corpus.h"

namespace weir::http1 {
namespace {

using conformance::Answer;
using conformance::Outcome;
using conformance::RequestCase;
using conformance::ResponseCase;
using http::Framing;

/// What came of a body that `input` begins with; takes it off `input`.
struct Body {
  enum class End { Whole, Cut, Bad } end = End::Whole;
  int status = 0;
  std::string text;
};

Body take_body(std::string_view& input, const Framing& framing, Side side) {
  Body body;
  switch (framing.kind) {
    case Framing::Kind::None:
      return body;
    case Framing::Kind::UntilClose:
      body.text = input;
      input = {};
      return body;
    case Framing::Kind::Length:
      if (framing.length > input.size()) return {Body::End::Cut, 0, {}};
      body.text = input.substr(0, framing.length);
      input.remove_prefix(framing.length);
      return body;
    case Framing::Kind::Chunked:
      break;
  }
  ChunkedDecoder decoder(std::pmr::get_default_resource());
  decoder.start(side);
  std::string_view data;
  for (;;) {
    switch (decoder.next(input, data)) {
      case ChunkedDecoder::Event::Data:
        body.text += data;
        break;
      case ChunkedDecoder::Event::NeedInput:
        return {Body::End::Cut, 0, {}};
      case ChunkedDecoder::Event::End:
        return body;
      case ChunkedDecoder::Event::Bad:
        return {Body::End::Bad, decoder.error().status, {}};
    }
  }
}

struct Seen {
  int forwarded = 0;  // requests that were complete
  int status = 0;     // of the refusal that ended the connection, if any
  bool in_body = false;
};

Seen read_connection(std::string_view input) {
  Seen seen;
  while (!input.empty()) {
    RequestParser parser;
    http::RequestHead head(std::pmr::get_default_resource());
    parser.start({});
    const ParseStatus status = parser.parse(input, head);
    if (status == ParseStatus::Incomplete) return seen;
    if (status == ParseStatus::Bad) {
      seen.status = parser.error().status;
      return seen;
    }
    input.remove_prefix(parser.consumed());
    const Body body = take_body(input, head.framing, Side::Client);
    if (body.end != Body::End::Whole) {
      seen.status = body.status;
      seen.in_body = true;
      return seen;
    }
    ++seen.forwarded;
    if (!head.keep_alive) return seen;
  }
  return seen;
}

TEST(RequestCorpus, GoesAsItShould) {
  for (const RequestCase& c : conformance::request_cases()) {
    if (!c.by_parser) continue;
    SCOPED_TRACE(c.group + ": " + c.name);
    const Seen seen = read_connection(c.octets);
    switch (c.outcome) {
      case Outcome::Forward:
        EXPECT_EQ(seen.forwarded, c.forwarded);
        EXPECT_EQ(seen.status, 0);
        break;
      case Outcome::Refuse:
        EXPECT_EQ(seen.forwarded, c.forwarded);
        EXPECT_EQ(seen.status, c.status);
        EXPECT_FALSE(seen.in_body);
        break;
      case Outcome::Cut:
        EXPECT_EQ(seen.forwarded, c.forwarded);
        EXPECT_EQ(seen.status, c.status);
        EXPECT_TRUE(seen.in_body);
        break;
      case Outcome::Either:
        EXPECT_TRUE((seen.status == 0 && seen.forwarded == c.forwarded) || (seen.status != 0 && seen.forwarded == 0));
        break;
      case Outcome::Answer:
        FAIL() << "a parser answers nothing";
    }
  }
}

TEST(RequestCorpus, NamesEachCaseOnce) {
  std::set<std::string> names;
  for (const RequestCase& c : conformance::request_cases())
    EXPECT_TRUE(names.insert(c.group + ": " + c.name).second) << c.group << ": " << c.name;
  EXPECT_GE(names.size(), 250u);
}

/// The final answer, as far as the parsers see it; nothing if there is none.
struct FinalAnswer {
  http::ResponseHead head{std::pmr::get_default_resource()};
  Body body;
  bool stray = false;
};

std::optional<FinalAnswer> read_answer(std::string_view input, http::Method method) {
  for (;;) {
    ResponseParser parser;
    FinalAnswer answer;
    parser.start({}, method);
    if (parser.parse(input, answer.head) != ParseStatus::Complete) return std::nullopt;
    input.remove_prefix(parser.consumed());
    if (answer.head.is_interim()) continue;
    answer.body = take_body(input, answer.head.framing, Side::Backend);
    answer.stray = !input.empty();
    return answer;
  }
}

TEST(ResponseCorpus, GoesAsItShould) {
  for (const ResponseCase& c : conformance::response_cases()) {
    SCOPED_TRACE(c.group + ": " + c.name);
    const auto answer = read_answer(c.octets, http::method_of(c.method));
    ASSERT_EQ(answer.has_value(), c.answer != Answer::Bad);
    if (!answer) continue;
    EXPECT_EQ(answer->body.end == Body::End::Whole, c.answer == Answer::Pass);
    if (c.answer != Answer::Pass) continue;
    EXPECT_EQ(answer->body.text, c.body);
    EXPECT_EQ(answer->head.keep_alive && !answer->stray, c.reusable);
  }
}

TEST(ResponseCorpus, NamesEachCaseOnce) {
  std::set<std::string> names;
  for (const ResponseCase& c : conformance::response_cases())
    EXPECT_TRUE(names.insert(c.group + ": " + c.name).second) << c.group << ": " << c.name;
  EXPECT_GE(names.size(), 80u);
}

}  // namespace
}  // namespace weir::http1
