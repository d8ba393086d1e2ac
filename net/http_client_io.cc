#include "net/http_client_io.h"

#include "net/beast.h"
#include "net/http_engine.h"

namespace gatehouse {

std::string_view HttpClientReply::field(std::string_view name) const {
  for (const auto& [known, value] : fields)
    if (beast::iequals(known, name)) return value;
  return {};
}

HttpClient::HttpClient(asio::io_context& io, Options options)
    : engine_(options.place.tls && !options.http1 ? make_http2_engine(io, std::move(options))
                                                  : make_http1_engine(io, std::move(options))) {}

HttpClient::~HttpClient() { engine_->close(); }

void HttpClient::send(HttpClientRequest request, Millis within, Done done) {
  engine_->send(std::move(request), within, std::move(done));
}

std::size_t HttpClient::connections() const { return engine_->connections(); }

}  // namespace gatehouse
