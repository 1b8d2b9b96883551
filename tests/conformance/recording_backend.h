// A backend that keeps every octet it is sent, answers each request so that the answer names it, and is read by the
// strict model of lenient_models.h.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "lenient_models.h"
#include "support/fake_backend.h"

namespace weir::conformance {

class RecordingBackend {
 public:
  /// What came since the last `take`.
  struct Record {
    std::vector<SeenRequest> requests;  // complete ones, in the order in which they were answered
    std::vector<std::string> octets;    // of each connection on which something came
    std::vector<std::string> faults;    // what is wrong by the invariants
  };
  /// Instead of an answer of its own for one request; returns whether the connection goes on.
  using Script = std::function<bool(test::BackendConnection&, const SeenRequest&)>;

  /// `script`: for requests whose target begins with `/scripted`; all others are answered with `answer_to`.
  explicit RecordingBackend(Script script = {});

  const std::string& address() const { return backend_.address(); }
  /// The body of the answer to a request.
  static std::string answer_to(const SeenRequest& request);
  /// What was recorded, judged: each connection's octets are well-formed and unambiguous, each request has one Host and
  /// one framing, and no reading of its path lies below `/admin`.
  Record take();

 private:
  void serve(test::BackendConnection& connection);

  Script script_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::string> octets_;  // by connection, since the last `take`
  std::vector<SeenRequest> requests_;
  test::FakeBackend backend_;
};

}  // namespace weir::conformance
