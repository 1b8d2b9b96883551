// What servers of stream need of the rest of the process: its listening addresses, whatever is served there, for those that
// pass their connections on (`pass`), and who speaks HTTP for them.
#pragma once

#include <memory>

#include "net/endpoint.h"
#include "net/ocsp_asker.h"
#include "net/stream.h"
#include "net/task.h"
#include "shared/arrival.h"

namespace weir::stream {

class Reception {
 public:
  /// A connection that a server of stream does not serve itself.
  struct Passed {
    std::unique_ptr<net::Stream> client;
    shared::Arrival arrival;  // `local`: where it is passed to
    int passes;               // how often it was passed on, this time included
  };

  /// Whether connections to `address` are accepted.
  virtual bool listens(const net::Endpoint& address) const = 0;
  /// Serves the connection as if it had come to the address it is passed to; lasts until it ends.
  virtual net::Task<void> receive(Passed passed) = 0;

  /// Who can ask OCSP responders about clients' certificates.
  virtual net::OcspAsker& responders() = 0;

 protected:
  ~Reception() = default;
};

}  // namespace weir::stream
