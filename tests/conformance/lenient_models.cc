#include "lenient_models.h"

#include <algorithm>
#include <cstdint>

namespace weir::conformance {
namespace {

using std::string;
using std::string_view;
using Both = LenientModel::Both;
using Repeated = LenientModel::Repeated;

constexpr LenientModel kModels[] = {
    {.name = "strict"},
    {.name = "LF ends lines", .bare_lf = true, .lf_in_chunks = true},
    {.name = "CR ends lines", .bare_lf = true, .bare_cr = true},
    {.name = "folding", .folding = true},
    {.name = "blank before the colon", .blank_before_colon = true},
    {.name = "underscore is hyphen", .underscore = true, .repeated = Repeated::Last},
    {.name = "names are trimmed", .blank_before_colon = true, .trims_names = true},
    {.name = "bad lines are skipped", .skips_bad_lines = true},
    {.name = "NUL ends", .nul_ends = true},
    {.name = "numbers by prefix", .prefix_numbers = true},
    {.name = "32-bit chunk sizes", .small_sizes = true, .hex_prefix = true},
    {.name = "any chunked", .odd_codings = true, .coding_in_10 = true, .both = Both::Coding},
    {.name = "coding first", .both = Both::Coding, .repeated = Repeated::First},
    {.name = "length first", .both = Both::Length, .repeated = Repeated::First},
    {.name = "last length", .both = Both::Length, .repeated = Repeated::Last},
    {.name = "no empty line too many", .empty_lines = true, .both = Both::Coding},
    {.name = "unread chunk ends", .prefix_numbers = true, .lf_in_chunks = true, .skips_chunk_end = true},
    {.name = "everything, coding first", .bare_lf = true, .folding = true, .blank_before_colon = true,
     .underscore = true, .trims_names = true, .skips_bad_lines = true, .nul_ends = true, .prefix_numbers = true,
     .odd_codings = true, .coding_in_10 = true, .empty_lines = true, .lf_in_chunks = true, .both = Both::Coding,
     .repeated = Repeated::First},
    {.name = "everything, length first", .bare_lf = true, .folding = true, .blank_before_colon = true,
     .underscore = true, .trims_names = true, .skips_bad_lines = true, .nul_ends = true, .prefix_numbers = true,
     .odd_codings = true, .coding_in_10 = true, .empty_lines = true, .lf_in_chunks = true, .both = Both::Length,
     .repeated = Repeated::Last},
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_token(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         string_view("!#$%&'*+-.^_`|~").find(c) != string_view::npos;
}
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char folded = static_cast<char>(c | 0x20);
  return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}
string lower(string_view text) {
  string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}
void trim(string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
}

/// Reads one connection from the front. A `fault` ends it; running out of octets ends it without one.
class Reader {
 public:
  Reader(const LenientModel& model, string_view octets) : model_(model), left_(octets) {}

  SeenRequests run() {
    SeenRequests seen;
    while (!left_.empty()) {
      const string_view before = left_;
      SeenRequest request;
      if (!read_request(request)) {
        seen.rest = before;
        seen.fault = fault_;
        break;
      }
      seen.requests.push_back(std::move(request));
    }
    return seen;
  }

 private:
  bool fail(const char* why) {
    fault_ = why;
    return false;
  }

  /// Takes a line without its end. False: there is none, or `fault_`.
  bool take_line(string_view& line, bool bare_lf) {
    for (std::size_t i = 0; i < left_.size(); ++i) {
      const char c = left_[i];
      if (c != '\r' && c != '\n') continue;
      if (c == '\n' && !bare_lf) return fail("bare LF");
      std::size_t end = i + 1;
      if (c == '\r') {
        if (end == left_.size()) return false;
        if (left_[end] == '\n')
          ++end;
        else if (!model_.bare_cr) {
          if (!bare_lf) return fail("bare CR");
          continue;  // a reader that looks for LF only
        }
      }
      line = left_.substr(0, i);
      left_.remove_prefix(end);
      return true;
    }
    return false;
  }

