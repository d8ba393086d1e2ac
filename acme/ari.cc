#include "acme/ari.h"

#include <algorithm>
#include <ctime>

#include <openssl/x509v3.h>

#include "acme/json_look.h"
#include "net/encoding.h"
#include "net/wall_time.h"

namespace gatehouse::acme {
namespace {

std::string encoded(const ASN1_STRING* text) {
  return base64url({ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))});
}

// The content of an INTEGER in DER: a leading 00 where the first bit is set.
std::string serial_content(const X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  const unsigned char* bytes = ASN1_STRING_get0_data(serial);
  const auto size = static_cast<std::size_t>(ASN1_STRING_length(serial));
  std::string out;
  if (size == 0 || (bytes[0] & 0x80) != 0) out += '\0';
  return out.append(reinterpret_cast<const char*>(bytes), size);
}

}  // namespace

std::string certificate_id(const X509* certificate) {
  const ASN1_OCTET_STRING* authority = X509_get0_authority_key_id(const_cast<X509*>(certificate));
  if (authority == nullptr) return {};
  const std::string serial = serial_content(certificate);
  return encoded(authority) + "." + base64url({reinterpret_cast<const std::uint8_t*>(serial.data()), serial.size()});
}

std::optional<WallTime> read_rfc3339(std::string_view text) {
  std::tm parts{};
  const std::string whole(text);
  const char* rest = ::strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  if (*rest == '.')
    for (++rest; *rest >= '0' && *rest <= '9';) ++rest;
  int hours = 0, minutes = 0;
  char sign = '+', end = '\0';
  const std::string_view zone(rest);
  if (zone != "Z" && zone != "z") {
    if (zone.size() != 6 || std::sscanf(rest, "%c%2d:%2d%c", &sign, &hours, &minutes, &end) != 3) return std::nullopt;
    if ((sign != '+' && sign != '-') || hours > 23 || hours < 0 || minutes > 59 || minutes < 0) return std::nullopt;
  }
  const auto offset = std::chrono::minutes(hours * 60 + minutes);
  const WallTime local = wall_time(::timegm(&parts));
  return sign == '+' ? local - offset : local + offset;
}

std::optional<RenewalWindow> read_renewal_info(std::string_view text, WallTime not_after) {
  const json::object all = read_object(text);
  const json::object& window = object_at(all, "suggestedWindow");
  const auto start = read_rfc3339(text_at(window, "start")), end = read_rfc3339(text_at(window, "end"));
  if (!start || !end || *end <= *start || *end > not_after) return std::nullopt;
  return RenewalWindow{*start, *end, text_at(all, "explanationURL")};
}

WallTime point_in(const RenewalWindow& window, double share, WallTime now) {
  const std::chrono::duration<double> width = window.end - window.start;
  const auto point = window.start + std::chrono::duration_cast<WallTime::duration>(width * share);
  return std::max(point, now);
}

}  // namespace gatehouse::acme
