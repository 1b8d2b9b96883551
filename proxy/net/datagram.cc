#include "net/datagram.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace weir::net {

namespace {

/// Room for what the kernel tells beside a datagram: the address it was sent to.
constexpr std::size_t kControl = CMSG_SPACE(sizeof(in6_pktinfo));
struct alignas(cmsghdr) Control {
  char octets[kControl];
};

Endpoint destination_of(msghdr& head) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&head); each; each = CMSG_NXTHDR(&head, each)) {
    if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(each), sizeof info);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr = info.ipi_addr;
      return Endpoint(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(each), sizeof info);
      sockaddr_in6 address{};
      address.sin6_family = AF_INET6;
      address.sin6_addr = info.ipi6_addr;
      // Addresses of a link mean nothing without it.
      if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) address.sin6_scope_id = info.ipi6_ifindex;
      return Endpoint(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
  }
  return {};
}

template <class Info>
void set_control(msghdr& head, Control& control, int level, int type, const Info& info) {
  head.msg_control = &control;
  head.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* const part = CMSG_FIRSTHDR(&head);
  part->cmsg_level = level;
  part->cmsg_type = type;
  part->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(part), &info, sizeof info);
}

/// Lets a datagram leave from `from`.
void choose_source(msghdr& head, Control& control, const Endpoint& from) {
  if (from.family() == AF_INET) {
    in_pktinfo info{};
    info.ipi_spec_dst = reinterpret_cast<const sockaddr_in*>(from.raw())->sin_addr;
    set_control(head, control, IPPROTO_IP, IP_PKTINFO, info);
  } else if (from.family() == AF_INET6) {
    in6_pktinfo info{};
    info.ipi6_addr = reinterpret_cast<const sockaddr_in6*>(from.raw())->sin6_addr;
    info.ipi6_ifindex = reinterpret_cast<const sockaddr_in6*>(from.raw())->sin6_scope_id;
    set_control(head, control, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

}  // namespace

IoError DatagramBatch::receive(int fd, bool wants_sender) {
  count_ = 0;
  std::array<mmsghdr, kDatagramBatch> heads{};
  std::array<iovec, kDatagramBatch> parts;
  std::array<sockaddr_storage, kDatagramBatch> senders;
  std::array<Control, kDatagramBatch> controls;
  for (std::size_t i = 0; i < most_; ++i) {
    // Of the largest size, which holds any datagram of IP, so none is ever cut.
    if (!blocks_[i]) blocks_[i] = pool_.take(BufferSize::k64K);
    parts[i] = {blocks_[i].data(), blocks_[i].size()};
    msghdr& head = heads[i].msg_hdr;
    head.msg_iov = &parts[i];
    head.msg_iovlen = 1;
    if (!wants_sender) continue;
    head.msg_name = &senders[i];
    head.msg_namelen = sizeof senders[i];
    head.msg_control = &controls[i];
    head.msg_controllen = sizeof controls[i];
  }
  int count;
  do count = ::recvmmsg(fd, heads.data(), static_cast<unsigned>(most_), MSG_DONTWAIT, nullptr);
  while (count < 0 && errno == EINTR);
  if (count < 0) return {errno};
  count_ = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < count_; ++i) {
    datagrams_[i].octets = {blocks_[i].data(), heads[i].msg_len};
    if (!wants_sender) continue;
    datagrams_[i].from = Endpoint(reinterpret_cast<const sockaddr*>(&senders[i]), heads[i].msg_hdr.msg_namelen);
    datagrams_[i].to = destination_of(heads[i].msg_hdr);
  }
  return {};
}

int ask_destination(int fd, int family) {
  const int on = 1;
  const bool v6 = family == AF_INET6;
  const int result = ::setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof on);
  return result == 0 ? 0 : errno;
}

IoError send_datagram(int fd, std::string_view octets) {
  ssize_t sent;
  do sent = ::send(fd, octets.data(), octets.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return {sent < 0 ? errno : 0};
}

void DatagramSender::add(std::string_view octets, const Endpoint& to, const Endpoint& from) {
  if (entries_.size() == kDatagramBatch || (block_ && octets.size() > block_.size() - used_)) flush();
  if (!block_) block_ = pool_.take(BufferSize::k64K);
  if (octets.size() > block_.size()) {  // larger than any datagram
    losses_ = {losses_.count + 1, {EMSGSIZE}};
    return;
  }
  if (!octets.empty()) std::memcpy(block_.data() + used_, octets.data(), octets.size());
  entries_.push_back({used_, octets.size(), to, from});
  used_ += octets.size();
}

void DatagramSender::flush() {
  std::array<mmsghdr, kDatagramBatch> heads{};
  std::array<iovec, kDatagramBatch> parts;
  std::array<Control, kDatagramBatch> controls{};
  const std::size_t count = entries_.size();
  for (std::size_t i = 0; i < count; ++i) {
    Entry& entry = entries_[i];
    parts[i] = {block_.data() + entry.begin, entry.size};
    msghdr& head = heads[i].msg_hdr;
    head.msg_name = const_cast<sockaddr*>(entry.to.raw());
    head.msg_namelen = entry.to.length();
    head.msg_iov = &parts[i];
    head.msg_iovlen = 1;
    if (!entry.from.is_empty()) choose_source(head, controls[i], entry.from);
  }
  for (std::size_t done = 0; done < count;) {
    const int sent = ::sendmmsg(fd_, heads.data() + done, static_cast<unsigned>(count - done), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) losses_ = {losses_.count + 1, {errno}};
    // What failed is skipped: another one may have another way to go.
    done += sent > 0 ? static_cast<std::size_t>(sent) : 1;
  }
  entries_.clear();
  used_ = 0;
  block_.reset();
}

DatagramSender::Losses DatagramSender::take_losses() { return std::exchange(losses_, {}); }

}  // namespace weir::net
