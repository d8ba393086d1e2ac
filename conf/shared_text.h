// shared_text.h: an immutable text that many copies share, as an error page does in thousands of routes.
//   Compared by content, with a shortcut for the same copy.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace gatehouse::conf {

class SharedText {
 public:
  SharedText() = default;
  SharedText(std::string text) : text_(std::make_shared<const std::string>(std::move(text))) {}
  SharedText(const char* text) : SharedText(std::string(text)) {}

  std::string_view view() const { return text_ ? std::string_view(*text_) : std::string_view(); }
  operator std::string_view() const { return view(); }
  std::size_t size() const { return view().size(); }
  bool empty() const { return view().empty(); }
  bool shares_with(const SharedText& other) const { return text_ == other.text_; }

  bool operator==(const SharedText& other) const { return text_ == other.text_ || view() == other.view(); }

 private:
  std::shared_ptr<const std::string> text_;
};

}  // namespace gatehouse::conf
