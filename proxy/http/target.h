// target.h: the request target as routes see it and as the backend gets it (RFC 3986 6.2.2, 5.2.4).
//   Matching uses the path with unreserved escapes decoded, the hex digits of the others in capitals and dot segments
//   removed; %2F and %5C stay what they are. If dot segments were removed that form is forwarded, else the bytes as
//   sent. Refused: %00, broken escapes, a raw backslash, dot segments in disguise ("..%2F", "..;", "..%3B"), which
//   some backends would still resolve after the route was chosen, and segments with both a parameter and an escaped
//   slash. The query is not touched. Pure; idempotent.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace gatehouse::http {

struct Target {
  std::string_view path;     // for matching; begins with '/' unless it is "*"
  std::string_view query;    // with its '?'; empty: none
  std::string_view forward;  // what the backend gets, query included
};

// `path_and_query` is RequestHead::path(). The views point into it or into the buffer, which must hold its size and
// one byte more. Nothing: answer 400.
std::optional<Target> normalise_target(std::string_view path_and_query, std::span<char> buffer);

// A normalised path as some backends read it: without path parameters (";x", "%3Bx"), with %2F and %5C as slashes.
// The path itself if that is the same; else it is in the buffer, which must hold the path's size. A reader that does
// only one of both finds no other route than one of the two readings, as no segment has both.
std::string_view other_reading(std::string_view path, std::span<char> buffer);

// What the backend gets after `strip` was taken off the path's front and `prepend` put there. Strip holds at a
// segment boundary only ("/api" is in "/api/x", not in "/apix"); the result always begins with '/'. Views the buffer
// (another one than the target's) or the target itself. Nothing: the buffer is too small.
std::optional<std::string_view> rewrite_target(const Target& target, std::string_view strip, std::string_view prepend,
                                               std::span<char> buffer);

// Whether the path is the prefix or below it. "/" and "" hold every path; a last '/' of the prefix doesn't count.
bool within_prefix(std::string_view path, std::string_view prefix);

}  // namespace gatehouse::http
