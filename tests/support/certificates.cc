#include "certificates.h"

#include <stdexcept>

#include "child_process.h"

namespace weir::test {

Certificate Certificates::make(const std::string& name, CertificateOptions options, const std::string& file) const {
  const std::string stem = (dir_.path() / (file.empty() ? name : file)).string();
  const Certificate made{stem + ".crt", stem + ".key"};
  std::vector<std::string> command = {"/usr/bin/openssl", "req", "-x509", "-subj", "/O=Weir/CN=" + name, "-days",
                                      std::to_string(options.days), "-out", made.certificate, "-keyout", made.key,
                                      "-addext", "subjectAltName=DNS:" + name, "-newkey"};
  if (options.rsa)
    command.push_back("rsa:2048");
  else
    command.insert(command.end(), {"ec", "-pkeyopt", "ec_paramgen_curve:P-256"});
  if (options.password.empty())
    command.push_back("-nodes");
  else
    command.insert(command.end(), {"-passout", "pass:" + options.password});
  if (options.signer)
    command.insert(command.end(), {"-CA", options.signer->certificate, "-CAkey", options.signer->key});
  command.insert(command.end(), {"-addext", options.authority ? "basicConstraints=critical,CA:TRUE"
                                                              : "basicConstraints=critical,CA:FALSE"});
  if (!options.ocsp.empty()) command.insert(command.end(), {"-addext", "authorityInfoAccess=OCSP;URI:" + options.ocsp});
  const RunResult result = run_program(command);
  if (result.exit_code != 0) throw std::runtime_error("openssl req failed: " + result.output);
  return made;
}

}  // namespace weir::test
