#include "net/fd_message.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace gatehouse {
namespace {

union Control {
  cmsghdr aligned;
  char bytes[CMSG_SPACE(sizeof(int) * FdMessage::fds_most)];
};

Error failed(const char* doing) {
  const int why = errno;
  if (why == EAGAIN || why == EWOULDBLOCK) return {Errc::timed_out, std::string(doing) + ": no answer in time"};
  const bool gone = why == EPIPE || why == ECONNRESET;
  return {gone ? Errc::closed : Errc::io, std::string(doing) + ": " + std::strerror(why)};
}

void take_fds(const msghdr& message, std::vector<UniqueFd>& out) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(const_cast<msghdr*>(&message), each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(each) + i * sizeof fd, sizeof fd);
      out.emplace_back(fd);
    }
  }
}

}  // namespace

Status send_message(int socket, std::string_view text, std::span<const int> fds) {
  if (text.empty() || text.size() > FdMessage::text_most || fds.size() > FdMessage::fds_most)
    return invalid("a message of this size can't be sent");
  iovec part{const_cast<char*>(text.data()), text.size()};
  Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  for (;;) {
    if (::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return Done{};
    if (errno != EINTR) return failed("send");
  }
}

Result<FdMessage> receive_message(int socket) {
  char text[FdMessage::text_most];
  iovec part{text, sizeof text};
  Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t size = -1;
  while ((size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0)
    if (errno != EINTR) return failed("receive");
  FdMessage out;
  take_fds(message, out.fds);
  if (size == 0) return Error{Errc::closed, "receive: the peer is gone"};
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return invalid("receive: a message that is too large");
  out.text.assign(text, static_cast<std::size_t>(size));
  return out;
}

}  // namespace gatehouse
