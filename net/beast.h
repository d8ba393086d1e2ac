// beast.h: the one door to Boost.Beast: small HTTP/1.1 servers and clients of the control plane (admin, metrics).
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "net/asio.h"

namespace gatehouse {
namespace beast = boost::beast;
}
