#include "conf/catalog/own_service.h"

#include <gtest/gtest.h>

namespace gatehouse::catalog {
namespace {

OwnService door() { return {"gatehouse", "gatehouse-fd1", "17", "0.1.0", "192.0.2.1", 443}; }

std::string shown(const std::string& id, const std::string& epoch) {
  return R"([{"Node":{"Node":"n1","Address":"192.0.2.9"},"Service":{"ID":")" + id +
         R"(","Service":"gatehouse","Port":443,"Meta":{"gatehouse_epoch":")" + epoch + R"("}},"Checks":[]}])";
}

TEST(OwnService, RegistersAsPassingWithACheckThatHasToBeKept) {
  EXPECT_EQ(registration(door()),
            R"({"ID":"gatehouse-fd1","Name":"gatehouse","Port":443,)"
            R"("Meta":{"gatehouse_epoch":"17","gatehouse_version":"0.1.0"},)"
            R"("Check":{"CheckID":"service:gatehouse-fd1","Name":"the door runs","TTL":"30000ms","Status":"passing",)"
            R"("DeregisterCriticalServiceAfter":"10m"},"Address":"192.0.2.1"})");
}

TEST(OwnService, WithoutAnAddressItIsAtItsAgents) {
  OwnService own = door();
  own.address.clear();
  EXPECT_EQ(registration(own).find("Address"), std::string::npos);
}

TEST(OwnService, IsShownByItsIdAndItsRun) {
  EXPECT_TRUE(*shown_in(shown("gatehouse-fd1", "17"), door()));
  EXPECT_FALSE(*shown_in(shown("gatehouse-fd1", "16"), door())) << "of an earlier run";
  EXPECT_FALSE(*shown_in(shown("gatehouse-fd2", "17"), door())) << "another door";
  EXPECT_FALSE(*shown_in("[]", door()));
}

TEST(OwnService, WhatIsNoAnswerIsAnError) {
  EXPECT_FALSE(shown_in("", door()));
  EXPECT_FALSE(shown_in("{}", door()));
  EXPECT_FALSE(shown_in("[1]", door()));
}

}  // namespace
}  // namespace gatehouse::catalog
