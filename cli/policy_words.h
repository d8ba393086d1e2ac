// policy_words.h: what a service does, in the words of its keys, where it is not the default. Pure.
#pragma once

#include <string>

#include "conf/service.h"

namespace gatehouse::cli {

std::string compress_words(const conf::Compress& compress);  // "zstd br gzip"
// "least_request, protocol=https, health=/status interval=2s": the balance, then what differs from the defaults.
std::string policy_words(const conf::Service& service);

}  // namespace gatehouse::cli
