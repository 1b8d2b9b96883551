// Clients that speak TLS: curl and openssl's own.
#pragma once

#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/weir_process.h"

namespace weir::test {

/// What curl says for `https://<name>:<port><target>`, whatever certificate is shown; with the exit code of curl.
/// `listen`: the placeholder of the port.
inline RunResult curl(WeirProcess& weir, const std::string& name, const std::string& target,
                      std::vector<std::string> more = {}, const std::string& listen = "listen") {
  const std::string address = weir.address(listen);
  const std::string port = address.substr(address.rfind(':') + 1);
  std::vector<std::string> command = {"/usr/bin/curl", "-s", "--max-time", "15", "--resolve", name + ":" + port + ":127.0.0.1",
                                      "https://" + name + ":" + port + target};
  bool judges = false;
  for (const std::string& word : more) judges = judges || word == "--cacert";
  if (!judges) command.push_back("-k");
  command.insert(command.end(), more.begin(), more.end());
  return run_program(command);
}

/// The answer to `GET <target>` of `host` over `openssl s_client <options>`, with what the client says about the session.
inline std::string s_client_of(const std::string& host, WeirProcess& weir, const std::string& target, const std::string& options,
                               const std::string& listen = "listen") {
  const std::string line = "printf 'GET " + target + " HTTP/1.1\\r\\nHost: " + host + "\\r\\nConnection: close\\r\\n\\r\\n' | "
                           "timeout 15 openssl s_client -ign_eof -connect " + weir.address(listen) + " " + options + " 2>&1";
  return run_program({"/bin/sh", "-c", line}).output;
}
inline std::string s_client(WeirProcess& weir, const std::string& target, const std::string& options = {},
                            const std::string& listen = "listen") {
  return s_client_of("localhost", weir, target, options, listen);
}

}  // namespace weir::test
