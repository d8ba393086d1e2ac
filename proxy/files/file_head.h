// file_head.h: what is said of a file: status, validators, ranges, fields. Pure: the request's head and what is known
//   of the file in, the answer out.
//   Order: conditions (304, 412), then Range (206, 416), then the whole (RFC 9110 13.2.2). A file that is compressed
//   on its way has no ranges, no length, and a weak tag. Tags are made of the time of the last change, to the
//   nanosecond, and the size, and are alike on two doors that have the same files with the same times.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "conf/content.h"
#include "proxy/files/range.h"
#include "proxy/http/head.h"
#include "proxy/http/head_writer.h"

namespace gatehouse::files {

struct FileFacts {
  std::string_view name;  // as the client means it: its end says the type
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::optional<conf::ContentCoding> coding;      // in which it lies there
  std::optional<conf::ContentCoding> compressed;  // on its way
  bool varies = false;                            // with Accept-Encoding
  std::string_view control;                       // of Cache-Control; empty: none is sent
};

struct FileAnswer {
  int status = 200;
  Ranges ranges;
  std::uint64_t length = 0;  // of the body
  bool sized = true;         // false: it is compressed as it goes
  std::string_view type;
};

// "\"5f2c9a1be1a45e3c-1f4\"", weak with W/ in front.
inline constexpr std::size_t etag_bytes_max = 48;
std::string_view make_etag(const FileFacts& file, std::span<char, etag_bytes_max> room);

// `now`: seconds since 1970. `token`: for the boundary of several ranges.
FileAnswer judge_file(const http::RequestHead& head, const FileFacts& file, std::int64_t now);
std::uint64_t body_length(const FileAnswer& answer, const Byteranges& parts);

// The fields that are the file's; of 304 and 412 those that belong to them (RFC 9110 15.4.5).
void write_file_fields(const FileAnswer& answer, const FileFacts& file, const Byteranges& parts,
                       http::HeadWriter& out);

// The value of Cache-Control for a name below the folder; empty: nothing is said.
std::string_view cache_control(const conf::Files& policy, std::string_view name);

}  // namespace gatehouse::files
