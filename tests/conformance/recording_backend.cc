#include "recording_backend.h"

#include <algorithm>

#include "path_models.h"

namespace weir::conformance {
namespace {

using std::string;

bool is_below_admin(const string& path) { return path == "/admin" || path.starts_with("/admin/"); }

void judge(const SeenRequest& request, std::vector<string>& faults) {
  const auto count = [&](std::string_view name) {
    return std::count_if(request.fields.begin(), request.fields.end(), [&](const auto& f) { return f.first == name; });
  };
  if (count("host") != 1) faults.push_back(std::to_string(count("host")) + " Host fields");
  if (count("content-length") + count("transfer-encoding") > 1) faults.push_back("more than one framing");
  for (const char* name : {"keep-alive", "proxy-connection", "te", "trailer", "http2-settings"})
    if (count(name) != 0) faults.push_back(string("a field of one connection was forwarded: ") + name);
  for (const string& path : readings_of(request.target))
    if (is_below_admin(path)) faults.push_back("the target " + request.target + " can be read as " + path);
}

}  // namespace

RecordingBackend::RecordingBackend(Script script)
    : script_(std::move(script)),
      backend_(test::FakeBackend::scripted([this](test::BackendConnection& connection) { serve(connection); })) {}

string RecordingBackend::answer_to(const SeenRequest& request) {
  return request.method + " " + request.target + " +" + std::to_string(request.body.size());
}

void RecordingBackend::serve(test::BackendConnection& connection) {
  string unread;
  for (;;) {
    string more;
    if (connection.socket().receive(more, 65'536, std::chrono::seconds(120)) != test::IoStatus::Ok) return;
    unread += more;
    SeenRequests seen = read_as(lenient_models().front(), unread);
    {
      const std::lock_guard lock(mutex_);
      octets_[connection.number()] += more;
      requests_.insert(requests_.end(), seen.requests.begin(), seen.requests.end());
    }
    for (const SeenRequest& request : seen.requests) {
      if (script_ && request.target.starts_with("/scripted")) {
        if (!script_(connection, request)) return;
        continue;
      }
      const string body = answer_to(request);
      string answer = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
      if (request.method != "HEAD") answer += body;
      if (!connection.send(answer)) return;
    }
    if (!seen.fault.empty()) return;
    unread = seen.rest;
  }
}

RecordingBackend::Record RecordingBackend::take() {
  Record record;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [number, octets] : octets_)
      if (!octets.empty()) record.octets.push_back(std::move(octets));
    octets_.clear();
    record.requests = std::move(requests_);
    requests_.clear();
  }
  for (const string& octets : record.octets)
    if (const auto ambiguity = ambiguity_of(octets)) record.faults.push_back(*ambiguity + ": " + octets.substr(0, 600));
  for (const SeenRequest& request : record.requests) judge(request, record.faults);
  return record;
}

}  // namespace weir::conformance