  bool read_request(SeenRequest& request) {
    string_view line;
    for (int empty = 0;; ++empty) {
      if (!take_line(line, model_.bare_lf)) return false;
      if (!line.empty()) break;
      if (!model_.empty_lines && empty > 0) return fail("empty lines");
    }
    const std::size_t first = line.find(' '), last = line.rfind(' ');
    if (first == line.npos || last == first) return fail("request line");
    request.method = line.substr(0, first);
    request.target = line.substr(first + 1, last - first - 1);
    request.version = line.substr(last + 1);
    if (request.version != "HTTP/1.1" && request.version != "HTTP/1.0") return fail("version");
    if (request.target.empty() || request.target.find(' ') != string::npos) return fail("target");
    for (const char c : request.target)
      if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f) return fail("target");
    return read_fields(request.fields, true) && check_host(request) && read_body(request);
  }

  bool read_fields(std::vector<std::pair<string, string>>& fields, bool names_matter) {
    for (;;) {
      string_view line;
      if (!take_line(line, names_matter ? model_.bare_lf : model_.lf_in_chunks)) return false;
      if (line.empty()) return true;
      if (is_blank(line.front())) {
        if (!model_.folding || fields.empty()) return fail("folding");
        trim(line);
        fields.back().second.append(" ").append(line);
        continue;
      }
      const std::size_t colon = line.find(':');
      if (colon == line.npos || colon == 0) {
        if (!model_.skips_bad_lines) return fail("no field");
        continue;
      }
      string name = lower(line.substr(0, colon));
      string_view value = line.substr(colon + 1);
      if (model_.nul_ends) {
        name = name.substr(0, name.find('\0'));
        value = value.substr(0, value.find('\0'));
      }
      if (model_.blank_before_colon)
        while (!name.empty() && is_blank(name.back())) name.pop_back();
      if (model_.trims_names) {
        while (!name.empty() && !is_token(name.back())) name.pop_back();
        while (!name.empty() && !is_token(name.front())) name.erase(0, 1);
      }
      if (!std::all_of(name.begin(), name.end(), is_token) || name.empty()) return fail("field name");
      if (model_.underscore) std::replace(name.begin(), name.end(), '_', '-');
      for (const char c : value)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return fail("field value");
      trim(value);
      fields.emplace_back(std::move(name), value);
    }
  }

  /// The value of `name` by the model's rule for repeated ones. False: `fault_`.
  bool choose(const SeenRequest& request, string_view name, std::optional<string>& value) {
    for (const auto& [field, text] : request.fields) {
      if (field != name) continue;
      if (!value || model_.repeated == Repeated::Last)
        value = text;
      else if (model_.repeated == Repeated::Refuse)
        return fail("repeated field");
    }
    return true;
  }

  bool check_host(const SeenRequest& request) {
    std::optional<string> host;
    if (!choose(request, "host", host)) return false;
    return host || request.version == "HTTP/1.0" ? true : fail("no Host");
  }

  bool parse_length(string_view text, std::uint64_t& length) {
    if (model_.prefix_numbers) {
      trim(text);
      if (!text.empty() && text.front() == '+') text.remove_prefix(1);
    }
    std::size_t digits = 0;
    length = 0;
    for (; digits < text.size() && is_digit(text[digits]); ++digits) {
      if (length > (UINT64_MAX >> 1) / 10 - 1) return fail("length too large");
      length = length * 10 + static_cast<std::uint64_t>(text[digits] - '0');
    }
    if (digits == 0) return fail("length");
    return digits == text.size() || model_.prefix_numbers ? true : fail("length");
  }

