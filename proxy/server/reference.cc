#include "server/reference.h"

#include <string_view>

#include "config/directives_markdown.h"
#include "server/configuration.h"

namespace weir::server {
namespace {

constexpr std::string_view kDifferences = R"(
## Where Weir differs from nginx on purpose

### Requests

- A request line that does not fit into one of `large_client_header_buffers` is answered with 414, a header line or a
  head that is too large with 431 (nginx: 400, with its own 494 inside).
- Limits are meant for the internet: `client_header_timeout` is 10 s (nginx: 60 s), `max_headers` 100 (nginx: 1000), and a
  client that is waited for has to bring or take 1 kB a second (`client_body_min_rate`, `send_min_rate`; nginx: one octet
  a minute). When `worker_connections` run out, idle connections make room for a new client, then the oldest
  unfinished head, then the slowest body; those of an address that holds more than a quarter of the places come first.
- Framing is read strictly: what RFC 9112 lets a server refuse is refused with 400 and the connection is closed. So are
  `Content-Length` together with `Transfer-Encoding` or either of them twice, folded header lines, white space before the
  colon, a CR alone, and in chunked bodies LF alone and sizes with anything but hexadecimal digits. LF alone ends a line of
  a head, as in nginx; every head is written anew, with CRLF, before it goes on.
- `Host` must be valid, and HTTP/1.1 needs exactly one; otherwise the answer is 400. The host of an absolute request target
  counts in place of it and is what backends are told.
- Octets above 127 in a request target are refused with 400, as RFC 3986 and HAProxy have it; browsers escape them. So are
  an `Expect` other than `100-continue` (with 417), two blanks in the request line, a request without a version
  (HTTP/0.9), and control octets in field values.
- Fields that `Connection` nominates are hop-by-hop and are not passed on.
- A request whose path backends may read as another location's is not passed to one but answered with 400: with a `\`, with
  dot segments hidden by `;` or `%5C`, or with escaped separators that lead elsewhere; so is one with a fragment.
  `proxy_ambiguous_target pass` forwards them as nginx does, the fragment cut off.
- `OPTIONS` with `Max-Forwards: 0` is answered here; other values are counted down.

### Responses of backends

- `proxy_buffer_size` limits the head of a response and is 32k unless given (nginx: 4k or 8k).
- With `proxy_buffering on`, the answer to a request that may be repeated (GET and the like) is held back until it is
  whole or 16 KiB of it are there. A backend that dies within a small answer thus costs nothing: another one is asked.
  One of unknown length (chunked, or until the connection ends) is held for at most 100 ms, `text/event-stream` not at all.
  `proxy_buffering off` passes everything on at once.
- A backend's malformed answer is 502. One that is cut short is cut short for the client as well, with a reset where the
  end would otherwise look like a clean one.
- `proxy_read_timeout` applies to a whole head, so a backend cannot extend it octet by octet.

### Choice of a backend

- Counters are exact and shared by all workers with every method; `zone` is not needed.
- `keepalive` is on unless it is 0. Unless a number is given, a worker keeps 32 idle connections, or as many as were in use
  at once lately, whichever is more.
- A request that fails on a kept-alive connection before any octet of its answer is sent once more to the same backend on a
  new connection: the old one may have been closed while it was idle. This does not count against
  `proxy_next_upstream_tries`.
- `proxy_next_upstream` holds back requests that are not idempotent, such as POST, as in nginx. They do go to another
  backend if none of their octets can have been read: none was sent, or the backend had closed the kept-alive connection
  in order and its system acknowledged none.
- After a failure that may have cost the backend work a request waits for a place in the `retry_budget` of the upstream,
  at most two seconds; with a status that `proxy_next_upstream` names it does not wait but passes the answer on.
- A backend is marked as failed when it hangs: at least three requests came after its last answer to anyone, and each of them
  has waited for 100 ms, or for four times the usual time to the head of an answer and its mean deviation if that is more. Any answer lifts the mark.
  Requests that wait there and are idempotent go to another backend, once, if `proxy_next_upstream` names `timeout`.
- When all backends of a group are marked as failed, the one whose failure is longest ago is tried, instead of answering 502
  until `fail_timeout` is over.
- When the last backend to ask answers with a status that `proxy_next_upstream` names, its answer is passed on.

### Health checks

- `health_check` may stand in `upstream`, too, and needs no `zone`. A group may have several: a server has to pass all of them.
- Checks are encrypted, and with the same `proxy_ssl` settings, if what `proxy_pass` beside them sends is; in an `upstream`, if
  what the first `proxy_pass` of the file that leads there sends is. `type=http` and `type=https` say it otherwise. `type=tcp`
  connects and `type=tls` also shakes hands; then they talk as their `match` block says with `send` and `expect`. There is no
  `type=grpc`.
- `udp` passes without a `match` block if the server's host does not refuse the datagram within a second; with `expect`, if
  what the server sends in answer, one datagram after the other, matches in time.
- `require` sees an exchange without a client, whose only attempt is the check: `$upstream_status`, `$upstream_addr`,
  `$upstream_http_…` and their like, and what `map` and its kin make of them. A `match` block has tests of HTTP or `send` and
  `expect`, not both.
- A check may take as long as its interval (at least a second), unless `proxy_connect_timeout` or `proxy_read_timeout` of
  its location is shorter; in stream, `proxy_connect_timeout` or `health_check_timeout`. `Host` is the name in `proxy_pass`.
- A failed request makes Weir ask that server and its idle fellows at once.
- Servers that fail their checks are asked by requests only when no other is left. What is known of a server outlives a
  reload, with or without `persistent`.

### TLS

- Certificates, keys, lists of authorities and of revoked ones that change on disk come into force by themselves, as a whole;
  what does not load changes nothing and is told in an `[alert]`. `-t` and the start read them.
- The keys of tickets are made by Weir and changed each `ssl_session_timeout`, also without a shared cache; all threads and
  reloads share them.
- OCSP responders are asked by `ssl_stapling` at the start, not by the first client; a failure is tried again after five
  seconds, then ever more slowly. Without `resolver` the system is asked for their addresses.
- Early data is taken by each server that says `ssl_early_data`, whatever the default server of the address says. A hello that
  comes again within its ten seconds is not taken early.
- A session is for the name that the client asked for, the certificate, and what the files of trusted and revoked certificates
  said when it was made; nginx binds it to some of these, by version.
- What `ssl_ocsp_cache` keeps lasts as long as the answer says, or an hour where it says nothing.
- The files of `ssl_key_log` and `proxy_ssl_key_log` are readable by their owner alone.
- `ssl_certificate_cache` keeps pairs: `max` counts a certificate and its key as two.
- `$ssl_client_cert` is one line, with tabs where nginx folds: RFC 9112 forbids folded fields.
- A request is answered with 421 if its host belongs to a server that verifies clients and is another one than that of the
  name in the handshake. nginx compares the names.
- A backend whose certificate is not accepted is told so within the handshake and sees nothing of the request.
- A response of a backend that lasts until the end of the connection is taken for cut if that end is not announced in TLS.

### Sessions (stream)

- `upstream` takes `round_robin`, `ip_hash` and `peak_ewma` here, too; `least_time` has nginx's words for stream.
- What is known of the addresses behind a name in variables outlives the session: one that could not be connected to is
  left alone for `fail_timeout`, where nginx tries all anew each time.
- A buffer of a direction has 4k, 16k or 64k. Once reads fill buffers of 16k and more, octets of plain sockets move within the
  kernel, through a pipe of at most 256 KiB a direction.
- `proxy_session_drop` looks twice a second, whether or not something moves, where nginx does at the next event. A server that
  was taken as the last one left, although it fails its check, keeps its sessions.
- A number that is in several ranges of `num_map` has the value of the first; one that stands there by itself has its own.
- `pass` costs no connection; the server that passed keeps counting the session (`limit_conn`) until the connection ends. A
  connection that is encrypted already is not encrypted once more by `listen … ssl`, of http either. It follows reloads as
  any connection to the address does. `-t` warns of a `pass` to where nothing listens.
- `listen … udp` has one socket for each worker, so datagrams of one client always come to the same session; `reuseport` is
  not needed for it. UDP sessions do not count against `worker_connections` but have limits of their own
  (`udp_max_sessions`): beyond them sessions make room whose clients never went on after an answer, or datagrams are dropped,
  with at most one line a second. They end with their listening
  socket; a reload that keeps the address keeps them.
- Datagrams pass whole whatever `proxy_buffer_size` is. What a socket does not take at once is dropped.
- With `ssl_preread`, what begins as a TLS handshake and is no well-formed ClientHello ends the session, with a line in the
  log, where nginx goes on without a name: extensions twice, lengths that do not fit, names with octets that no name has.
  So two of its own tests (a message one octet too short, an extension longer than the message) end otherwise here.
  `$ssl_preread_protocol` is the highest version that is listed; nginx says TLSv1.3 of any list.

### Process

- One process; `worker_processes` is its number of threads, each with an event loop. There is no master process.
- A reload closes nothing. Open connections, also idle ones, stay with their worker; requests that begin after the reload
  follow the new configuration. Counters of backends and failures go on.
- A reload does not change the number of workers; that takes a restart.
- All errors of a configuration are reported in one go. `weir -t` opens no socket and no log and resolves no name.
- A name that cannot be resolved leaves out that server with a warning; it does not stop the start.
)";

}  // namespace

std::string reference_markdown() {
  std::string text = config::directives_markdown(directive_table());
  text += kDifferences;
  return text;
}

}  // namespace weir::server
