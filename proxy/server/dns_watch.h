// Keeps the addresses of upstream servers with the `resolve` parameter current: asks again when an answer expires.
//
// One thread with a loop of its own for all of them, started with the first.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "net/loop.h"
#include "net/resolver.h"

namespace weir::server {

/// What is to be resolved, and how.
struct DnsQuestion {
  std::string host;
  std::uint16_t port = 0;
  std::string service;  // of `service=`: ask for SRV records, which bring the ports
  std::shared_ptr<const net::Resolver::Options> resolver;
  std::chrono::milliseconds timeout{30'000};

  /// Whether the answers are the same, whoever asks.
  bool same_as(const DnsQuestion& other) const;
  /// The name that is asked for. Source: nginx's documentation of `service=` for how it is composed.
  std::string name() const;
};

/// One server that a name stands for.
struct DnsServer {
  net::Endpoint endpoint;
  std::uint16_t weight = 0;  // of an SRV record; 0: it says nothing
  bool backup = false;       // an SRV record of lower priority
};

class DnsWatch {
 public:
  DnsWatch();
  DnsWatch(const DnsWatch&) = delete;
  ~DnsWatch();

  /// Called on the watching thread with all servers of the name, or with none if there is no such name. Not called
  /// when the name servers do not answer: what was known stays.
  using Sink = std::function<void(std::vector<DnsServer>)>;
  /// `complain`: told why a lookup failed.
  using Complain = std::function<void(const std::string&)>;

  /// Watches until the handle is destroyed. Once that has returned, `sink` is not called any more.
  class Handle;
  std::unique_ptr<Handle> watch(DnsQuestion question, Sink sink, Complain complain);

  /// Looks the addresses of `question` up once and calls `answered` on the watching thread, or never if all of this ends
  /// before. Any thread.
  void look_up(DnsQuestion question, std::function<void(const net::Resolution&)> answered);

 private:
  class Job;
  net::Task<void> ask_once(DnsQuestion question, std::function<void(const net::Resolution&)> answered);
  void start();

  /// Resolvers in use, by their options; the thread's.
  struct Known {
    std::shared_ptr<const net::Resolver::Options> options;
    std::shared_ptr<net::Resolver> resolver;
  };
  std::shared_ptr<net::Resolver> resolver_for(const std::shared_ptr<const net::Resolver::Options>& options);

  std::once_flag started_;
  std::unique_ptr<net::Loop> loop_;
  std::thread thread_;
  // What follows is the thread's.
  std::vector<Known> resolvers_;
  std::set<net::Resolver::Lookup*> look_ups_;  // of ask_once
  bool ended_ = false;
};

class DnsWatch::Handle {
 public:
  explicit Handle(std::shared_ptr<Job> job) : job_(std::move(job)) {}
  Handle(const Handle&) = delete;
  ~Handle();

 private:
  std::shared_ptr<Job> job_;
};

}  // namespace weir::server
