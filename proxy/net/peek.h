// Looking at what a peer sent without taking it.
#pragma once

#include <span>

#include "net/stream.h"

namespace weir::net {

/// Copies what lies in the socket, and leaves it there. Error: would_block if nothing does, is_eof, or an errno. A socket in
/// which something lies stays ready: who has seen all of it and wants more calls `note_dry` before it waits, and is woken
/// when more has come. What a TLS stream has decrypted is not seen.
IoResult peek(const Stream& stream, std::span<char> into);

}  // namespace weir::net
