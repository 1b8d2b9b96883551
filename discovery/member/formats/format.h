// How the children of a directory state members, in our layout and in those of others.
//
// A child is read in two steps, so that what can be known from a name is known without asking for its data. Everything
// here is a pure function over hostile bytes: it never throws, and what it lets pass is within the ranges of a member.
#pragma once

#include <weir/discovery/zookeeper_source.h>

#include "member/formats/serverset_vector.h"
#include "member/member_directory.h"

#include <string>
#include <string_view>
#include <vector>

namespace weir::discovery {

inline constexpr std::size_t kLongestData = 64 * 1024;  ///< of a child; more is refused
inline constexpr std::size_t kDeepestJson = 8;
inline constexpr std::size_t kMostPerChild = 1000;      ///< members that one child may state

/// What a child's name says.
struct FromName {
  enum class What {
    Members,    ///< all there is to know
    NeedsData,  ///< the data has to be read
    NotOne,     ///< a node with another purpose (such as `policy`): no member, no fault
    Rejected,
  };
  What what = What::Rejected;
  std::vector<KnownMember> members{};
  const char* reason = nullptr;  ///< why it was rejected, or what was wrong with one that passed all the same
};

/// What a child's data says.
struct FromData {
  std::vector<KnownMember> members{};  ///< none is no fault: one that is out of service
  const char* reason = nullptr;        ///< if set, the data is no statement about members, or the weight was not one
  bool is_rejected = false;
  std::vector<WeightRule> rules{};     ///< for the members of the same directory
};

/// `is_outer`: the child is one of the path itself, among `members`, `static` and `policy`.
FromName decode_child_name(Format format, std::string_view name, const DecodeRules& rules, bool is_outer);

/// `name`: the child's, as some formats keep the address there.
FromData decode_child_data(Format format, std::string_view name, std::string_view data, const DecodeRules& rules);

/// A member under construction, whatever the format: its parts are checked in one place.
class MemberBuilder {
 public:
  explicit MemberBuilder(const DecodeRules& rules) : rules_(rules), member_(rules.prototype) {
    member_.weight = rules.default_weight;
  }
  /// `host`: an IP address, without brackets, or the name of a host.
  /// Returns what is wrong, nothing if it is fine.
  const char* set_address(std::string_view host, std::int64_t port);
  const char* set_address(std::string_view host_and_port);
  /// `weight` times `unit` is what the balancer gets; 0 drains. Returns false, and changes nothing, unless it is a
  /// number of 0 to 65535 after that; a fraction is rounded, but not to 0.
  bool set_weight(double weight, double unit);
  void add_fact(std::string_view key, std::string_view value);
  KnownMember& member() { return member_; }

 private:
  const DecodeRules& rules_;
  KnownMember member_;
};

// The formats by themselves; see each for whose it is and where that is documented.
FromData decode_nerve(std::string_view data, const DecodeRules& rules);
FromName decode_nerve_name(std::string_view name, const DecodeRules& rules);
FromData decode_serverset(std::string_view data, const DecodeRules& rules);
FromData decode_curator(std::string_view data, const DecodeRules& rules);
FromName decode_dubbo_name(std::string_view name, const DecodeRules& rules);
FromData decode_nginx(std::string_view name, std::string_view data, const DecodeRules& rules);
FromData decode_plain(std::string_view name, std::string_view data, const DecodeRules& rules);
/// Any JSON: by its keys.
FromData decode_any_json(std::string_view name, std::string_view data, const DecodeRules& rules);

}  // namespace weir::discovery
