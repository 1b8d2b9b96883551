// Keeps one directory of members read: one watch, armed by each reading.
//
// Where a child's name does not say everything, its data is asked for once when the child appears, and again for all
// of them every `sweep_every`: a watch for each child would be more than the C client can carry (README, "The C client").
#pragma once

#include "member/formats/format.h"
#include "member/member_directory.h"
#include "member/native_decoder.h"
#include "session/session.h"

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace weir::discovery {

/// Reads a directory once when told of a connection and again after each notice, and hands on complete readings only.
///
/// A reading that fails is repeated or left; what was handed on before stands. While the directory does not exist, its
/// creation is watched for. Notices are coalesced: the first few act at once, then there is a pause between readings
/// which grows with what one costs, so that no rate of change takes more than a twentieth of a core.
/// Lives on the executor.
class DirectoryReader {
 public:
  struct Settings {
    std::string path;
    DecodeRules rules;
    Format format = Format::Native;
    bool is_outer = false;  ///< the path itself: some of its children are no members
    std::size_t max_members = 200'000;
    std::size_t max_bytes = 16 << 20;  ///< of names in one reading
    Clock::duration sweep_every = std::chrono::seconds(30);
    Clock::duration shortest_pause = std::chrono::milliseconds(20);
    Clock::duration first_retry = std::chrono::seconds(1);    ///< after a refusal; doubles
    Clock::duration longest_retry = std::chrono::seconds(30);
  };

  /// Told about what was read. Called on the executor.
  class Listener {
   public:
    virtual void on_reading(DirectoryReader& reader, MemberDirectory directory, std::vector<RejectedName> rejected) = 0;
    /// The directory exists but cannot be used; `reason` in a few words. It will be tried again by itself.
    virtual void on_trouble(DirectoryReader& reader, const std::string& reason) = 0;

   protected:
    ~Listener() = default;
  };

  DirectoryReader(Executor& executor, Settings settings, Listener& listener);
  ~DirectoryReader();

  /// Reads; with `catch_up`, from a server that is no further behind than the leader is now.
  void connected(Session& session, bool catch_up);
  void disconnected();

  const std::string& path() const { return settings_.path; }

 private:
  struct Round;    // one connection: its answers are ignored once it is over
  struct Reading;  // one reading under way
  /// What a child's data said when it was last understood, and what is wrong with it now.
  struct Content {
    std::vector<KnownMember> members{};
    std::vector<WeightRule> rules{};
    const char* reason = nullptr;
    bool is_known = false;

    bool operator==(const Content&) const = default;
  };

  void notice();
  void read();
  void on_listing(Listing listing);
  void wait_for_creation();
  void decode_native(Listing listing);
  void judge_names(Reading& reading);
  void fetch(const std::shared_ptr<Reading>& reading);
  void fetched(const std::string& name, const NodeData& node);
  void decode(const std::shared_ptr<Reading>& reading);
  void sweep();
  void sweep_next();
  void settle_contested(DecodedDirectory directory, std::vector<RejectedName> rejected, const NodeStat& stat);
  /// `stat`: nothing if the directory does not exist.
  void finish(MemberList members, std::vector<RejectedName> rejected, const std::optional<NodeStat>& stat);
  void fail(Code code);
  void trouble(const std::string& reason);
  /// Wraps a callback so that it is called only while this connection lasts.
  template <class Function>
  auto in_this_round(Function function);

  Executor& executor_;
  const Settings settings_;
  Listener& listener_;
  Session* session_ = nullptr;
  std::shared_ptr<Round> round_;
  std::shared_ptr<Session::Watcher> watcher_;
  bool is_reading_ = false;
  bool read_again_ = false;
  TimePoint rested_at_{};  // when all pauses owed are over
  Clock::duration retry_;
  Timer timer_;

  NativeDecoder native_;                               // if all is in the names
  std::unordered_map<std::string, Content> contents_;  // of those children whose data was read
  std::size_t most_in_flight_;
  std::vector<std::string> sweep_left_;
  std::size_t sweep_in_flight_ = 0;
  bool sweep_found_ = false;
  Timer sweep_timer_;
};

}  // namespace weir::discovery
