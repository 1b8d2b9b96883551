// TlsStream: a stream whose bytes are encrypted.
//
// Until the handshake is done (`accept`, `connect`) only that may be awaited. A client that speaks plain text on a port
// for TLS is told apart by its first octet; the stream then goes on as a plain one. An idle stream holds no buffer
// but OpenSSL's state. With `ssl_early_data` a handshake may be "done" for the caller while the client has yet to complete it;
// what is read until then may have been sent by somebody who overheard it (TlsFact::EarlyData). After would_block the next attempt to write must go on with the bytes that were not taken.
#pragma once

#include <memory>
#include <string>

#include "net/ocsp_asker.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/tls_client.h"
#include "net/tls_facts.h"
#include "net/tls_server.h"

struct bio_st;
struct bio_method_st;

namespace weir::net {

constexpr std::size_t kTlsRecord = 16 * 1024;  // most octets in one

/// How a handshake ended.
struct TlsOutcome {
  enum class Kind : std::uint8_t {
    Done,
    Plain,   // the client does not speak TLS; nothing was read
    Failed,  // `text` says why
    Closed,  // the peer left before anything was agreed on
    TimedOut,
    Canceled,
  };
  Kind kind = Kind::Done;
  IoError error;
  std::string text;      // of Done: what the log should be told all the same
  bool is_ours = false;  // not the peer but our own certificate or key is to blame
};

class TlsStream final : public Stream, private TlsFacts {
 public:
  explicit TlsStream(Loop& loop, OwnedFd&& fd, Start start = Start::Connected) : Stream(loop, std::move(fd), start) {}
  ~TlsStream() override;

  /// The server's side of a handshake, within `timeout`. `acceptor`: asked while it runs.
  Task<TlsOutcome> accept(TlsAcceptor& acceptor, std::chrono::milliseconds timeout);

  /// The client's side, on a stream that is connected: the handshake with a backend, by `deadline`.
  Task<TlsOutcome> connect(TlsTarget target, TimePoint deadline);
  /// Whether this connection was made for just such a target.
  bool is_for(const TlsTarget& target) const;
  /// From OpenSSL: the backend gave a session to come back with.
  void keep_session(ssl_session_st* session);

  using Stream::try_write;
  IoResult try_read(std::span<char> into) override;
  IoResult try_write(std::span<const iovec> parts) override;
  IoResult try_write(std::string_view bytes) override;
  IoError shutdown_send() override;
  const TlsFacts* tls() const override { return ssl_ ? this : nullptr; }

  // For OpenSSL's callbacks during `accept`.
  const TlsServer* first_server() const { return first_.get(); }
  const TlsServer* server() const { return server_.get(); }
  bool choose_server(std::string name);
  bool load_certificates();

  std::string_view server_name() const override { return server_name_; }

 private:
  std::string fact(TlsFact which) const override;
  long verify_error() const override;
  std::string verify_error_text() const override;
  bool has_peer_certificate() const override;

  void before_close() override;
  Task<std::string> ask_about_client(TimePoint deadline);
  Task<TlsOutcome> shake_hands(TimePoint deadline);
  int go_on();
  template <class Owner>
  std::shared_ptr<const TlsCredential> show(const Owner& owner, const TlsKeyPair& pair);
  bool attach(ssl_st* ssl);
  bool prepare_for(TlsTarget& target);
  TlsOutcome failure();
  IoError explain(int result, Direction direction);
  void finish_early();
  IoResult drop(std::span<char> into);
  int read_record(std::span<char> into, std::size_t& count);
  int write_record(std::string_view record, std::size_t& written);
  IoResult write_gathered(std::span<const iovec> parts);

  bool has_more_to_come() const;
  static const bio_method_st* bio_method();
  static int bio_read(bio_st* bio, char* into, int size);
  static int bio_write(bio_st* bio, const char* from, int size);
  static long bio_control(bio_st* bio, int command, long number, void* pointer);

  ssl_st* ssl_ = nullptr;
  std::shared_ptr<const TlsServer> first_, server_;  // the listening address's own, and that which was chosen
  TlsAcceptor* acceptor_ = nullptr;                  // while it shakes hands
  std::string server_name_;
  std::unique_ptr<const TlsTarget> target_;  // of a connection to a backend
  /// What OCSP responders hold against the client's certificate; null: nothing.
  struct Finding {
    long error;
    std::string text;
  };
  std::unique_ptr<const Finding> finding_;
  OcspInquiry* inquiry_ = nullptr;  // while they are asked
  /// Octets that a client sends along with its hello, before it is sure who is there (TLS 1.3).
  enum class Early : std::uint8_t {
    Over,      // nothing of the kind
    Possible,  // the hello has not been read yet
    Comes,     // they are read, and answered, before the handshake is complete
    Ended,     // the client has yet to complete the handshake
  };

  std::uint32_t unsent_ = 0;  // octets of a record that did not leave whole
  std::uint16_t record_size_ = kTlsRecord;
  int socket_error_ = 0;    // the last errno of the socket
  bool is_secure_ = false;  // the handshake is done
  bool is_broken_ = false;  // no goodbye: the connection failed
  bool is_closing_ = false;  // we said that we send no more
  bool says_goodbye_ = false;  // or would have, if there had been room
  bool saw_end_ = false;     // of the socket
  bool is_server_ = false;
  bool own_failure_ = false;  // certificates could not be loaded
  bool lenient_ = false;  // ssl_verify_client optional_no_ca
  Early early_ = Early::Over;
  char early_octet_ = 0;         // the first, which the handshake had to read
  bool has_early_octet_ = false;
  bool more_follows_ = false;  // another record, at once, after the one that is being written
};

}  // namespace weir::net
