#include "proxy/http2/odd_events.h"

#include <gtest/gtest.h>

namespace gatehouse::http2 {
namespace {

TEST(OddEvents, AsManyAsTheBurstPassAndOneMoreIsTooMany) {
  OddEvents odd(10);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(odd.note(0));
  EXPECT_FALSE(odd.note(0));
}

TEST(OddEvents, AThirtiethOfTheBurstIsForgivenEachSecond) {
  OddEvents odd(30);
  for (int i = 0; i < 30; ++i) odd.note(0);
  EXPECT_FALSE(odd.note(500));
  EXPECT_TRUE(odd.note(1600));
  EXPECT_FALSE(odd.note(1600));
}

TEST(OddEvents, WindowUpdatesThatFollowDataAreNotOdd) {
  OddEvents odd(1);
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(odd.note_window_update(0));  // before any data: a client may set up much
  EXPECT_TRUE(odd.note_window_update(0));
  EXPECT_FALSE(odd.note_window_update(0));
  odd.sent_data();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(odd.note_window_update(0));
  EXPECT_FALSE(odd.note_window_update(0));
}

}  // namespace
}  // namespace gatehouse::http2
