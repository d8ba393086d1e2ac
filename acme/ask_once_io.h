// ask_once_io.h: one HTTP request to a server, answered before it returns. Blocks: for threads that may wait.
#pragma once

#include <atomic>
#include <string>

#include "net/http_client_io.h"

namespace gatehouse::acme {

// `url`: "https://api.example/path"; `ca`: authorities as a PEM file, empty: the machine's.
Result<HttpClientReply> ask_once(const std::string& url, const std::string& ca, HttpClientRequest request,
                                 Millis within, const std::atomic<bool>& stop);

}  // namespace gatehouse::acme
