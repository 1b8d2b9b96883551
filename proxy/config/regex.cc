#include "config/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>

#include "config/directive.h"

namespace weir::config {
namespace {

// A match of a sane pattern takes tens of steps; these bounds are far above (PCRE2's own is ten million) and end within
// milliseconds.
constexpr std::uint32_t kMatchLimit = 1'000'000;
constexpr std::uint32_t kDepthLimit = 10'000;
constexpr std::uint32_t kHeapLimitKiB = 1024;
constexpr std::size_t kJitStackMax = 512 * 1024;
constexpr std::size_t kMaxPattern = 64 * 1024;

template <class T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* object) const { Free(object); }
};
using Code = std::unique_ptr<pcre2_code, Deleter<pcre2_code, pcre2_code_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Deleter<pcre2_match_data, pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Deleter<pcre2_match_context, pcre2_match_context_free>>;
using JitStack = std::unique_ptr<pcre2_jit_stack, Deleter<pcre2_jit_stack, pcre2_jit_stack_free>>;

/// One thread's memory for matching, grown to the largest pattern it met.
class Scratch {
 public:
  Scratch()
      : stack_(pcre2_jit_stack_create(32 * 1024, kJitStackMax, nullptr)),
        context_(pcre2_match_context_create(nullptr)) {
    pcre2_set_match_limit(context_.get(), kMatchLimit);
    pcre2_set_depth_limit(context_.get(), kDepthLimit);
    pcre2_set_heap_limit(context_.get(), kHeapLimitKiB);
    pcre2_jit_stack_assign(context_.get(), nullptr, stack_.get());
  }

  pcre2_match_context* context() { return context_.get(); }

  pcre2_match_data* data(std::size_t pairs) {
    if (!data_ || pcre2_get_ovector_count(data_.get()) < pairs)
      data_.reset(pcre2_match_data_create(static_cast<std::uint32_t>(std::max<std::size_t>(pairs, 16)), nullptr));
    return data_.get();
  }

 private:
  JitStack stack_;
  MatchContext context_;
  MatchData data_;
};

std::vector<Regex::Name> names_of(const pcre2_code* code) {
  std::uint32_t count = 0, entry_size = 0;
  PCRE2_SPTR table = nullptr;
  pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &count);
  if (count == 0) return {};
  pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &entry_size);
  pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &table);
  std::vector<Regex::Name> names;
  // An entry is the group's number, high octet first, and the name with a NUL.
  for (; count > 0; --count, table += entry_size)
    names.push_back({reinterpret_cast<const char*>(table + 2), static_cast<std::size_t>(table[0] << 8 | table[1])});
  return names;
}

}  // namespace

struct Regex::Compiled {
  std::string pattern;
  Code code;
  std::size_t groups = 0;
  std::vector<Name> names;
};

Regex Regex::compile(std::string_view pattern, Case sensitivity) {
  if (pattern.size() > kMaxPattern) throw ValueError(fmt::format("regular expression longer than {}", kMaxPattern));
  int error = 0;
  PCRE2_SIZE offset = 0;
  const std::uint32_t options = sensitivity == Case::Insensitive ? PCRE2_CASELESS : 0;
  Code code(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &error, &offset, nullptr));
  if (!code) {
    PCRE2_UCHAR text[160] = {};
    pcre2_get_error_message(error, text, sizeof text);
    std::string message =
        fmt::format("pcre2_compile() failed: {} in \"{}\"", reinterpret_cast<const char*>(text), pattern);
    if (offset < pattern.size()) message += fmt::format(" at \"{}\"", pattern.substr(offset));
    throw ValueError(message);
  }
  // Where the compiler for this machine or pattern is missing, the interpreter matches, which is only slower.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);

  auto compiled = std::make_shared<Compiled>();
  std::uint32_t groups = 0;
  pcre2_pattern_info(code.get(), PCRE2_INFO_CAPTURECOUNT, &groups);
  compiled->pattern = pattern;
  compiled->groups = groups;
  compiled->names = names_of(code.get());
  compiled->code = std::move(code);
  Regex regex;
  regex.compiled_ = std::move(compiled);
  return regex;
}

Regex::Outcome Regex::search(std::string_view subject, std::span<std::string_view> captures) const {
  if (!compiled_) return Outcome::No;
  thread_local Scratch scratch;
  pcre2_match_data* data = scratch.data(compiled_->groups + 1);
  if (!data || !scratch.context()) return Outcome::Failed;
  // PCRE2 10.42 takes a null subject only with length 0, and then only without JIT; a view may be null when empty.
  const char* begin = subject.data() ? subject.data() : "";
  const int found = pcre2_match(compiled_->code.get(), reinterpret_cast<PCRE2_SPTR>(begin), subject.size(), 0, 0,
                                data, scratch.context());
  if (found == PCRE2_ERROR_NOMATCH) return Outcome::No;
  if (found < 0) return Outcome::Failed;
  const PCRE2_SIZE* slices = pcre2_get_ovector_pointer(data);
  for (std::size_t i = 0; i < captures.size(); ++i) {
    captures[i] = {};
    if (i >= static_cast<std::size_t>(found) || slices[2 * i] == PCRE2_UNSET) continue;
    // \K inside a lookahead can put the start behind the end.
    const std::size_t length = slices[2 * i + 1] > slices[2 * i] ? slices[2 * i + 1] - slices[2 * i] : 0;
    captures[i] = {begin + slices[2 * i], length};
  }
  return Outcome::Yes;
}

std::size_t Regex::groups() const {
  return compiled_ ? compiled_->groups : 0;
}

std::span<const Regex::Name> Regex::names() const {
  return compiled_ ? std::span<const Name>(compiled_->names) : std::span<const Name>();
}

const std::string& Regex::pattern() const {
  static const std::string kNone;
  return compiled_ ? compiled_->pattern : kNone;
}

}  // namespace weir::config
