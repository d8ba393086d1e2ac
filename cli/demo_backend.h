// demo_backend.h: `gatehouse demo-backend`: a small backend to try things with. Answers every request with what
//   reached it; /health is switchable: POST /health?state=down, POST /health?state=up.
#pragma once

#include <string>

#include "net/ip.h"

namespace gatehouse::cli {

int run_demo_backend(const SocketAddress& listen, const std::string& name);

}  // namespace gatehouse::cli
