// body_filter.h: what a body passes through on its way to the client, and comes out as another one.
//   Bytes in, bytes out, with room and patience of the caller's. One body each; one thread. Pure.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace gatehouse::compress {

class BodyFilter {
 public:
  virtual ~BodyFilter() = default;

  enum class Ask { more, flush, finish };  // more will come; now all that came must come out; that was all
  struct Step {
    std::size_t consumed = 0, produced = 0;
    bool done = false;    // all was consumed, and what was asked for is out
    bool failed = false;  // nothing can be made of this body any more
  };
  // Not done: call again with the rest of `in`, the same ask and fresh room.
  virtual Step step(std::string_view in, Ask ask, std::span<char> out) = 0;
};
using BodyFilterPtr = std::unique_ptr<BodyFilter>;

}  // namespace gatehouse::compress
