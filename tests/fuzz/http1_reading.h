// What the fuzz targets of the HTTP/1 parsers share: the input chooses limits, options and how the octets arrive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "http1/parse_error.h"
#include "must.h"

namespace weir::http1 {

/// The first octets of the input: everything but the message itself.
struct FuzzChoices {
  static constexpr std::size_t kOctets = 4;

  std::uint8_t options = 0, limits = 0, step = 0, request = 0;

  /// Takes the choices off `input`; an input that is too short has none.
  explicit FuzzChoices(std::string_view& input) {
    if (input.size() < kOctets) return;
    options = static_cast<std::uint8_t>(input[0]);
    limits = static_cast<std::uint8_t>(input[1]);
    step = static_cast<std::uint8_t>(input[2]);
    request = static_cast<std::uint8_t>(input[3]);
    input.remove_prefix(kOctets);
  }

  /// Mostly roomy, at times so tight that they are met.
  HeadLimits head_limits() const {
    if (limits < 192) return {};
    return {.max_line = limits % 37u,
            .max_field_line = limits % 23u,
            .max_total = limits % 149u,
            .max_fields = limits % 5u};
  }
};

/// A copy of `bytes` with nothing readable behind it.
class FuzzBlock {
 public:
  explicit FuzzBlock(std::string_view bytes) : bytes_(new char[bytes.size()]), size_(bytes.size()) {
    if (size_ != 0) std::memcpy(bytes_.get(), bytes.data(), size_);
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

/// Parses `bytes`, of which `step` more are there in each call, always at another place. `block` ends up holding the
/// octets that `head` has slices of.
template <class Parser, class Head>
ParseStatus parse_in_steps(Parser& parser, std::string_view bytes, std::size_t step, Head& head,
                           std::unique_ptr<FuzzBlock>& block) {
  for (std::size_t size = step;; size += step) {
    if (size > bytes.size()) size = bytes.size();
    auto fresh = std::make_unique<FuzzBlock>(bytes.substr(0, size));
    const ParseStatus status = parser.parse(fresh->view(), head);
    block = std::move(fresh);
    if (status != ParseStatus::Incomplete || size == bytes.size()) return status;
  }
}

}  // namespace weir::http1
