// explain.h: why a request goes where it goes, as text.
//   Listener, client, certificate, the routes that were considered, what is answered or sent on, and which endpoints
//   may get it.
//   It is no imitation: the request is written as bytes, parsed by the parser and judged by proxy::admit against the
//   world that runs. Nothing is sent and nothing counted. Pure; text of strangers is made harmless.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/door_view.h"
#include "net/result.h"

namespace gatehouse::cli {

struct ExplainRequest {
  std::string method, url;                       // "GET", "https://learn.bank.example/forum"
  std::vector<std::string> fields;               // "Name: value"
  IpAddress peer = IpAddress::v4(127, 0, 0, 1);  // who connects
};

// The error: the URL is none, or no listener takes it.
Result<std::string> explain(const ExplainRequest& request, const DoorView& view);

}  // namespace gatehouse::cli
