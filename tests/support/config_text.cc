#include "config_text.h"

#include <cctype>
#include <vector>

namespace weir::test {
namespace {

struct Word {
  std::string_view text;  // a word, or one of `{`, `}`, `;`
  std::size_t end;
};

/// The words of a configuration, good enough for what tests contain: comments and quotes are known, escapes are not.
std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    std::size_t end = at + 1;
    if (std::isspace(static_cast<unsigned char>(c))) {
      at = end;
      continue;
    }
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    if (c == '"' || c == '\'') {
      end = std::min(text.find(c, at + 1), text.size() - 1) + 1;
    } else if (c != '{' && c != '}' && c != ';') {
      while (end < text.size() && !std::isspace(static_cast<unsigned char>(text[end])) && text[end] != ';' &&
             (text[end] != '{' || text[end - 1] == '$'))
        ++end;
    }
    words.push_back({text.substr(at, end - at), end});
    at = end;
  }
  return words;
}

}  // namespace

std::string add_listen(std::string_view http_text, std::string_view address) {
  const auto words = words_of(http_text);
  std::vector<std::size_t> places;
  int depth = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].text == "}") --depth;
    if (words[i].text != "{") continue;
    if (depth++ != 0 || i == 0 || words[i - 1].text != "server") continue;
    bool has_listen = false;
    int inner = 0;
    for (std::size_t j = i; j < words.size(); ++j) {
      if (words[j].text == "{") ++inner;
      if (words[j].text == "}" && --inner == 0) break;
      if (words[j].text == "listen" && inner == 1) has_listen = true;
    }
    if (!has_listen) places.push_back(words[i].end);
  }
  std::string result(http_text);
  for (auto place = places.rbegin(); place != places.rend(); ++place)
    result.insert(*place, " listen " + std::string(address) + ";");
  return result;
}

std::string fill_in(std::string_view text, const std::function<std::string(const std::string&)>& value) {
  std::string result;
  while (!text.empty()) {
    const auto open = text.find('%');
    result += text.substr(0, open);
    if (open == text.npos) break;
    text.remove_prefix(open + 1);
    std::size_t size = 0;
    while (size < text.size() && (std::isalnum(static_cast<unsigned char>(text[size])) || text[size] == '_')) ++size;
    if (size == 0 || size == text.size() || text[size] != '%' || !std::isalpha(static_cast<unsigned char>(text[0]))) {
      result += '%';
      continue;
    }
    result += value(std::string(text.substr(0, size)));
    text.remove_prefix(size + 1);
  }
  return result;
}

}  // namespace weir::test
