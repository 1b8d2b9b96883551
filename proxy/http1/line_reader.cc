#include "http1/line_reader.h"

#include "http1/octets.h"

namespace weir::http1 {

bool LineReader::has_end(std::string_view bytes) noexcept {
  const char* const end = bytes.data() + bytes.size();
  const char* const lf = find_lf(bytes.data() + searched_, end);
  searched_ = lf != nullptr ? static_cast<std::size_t>(lf - bytes.data()) : bytes.size();
  return lf != nullptr;
}

Reason LineReader::reject(std::string_view bytes, std::size_t max_line, Reason reason) noexcept {
  const char* const lf = find_lf(bytes.data() + searched_, bytes.data() + bytes.size());
  if (lf == nullptr) return unfinished(bytes, max_line);
  const Reason limit = exceeded(static_cast<std::size_t>(lf - bytes.data()), max_line);
  return limit != Reason::None ? limit : reason;
}

}  // namespace weir::http1
