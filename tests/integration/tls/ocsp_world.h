// An authority with an OCSP responder: openssl's own.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "support/certificates.h"
#include "tls_client.h"

namespace weir::test {

class OcspWorld : public testing::Test {
 protected:
  /// What the authority says of `certificate` from now on: V, or R for revoked.
  void record(const Certificate& certificate, char status) {
    const std::string serial = run_program({"/usr/bin/openssl", "x509", "-noout", "-serial", "-in", certificate.certificate}).output;
    std::string line(1, status);
    line += std::string("\t491231235959Z\t") + (status == 'R' ? "200101000000Z" : "") + "\t";
    line += serial.substr(serial.find('=') + 1, serial.find('\n') - serial.find('=') - 1) + "\tunknown\t/O=Weir/CN=" +
            std::to_string(++lines_) + "\n";
    index_ += line;
    pki.dir().write("index", index_);
  }
  /// Nothing was said so far.
  void forget_records() { index_.clear(); }

  void start_responder() { start_responder(ca); }
  void start_responder(const Certificate& signer) {
    responder = ChildProcess();
    responder = ChildProcess({"/usr/bin/openssl", "ocsp", "-port", std::to_string(port.number()), "-index",
                              pki.dir().path() / "index", "-CA", ca.certificate, "-rsigner", signer.certificate, "-rkey", signer.key,
                              "-ndays", "1", "-ignore_err"},
                             pki.dir().path() / "responder.log");
  }

  const Certificates pki;
  const Port port;
  const Certificate ca = pki.make("authority", {.authority = true}), other = pki.make("other", {.authority = true});
  ChildProcess responder;

 private:
  std::string index_;
  int lines_ = 0;
};

}  // namespace weir::test
