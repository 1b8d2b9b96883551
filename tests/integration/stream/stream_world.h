// What tests of sessions need: backends that speak no protocol, and clients that say one thing.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "support/fake_backend.h"
#include "support/raw_client.h"
#include "support/weir_process.h"

namespace weir::test {

inline WeirOptions in_stream(WeirOptions options = {}) {
  options.stream = true;
  return options;
}

/// Sends back whatever comes, after its name and a colon; ends when the client ended.
inline FakeBackend echo(std::string name, std::string address = {}) {
  return FakeBackend::scripted(
      [name](BackendConnection& connection) {
        if (!connection.send(name + ":")) return;
        std::string bytes;
        for (;;) {
          bytes.clear();
          const IoStatus got = connection.socket().receive(bytes);
          if (!bytes.empty() && !connection.send(bytes)) return;
          if (got != IoStatus::Ok) return;
        }
      },
      std::move(address));
}

/// What a session of its own brings for `bytes`: everything up to the end of the connection, at most `expected` octets.
inline std::string say(const std::string& address, std::string_view bytes, std::size_t expected) {
  try {
    RawClient client(address);
    client.send(bytes);
    return client.read_bytes(expected);
  } catch (const SocketError& error) {
    return error.what();
  }
}

}  // namespace weir::test
