#include "net/server_name.h"

#include <string>

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::string_literals;

TEST(ServerName, IsTheOneHostNameOfTheExtension) {
  EXPECT_EQ(read_server_name("\0\x09\0\0\x06"
                             "A.test"s)
                ->text(),
            "a.test");
}

TEST(ServerName, MalformedExtensionsNameNoHost) {
  for (const std::string& bad : {
           ""s,
           "\0\x09\0\0"s,
           "\0\x09\0\0\x05"
           "a.test"s,  // the name is shorter than said
           "\0\x09\0\0\x07"
           "a.test"s,  // longer
           "\0\x08\0\0\x06"
           "a.test"s,  // the list is shorter
           "\0\x0a\0\0\x06"
           "a.test"s,  // longer
           "\0\x09\1\0\x06"
           "a.test"s,  // not a host name
           "\0\x09\0\0\x06"
           "a.test!"s,  // something after it
           "\0\x0c\0\0\x03"
           "a.b\0\0\x03"
           "c.d"s,  // two names
           "\0\x03\0\0\0"s,
           "\0\x09\0\0\x06"
           "a\0test"s,
       })
    EXPECT_FALSE(read_server_name(bad)) << bad;
}

}  // namespace
}  // namespace gatehouse
