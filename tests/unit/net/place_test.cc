#include "net/place.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(Place, IsAnAddressANameOrASocketAndReadsBackAsItIsWritten) {
  for (const char* text : {"127.0.0.1:5432", "[::1]:5432", "db.internal:1", "unix:/run/x.sock"}) {
    const Result<Place> place = Place::parse(text);
    ASSERT_TRUE(place) << text;
    EXPECT_EQ(place->text(), text);
  }
  EXPECT_EQ(Place::parse("db.internal:1")->host, "db.internal");
}

TEST(Place, WhatIsNobodyToDialIsRefused) {
  for (const std::string text :
       {"", "x", ":1", "x:", "x:0", "x:65536", "x:1a", "1.2.3:4", "127.0.0.1:0", "unix:x", "unix:", "a b:1", "x:-1"})
    EXPECT_FALSE(Place::parse(text)) << text;
  EXPECT_TRUE(Place::parse("unix:/" + std::string(106, 'x')));
  EXPECT_FALSE(Place::parse("unix:/" + std::string(107, 'x')));
}

}  // namespace
}  // namespace gatehouse
