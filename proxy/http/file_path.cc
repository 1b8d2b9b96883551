#include "http/file_path.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "http/file_conf.h"

namespace weir::http {

namespace {

/// Whether a segment of `path` is `..`. Normalised URIs have none, but captures, variables and what follows an alias
/// that lacks its slash (`/img../secret`) may.
bool climbs(std::string_view path) {
  for (std::size_t at = path.find(".."); at != path.npos; at = path.find("..", at + 1)) {
    const bool begins = at == 0 || path[at - 1] == '/';
    const bool ends = at + 2 == path.size() || path[at + 2] == '/';
    if (begins && ends) return true;
  }
  return false;
}

}  // namespace

std::string_view document_root(Exchange& exchange) {
  return exchange.concat({exchange.conf<FileConf>().root->path.evaluate(exchange), std::string_view("\0", 1)});
}

std::optional<std::string_view> file_path(Exchange& exchange, std::string_view uri, std::string_view name) {
  const DocumentRoot& root = *exchange.conf<FileConf>().root;
  std::string_view rest = uri;
  if (root.is_alias) {
    if (root.location.empty()) {
      rest = exchange.uri_follows_alias ? uri : std::string_view();
    } else if (uri.starts_with(root.location)) {
      rest.remove_prefix(root.location.size());
    } else {
      log::error(exchange.runtime().error_log(), exchange.subject(),
                 "\"alias\" cannot be used in location \"{}\" where the URI was rewritten to \"{}\"", root.location, uri);
      return std::nullopt;
    }
  }
  if (climbs(rest) || climbs(name) || rest.find('\0') != rest.npos || name.find('\0') != name.npos) {
    log::error(exchange.runtime().error_log(), exchange.subject(), "\"{}\" would lead out of the root", uri);
    return std::nullopt;
  }
  const std::string_view whole =
      exchange.concat({root.path.evaluate(exchange), rest, name, std::string_view("\0", 1)});
  return whole.substr(0, whole.size() - 1);
}

OpenFile OpenFile::open(std::string_view path, int& error) {
  OpenFile file;
  do {
    file.fd_ = ::open(path.data(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  } while (file.fd_ < 0 && errno == EINTR);
  error = file.fd_ < 0 ? errno : 0;
  if (file.fd_ >= 0 && ::fstat(file.fd_, &file.info_) != 0) error = errno;
  return file;
}

OpenFile::~OpenFile() {
  if (fd_ >= 0) ::close(fd_);
}

PathKind kind_of(std::string_view path, int& error) {
  struct stat info;
  if (::stat(path.data(), &info) != 0) {
    error = errno;
    return PathKind::Missing;
  }
  error = 0;
  return S_ISREG(info.st_mode) ? PathKind::File : S_ISDIR(info.st_mode) ? PathKind::Directory : PathKind::Other;
}

int status_of_open_error(Exchange& exchange, std::string_view path, int error) {
  log::Level level = log::Level::Error;
  int status = 404;
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG: break;
    case EACCES:
    case EPERM:
    case ELOOP: status = 403; break;
    default: level = log::Level::Crit, status = 500; break;
  }
  if (status != 404 || *exchange.conf<FileConf>().log_not_found)
    log::write(exchange.runtime().error_log(), level, exchange.subject(), "open() \"{}\" failed ({}: {})", path, error,
               std::strerror(error));
  return status;
}

}  // namespace weir::http
