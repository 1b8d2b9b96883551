#include "http/content_type.h"

#include "http/core_conf.h"
#include "http/file_conf.h"

namespace weir::http {

namespace {

constexpr std::size_t kLongestExtension = 32;

// What holds where no `types` block is. Source: nginx's documentation of `types`.
const ContentTypes& built_in() {
  static const ContentTypes kTypes = {{"html", "text/html"}, {"gif", "image/gif"}, {"jpg", "image/jpeg"}};
  return kTypes;
}

std::string_view extension(std::string_view uri) {
  const std::size_t end = uri.find_last_of("./");
  return end == uri.npos || uri[end] == '/' || (end != 0 && uri[end - 1] == '/') ? std::string_view()
                                                                                 : uri.substr(end + 1);
}

}  // namespace

std::string_view content_type_of(const Exchange& exchange) {
  const std::string_view given = extension(exchange.uri);
  if (!given.empty() && given.size() <= kLongestExtension) {
    char lower[kLongestExtension];
    for (std::size_t i = 0; i < given.size(); ++i)
      lower[i] = given[i] >= 'A' && given[i] <= 'Z' ? static_cast<char>(given[i] + 32) : given[i];
    const auto& configured = *exchange.conf<FileConf>().types;
    const ContentTypes& types = configured ? *configured : built_in();
    if (const auto found = types.find(std::string_view(lower, given.size())); found != types.end())
      return found->second;
  }
  return *exchange.conf<CoreConf>().default_type;
}

std::string_view media_type(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return type;
}

std::size_t find_charset(std::string_view content_type) {
  constexpr std::string_view kCharset = "charset=";
  for (std::size_t semicolon = content_type.find(';'); semicolon != content_type.npos;
       semicolon = content_type.find(';', semicolon + 1)) {
    const std::size_t parameter = content_type.find_first_not_of(' ', semicolon + 1);
    if (parameter == content_type.npos) break;
    if (equal_caseless(content_type.substr(parameter, kCharset.size()), kCharset)) return semicolon;
  }
  return content_type.npos;
}

}  // namespace weir::http
