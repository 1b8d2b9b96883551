#include "stream/attempt.h"

#include "net/connect.h"
#include "shared/address.h"

namespace weir::stream {

Attempt::Attempt(Session& session, const UpstreamBlock& upstream, balancer::Lease lease)
    : session_(session),
      conf_(session.conf<ProxyConf>()),
      upstream_(upstream),
      lease_(std::move(lease)),
      index_(session.attempts.size()),
      began_(session.loop().now()) {
  session.attempts.emplace_back();
  record().address = session.keep(socket_address(lease_.backend().address()));
}

Attempt::~Attempt() { record().total = elapsed(); }

std::chrono::microseconds Attempt::elapsed() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(session_.loop().now() - began_);
}

void Attempt::note_connected() {
  record().connect = elapsed();
  if (upstream_.timed_by_connect || lease_.is_check()) lease_.first_byte(session_.loop().now());
}

Attempt::Connected Attempt::note_unconnected(net::IoError error) {
  if (net::is_own_shortage(error)) return Connected::OwnFault;
  note_failure();
  return Connected::Failed;
}

void Attempt::note_failure() {
  lease_.failed(session_.loop().now());
  if (upstream_.monitor) upstream_.monitor->suspect(lease_.backend());
}

void Attempt::on_first_from_b() {
  record().first_byte = elapsed();
  if (!upstream_.timed_by_connect) lease_.first_byte(session_.loop().now());
}

}  // namespace weir::stream
