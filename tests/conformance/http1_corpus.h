// Raw HTTP/1 messages with what must become of them: requests that clients send, and answers that backends send.
//
// Written from RFC 9110, RFC 9112 and RFC 3986 and from the classes of published request smuggling faults. The
// parsers are tried with it in unit tests, the whole proxy in integration tests.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace weir::conformance {

/// What a backend behind the proxy, with its default settings, may see of a case's octets.
enum class Outcome {
  Forward,  // exactly `forwarded` requests, complete and well-formed; the connection goes on
  Refuse,   // `forwarded` requests, then nothing of the next: the client gets `status` and the connection is closed
  Cut,      // `forwarded` complete requests; the next one may begin but never ends (the fault is in its body)
  Either,   // as Forward or as Refuse with any status, nothing in between: the RFCs leave the choice
  Answer,   // the proxy itself answers with `status`; the connection goes on
};

struct RequestCase {
  std::string group;
  std::string name;  // unique within its group
  std::string octets;
  Outcome outcome = Outcome::Refuse;
  int forwarded = 0;
  int status = 400;       // for Refuse and Cut
  bool by_parser = true;  // false: the proxy's policy decides, the parsers accept it
  std::vector<std::string> absent = {};   // octets, in lower case, that are in no head at a backend
  std::vector<std::string> present = {};  // octets that are in the forwarded head as they are
};

/// `octets` are all that the client sends; how they are cut must make no difference.
std::span<const RequestCase> request_cases();
/// What only a whole proxy can get wrong: paths and rules, fields of one connection, methods that end at a proxy.
/// A location `/admin` has to be denied with 403.
std::span<const RequestCase> proxy_cases();

/// What a client may see of a backend's answer.
enum class Answer {
  Pass,  // the answer with its body, whole
  Bad,   // 502: nothing of it
  Cut,   // it may begin, but the client can tell that it is not complete
};

struct ResponseCase {
  std::string group;
  std::string name;
  std::string method;  // of the request that is answered
  std::string octets;  // what the backend sends, all at once, and then closes
  Answer answer = Answer::Bad;
  std::string body = {};  // for Pass
  bool reusable = false;  // whether the connection may serve another request (had the backend not closed)
};

std::span<const ResponseCase> response_cases();
/// What parsers cannot decide: answers nobody asked for, octets after an answer, floods.
std::span<const ResponseCase> backend_cases();

}  // namespace weir::conformance
