// fd_message.h: messages with descriptors between processes of one machine, over a SOCK_SEQPACKET Unix socket.
//   A message arrives whole or not at all. Descriptors that come are close-on-exec.
//   Limits   text_most bytes and fds_most descriptors; what is larger is an error at the receiver.
//   Failure  Errc::closed: the peer is gone; Errc::timed_out: the socket's SO_RCVTIMEO or SO_SNDTIMEO is over.
//   Source   unix(7), SCM_RIGHTS.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/result.h"
#include "net/unique_fd.h"

namespace gatehouse {

struct FdMessage {
  static constexpr std::size_t text_most = 1024, fds_most = 128;  // the kernel's SCM_MAX_FD is 253
  std::string text;
  std::vector<UniqueFd> fds;
};

Status send_message(int socket, std::string_view text, std::span<const int> fds = {});
Result<FdMessage> receive_message(int socket);

}  // namespace gatehouse
