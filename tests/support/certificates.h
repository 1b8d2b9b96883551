// Certificates for tests, made by the openssl command: the judge shares no code with what it judges.
#pragma once

#include <string>
#include <vector>

#include "temp_dir.h"

namespace weir::test {

/// A pair of files.
struct Certificate {
  std::string certificate, key;
};

struct CertificateOptions {
  bool rsa = false;  // else ECDSA on P-256
  int days = 365;
  std::string password = {};           // that the key is encrypted with
  const Certificate* signer = nullptr;  // null: signed by itself
  bool authority = false;               // may sign others
  std::string ocsp = {};                // URL of the responder that is to be asked about it
};

class Certificates {
 public:
  /// A certificate for `name`, in files called `file` (or `name`). Throws std::runtime_error.
  Certificate make(const std::string& name, CertificateOptions options = {}, const std::string& file = {}) const;
  const TempDir& dir() const { return dir_; }

 private:
  TempDir dir_{"certificates"};
};

}  // namespace weir::test
