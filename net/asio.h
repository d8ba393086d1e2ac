// asio.h: the one door to Boost.Asio, for build time and so that the data plane can't include it by accident.
//   The control plane's event loop: one thread, one io_context. Never on a worker.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

namespace gatehouse {
namespace asio = boost::asio;
}