  bool read_body(SeenRequest& request) {
    std::optional<string> length_text, coding;
    if (!choose(request, "content-length", length_text)) return false;
    if (!model_.ignores_codings) {
      for (const auto& [name, value] : request.fields) {
        if (name != "transfer-encoding") continue;
        if (coding && !model_.odd_codings && model_.both == Both::Refuse) return fail("repeated coding");
        coding = coding ? *coding + "," + value : value;
      }
    }
    if (coding && length_text) {
      if (model_.both == Both::Refuse) return fail("length and coding");
      if (model_.both == Both::Length)
        coding.reset();
      else
        length_text.reset();
    }
    if (coding) {
      const string folded = lower(*coding);
      const bool chunked = model_.odd_codings ? folded.find("chunked") != string::npos : folded == "chunked";
      if (!chunked && !model_.odd_codings) return fail("coding");
      if (chunked && request.version == "HTTP/1.0" && !model_.coding_in_10) return fail("coding in HTTP/1.0");
      if (chunked) return read_chunks(request);
    }
    std::uint64_t length = 0;
    if (length_text && !parse_length(*length_text, length)) return false;
    if (left_.size() < length) return false;
    request.body = left_.substr(0, static_cast<std::size_t>(length));
    left_.remove_prefix(static_cast<std::size_t>(length));
    return true;
  }

  bool parse_size(string_view text, std::uint64_t& size) {
    const string_view number = text.substr(0, text.find(';'));
    string_view digits = number;
    if (model_.prefix_numbers) trim(digits);
    if (model_.hex_prefix && lower(digits.substr(0, 2)) == "0x") digits.remove_prefix(2);
    std::size_t used = 0;
    size = 0;
    for (; used < digits.size() && hex_value(digits[used]) >= 0; ++used) {
      if (!model_.small_sizes && size > (UINT64_MAX >> 5)) return fail("chunk size too large");
      size = size << 4 | static_cast<std::uint64_t>(hex_value(digits[used]));
      if (model_.small_sizes) size &= 0xffffffff;
    }
    if (used == 0) return fail("chunk size");
    while (used < digits.size() && is_blank(digits[used]) && number.size() != text.size()) ++used;
    return used == digits.size() || model_.prefix_numbers ? true : fail("chunk size");
  }

  bool read_chunks(SeenRequest& request) {
    for (;;) {
      string_view line;
      std::uint64_t size = 0;
      if (!take_line(line, model_.lf_in_chunks) || !parse_size(line, size)) return false;
      if (size == 0) {
        std::vector<std::pair<string, string>> trailers;
        return read_fields(trailers, false);
      }
      if (left_.size() < size || left_.size() - size < 2) return false;
      request.body += left_.substr(0, static_cast<std::size_t>(size));
      left_.remove_prefix(static_cast<std::size_t>(size));
      if (model_.skips_chunk_end) {
        left_.remove_prefix(2);
      } else if (left_.starts_with("\r\n")) {
        left_.remove_prefix(2);
      } else if (model_.lf_in_chunks && left_.front() == '\n') {
        left_.remove_prefix(1);
      } else {
        return fail("chunk end");
      }
    }
  }

  const LenientModel& model_;
  string_view left_;
  string fault_;
};

bool same(const SeenRequest& a, const SeenRequest& b) {
  return a.method == b.method && a.target == b.target && a.body == b.body && a.field("host") == b.field("host");
}

}  // namespace

std::span<const LenientModel> lenient_models() { return kModels; }

std::string SeenRequest::field(string_view name) const {
  for (const auto& [field, value] : fields)
    if (field == name) return value;
  return {};
}

SeenRequests read_as(const LenientModel& model, string_view octets) { return Reader(model, octets).run(); }

std::optional<string> ambiguity_of(string_view octets) {
  const SeenRequests strict = read_as(kModels[0], octets);
  if (!strict.fault.empty()) return "not well-formed: " + strict.fault;
  for (const LenientModel& model : lenient_models().subspan(1)) {
    const SeenRequests seen = read_as(model, octets);
    // A model that refuses at some point must have seen the same until there.
    const bool prefix = seen.requests.size() <= strict.requests.size() &&
                        std::equal(seen.requests.begin(), seen.requests.end(), strict.requests.begin(), same);
    const bool whole = seen.requests.size() == strict.requests.size() || !seen.fault.empty();
    if (!prefix || !whole) return string("read differently where ") + model.name;
  }
  return std::nullopt;
}

}  // namespace weir::conformance
