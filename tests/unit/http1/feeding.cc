#include "feeding.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

namespace weir::http1 {
namespace {

using http::Framing;

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

std::string describe(const http::Fields& fields) {
  std::string text;
  for (const http::Field& field : fields) {
    EXPECT_EQ(field.id, http::field_id(field.name));
    const std::string line = std::string(field.name) + ": " + std::string(field.value);
    if (field.is_line) {
      EXPECT_EQ(field.line(), line + "\r\n");
    }
    text += " [" + line + "]";
  }
  return text;
}

std::string describe(const Framing& framing) {
  switch (framing.kind) {
    case Framing::Kind::None:
      return "none";
    case Framing::Kind::Length:
      return "length " + std::to_string(framing.length);
    case Framing::Kind::Chunked:
      return "chunked";
    case Framing::Kind::UntilClose:
      return "until-close";
  }
  return "?";
}

std::string describe(const http::ConnectionOptions& options) {
  std::string text;
  if (options.malformed) text += " malformed";
  for (const std::string_view name : options.nominated) text += " nominated=" + std::string(name);
  return text;
}

Outcome describe(const http::RequestHead& head) {
  constexpr const char* kForms[] = {"origin", "absolute", "authority", "asterisk"};
  std::string text = "ok " + std::string(head.method_name) + " " + std::string(head.target) + " " +
                     std::string(version_name(head.version)) + " " + kForms[static_cast<int>(head.form)] +
                     " path=" + quoted(head.path) + (head.has_query ? " query=" + quoted(head.query) : "") +
                     " host=" + quoted(head.host) + " port=" + quoted(head.port) + " body=" + describe(head.framing);
  EXPECT_EQ(head.method, http::method_of(head.method_name));
  if (head.target_https) text += " https";
  if (head.keep_alive) text += " keep-alive";
  if (head.expect_continue) text += " expects-continue";
  if (head.wants_upgrade) text += " upgrade=" + quoted(head.upgrade);
  if (head.dropped_fields != 0) text += " dropped=" + std::to_string(head.dropped_fields);
  return text + describe(head.connection) + describe(head.fields) + " line=" + quoted(head.line);
}

Outcome describe(const http::ResponseHead& head) {
  std::string text = "ok " + std::to_string(head.status) + " " + quoted(head.reason) + " " +
                     std::string(version_name(head.version)) + " body=" + describe(head.framing);
  if (head.has_length) text += " said-length=" + std::to_string(head.length);
  if (head.keep_alive) text += " keep-alive";
  if (!head.upgrade.empty()) text += " upgrade=" + quoted(head.upgrade);
  return text + describe(head.connection) + describe(head.fields);
}

/// A copy of `bytes` with nothing readable after it.
class Block {
 public:
  void hold(std::string_view bytes) {
    auto fresh = std::make_unique<char[]>(bytes.size() + 1);  // allocated before the old one goes: it must move
    bytes.copy(fresh.get() + 1, bytes.size());
    bytes_ = std::move(fresh);
    size_ = bytes.size();
  }
  std::string_view view() const { return {bytes_.get() + 1, size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

/// Parses `bytes`, of which `cuts[i]` octets are there in call i.
template <class Parser, class Head, class Start>
Outcome parse_in_steps(std::string_view bytes, const std::vector<std::size_t>& cuts, const Start& start) {
  Parser parser;
  start(parser);
  Head head(std::pmr::get_default_resource());
  Block block;
  ParseStatus status = ParseStatus::Incomplete;
  for (const std::size_t cut : cuts) {
    block.hold(bytes.substr(0, cut));
    status = parser.parse(block.view(), head);
    if (status != ParseStatus::Incomplete) break;
  }
  if (status == ParseStatus::Incomplete) return "incomplete";
  if (status == ParseStatus::Bad) {
    EXPECT_FALSE(parser.error().text().empty());
    return bad(parser.error().reason, parser.error().status);
  }
  Block moved;
  moved.hold(block.view());
  head.rebase(block.view().data(), moved.view().data());
  block = Block();  // a slice that did not follow would be seen now
  return describe(head) + " consumed=" + std::to_string(parser.consumed());
}

/// All octets at once, one more each time, and each cut in two.
std::vector<std::vector<std::size_t>> ways(std::size_t size) {
  std::vector<std::vector<std::size_t>> all = {{size}, {}};
  for (std::size_t i = 0; i <= size; ++i) all[1].push_back(i);
  for (std::size_t i = 1; i < size; ++i) all.push_back({i, size});
  return all;
}

Outcome the_only(std::size_t size, const std::function<Outcome(const std::vector<std::size_t>&)>& run) {
  Outcome first;
  for (const auto& cuts : ways(size)) {
    const Outcome outcome = run(cuts);
    if (first.empty()) first = outcome;
    EXPECT_EQ(outcome, first) << "in " << cuts.size() << " steps, first " << cuts.front();
    if (outcome != first) break;
  }
  return first;
}

Outcome decode_in_steps(std::string_view bytes, const std::vector<std::size_t>& cuts, const ChunkLimits& limits,
                        Side side) {
  ChunkedDecoder decoder(std::pmr::get_default_resource());
  decoder.start(side, limits);
  std::string body;
  std::size_t from = 0;
  for (const std::size_t cut : cuts) {
    Block block;
    block.hold(bytes.substr(from, cut - from));
    from = cut;
    std::string_view input = block.view(), data;
    for (;;) {
      const auto event = decoder.next(input, data);
      if (event == ChunkedDecoder::Event::NeedInput) break;
      if (event == ChunkedDecoder::Event::Data) {
        EXPECT_FALSE(data.empty());
        body += data;
      } else if (event == ChunkedDecoder::Event::Bad) {
        return bad(decoder.error().reason, decoder.error().status);
      } else {
        EXPECT_EQ(decoder.decoded(), body.size());
        EXPECT_TRUE(decoder.ended());
        EXPECT_EQ(decoder.next(input, data), ChunkedDecoder::Event::End) << "End repeats itself";
        const std::size_t left = bytes.size() - cut + input.size();
        std::string text = "ok " + body;
        if (!decoder.trailers().empty()) text += " trailers" + describe(decoder.trailers());
        if (decoder.dropped_trailers() != 0) text += " dropped=" + std::to_string(decoder.dropped_trailers());
        return left != 0 ? text + " left " + std::to_string(left) : text;
      }
    }
    EXPECT_TRUE(input.empty());
  }
  return "incomplete";
}

}  // namespace

std::string bad(Reason reason, int status) {
  return "bad " + std::string(ParseError(reason, Side::Client).text()) + " " + std::to_string(status);
}

Outcome parse_request(std::string_view bytes, const RequestOptions& options, const HeadLimits& limits) {
  return the_only(bytes.size(), [&](const std::vector<std::size_t>& cuts) {
    return parse_in_steps<RequestParser, http::RequestHead>(
        bytes, cuts, [&](RequestParser& parser) { parser.start(limits, options); });
  });
}

Outcome parse_response(std::string_view bytes, http::Method request, const HeadLimits& limits,
                       const ResponseOptions& options) {
  return the_only(bytes.size(), [&](const std::vector<std::size_t>& cuts) {
    return parse_in_steps<ResponseParser, http::ResponseHead>(
        bytes, cuts, [&](ResponseParser& parser) { parser.start(limits, request, options); });
  });
}

Outcome decode_chunked(std::string_view bytes, const ChunkLimits& limits, Side side) {
  return the_only(bytes.size(),
                  [&](const std::vector<std::size_t>& cuts) { return decode_in_steps(bytes, cuts, limits, side); });
}

}  // namespace weir::http1
