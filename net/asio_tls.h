// asio_tls.h: the one door to Asio's streams over OpenSSL, for clients of the control plane that speak HTTP/1.1.
#pragma once

#include <boost/asio/ssl/stream.hpp>

#include "net/asio.h"
