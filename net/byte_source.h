// byte_source.h: where the bytes of a body come from: a stream, a file, whatever answers a request.
//   read() never waits. What it gives:
//     ok      so many bytes, at least one
//     again   none now; the reader's waker is signalled when there may be some
//     ended   there are no more, and these were all
//     failed  there are no more, and some are missing
//   One thread.
#pragma once

#include "net/socket.h"

namespace gatehouse {

class ByteSource {
 public:
  virtual IoResult read(char* data, std::size_t size) = 0;

 protected:
  ~ByteSource() = default;
};

}  // namespace gatehouse
