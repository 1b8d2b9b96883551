// The same configuration and the same requests for Debian's nginx and for Weir, and what came of them, as text.
#pragma once

#include <string>
#include <vector>

namespace weir::test {

/// A configuration and the requests it is asked.
struct Shape {
  std::string name;  // letters and digits
  /// Inside `http { }`, with the placeholders of WeirProcess. `%app%`, `%api%` and `%spare%` are backends that answer as
  /// the request's X-Answer field says (see comparison.cc), `%dead%` is an address where nobody listens.
  std::string config;
  /// The octets of the requests, each for a connection of its own. `%app%` and `%dir%` stand for the same here.
  std::vector<std::string> asks;
  /// Written to the proxy's folder before the first request.
  std::vector<std::pair<std::string, std::string>> files = {};
};

/// A request of shape `shape` whose octets contain `ask` and which Weir answers differently on purpose.
struct Difference {
  std::string shape;
  std::string ask;
  std::string reason;
  std::string weir;  // Weir's outcome contains this, nginx's does not
};

/// The shapes, and what is meant to differ in them.
const std::vector<Shape>& shapes();
const std::vector<Difference>& differences();

/// A request with `Host: example.com` and `Connection: close`. `more`: field lines, each with its end.
std::string ask(const std::string& line, const std::string& more = {}, const std::string& body = {});
inline std::string get(const std::string& target, const std::string& more = {}) { return ask("GET " + target, more); }

/// Runs one shape on both and fails the test where they differ without being meant to.
void compare(const Shape& shape);

}  // namespace weir::test
