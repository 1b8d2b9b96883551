// The last good membership on disk, so that a start without ZooKeeper can serve.
//
//   weir membership 1 <crc32 in hex> <bytes that follow>
//   one line each for where it is from, the policy, hosts by name, the directories, and the members; fields separated by tabs
//
// Written anew as a whole: a temporary file beside it, fsync, rename. A file that is not exactly what was written is
// ignored. It decides who gets traffic, so it is readable for its owner only, and one that others may write is ignored.
#pragma once

#include "member/named_members.h"
#include "member/reconcile.h"

#include <optional>
#include <string>
#include <string_view>

namespace weir::discovery {

/// What is kept.
struct CachedMembership {
  std::string origin;  ///< ensemble and path; a file from elsewhere is not used
  Memory memory;       ///< without what is only remembered for seconds; who is held for a while is so until `TimePoint()`
  HostAddresses hosts{};  ///< what names last stood for
  std::string policy;  ///< the last good document; empty: none
  bool policy_is_lost = false;  ///< together with its registry: it stands until another is written

  bool operator==(const CachedMembership&) const = default;
};

std::string encode_cache(const CachedMembership& cached);
/// Nothing, and in `error` why, unless `text` is what `encode_cache` made. Never throws for what it contains.
std::optional<CachedMembership> decode_cache(std::string_view text, std::string& error);

/// Replaces the file at `path`, readable for its owner only. Returns what went wrong; empty if nothing did.
/// The folder is made if only it is missing. Blocks until the data is on disk.
std::string replace_file(const std::string& path, std::string_view text);

/// Reads a whole file that belongs to us or to root and that nobody else may write. Nothing if there is none, or if it
/// is refused: then `error` says why.
std::optional<std::string> read_own_file(const std::string& path, std::size_t longest, std::string& error);

}  // namespace weir::discovery
