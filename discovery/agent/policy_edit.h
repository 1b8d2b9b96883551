// What the commands of `weir zk` do to a policy: pure functions.
#pragma once

#include <weir/discovery/zk_tool.h>

#include "member/policy.h"

#include <string>
#include <vector>

namespace weir::discovery {

/// The policy after the command. `now`: what `--for` counts from, and where the number of an acceptance comes from.
Policy edit_policy(Policy policy, const ZkToolOptions& options, WallTime now);

/// One line for each member that is different, such as `~ 10.0.0.1:80 weight 100 -> 5`; in order of address.
std::vector<std::string> differences(const MemberList& before, const MemberList& after);

/// Such as `10.0.0.1:80 weight 100 backup drain z=eu-1b`.
std::string describe(const KnownMember& member);

}  // namespace weir::discovery
