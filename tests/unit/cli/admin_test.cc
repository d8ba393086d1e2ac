#include "cli/admin.h"

#include <set>

#include <gtest/gtest.h>

namespace gatehouse::cli {
namespace {

HttpRequest request(const std::string& method, const std::string& target) {
  HttpRequest out;
  out.method = method;
  split_target(target, out);
  return out;
}

TEST(AdminVerbs, EachIsFoundByItsMethodAndPath) {
  for (const Verb& verb : verbs()) {
    HttpReply refusal;
    std::string target(verb.path);
    if (!verb.required.empty()) target += "?" + std::string(verb.required) + "=x";
    EXPECT_EQ(find_verb(request(std::string(verb.method), target), refusal), &verb) << verb.path;
  }
}

TEST(AdminVerbs, WhatChangesIsAskedByPostAndWhatReadsByGet) {
  const std::set<std::string_view> changes = {"/v1/reload",
                                              "/v1/drain",
                                              "/v1/undrain",
                                              "/v1/catalog/approve",
                                              "/v1/catalog/freeze",
                                              "/v1/catalog/unfreeze",
                                              "/v1/catalog/rollback",
                                              "/v1/failover",
                                              "/v1/maintenance",
                                              "/v1/tunnel/reread",
                                              "/v1/upgrade",
                                              "/v1/certificates/renew",
                                              "/v1/certificates/revoke",
                                              "/v1/certificates/rollover",
                                              "/v1/bans/add",
                                              "/v1/bans/remove"};
  for (const Verb& verb : verbs()) EXPECT_EQ(verb.method, changes.contains(verb.path) ? "POST" : "GET") << verb.path;
}

TEST(AdminVerbs, AnotherMethodIsRefusedWithTheRightOne) {
  HttpReply refusal;
  EXPECT_EQ(find_verb(request("GET", "/v1/reload"), refusal), nullptr);
  EXPECT_EQ(refusal.status, 405);
  EXPECT_EQ(refusal.allow, "POST");
  EXPECT_EQ(refusal.body, "/v1/reload is asked by POST\n");
  EXPECT_EQ(find_verb(request("HEAD", "/v1/status"), refusal), nullptr);
  EXPECT_EQ(refusal.status, 405);
}

TEST(AdminVerbs, AnUnknownPathIsToldWhatThereIs) {
  HttpReply refusal;
  for (const char* target : {"/", "/v1/", "/v1/statuss", "/v2/status", "/v1/status/"}) {
    EXPECT_EQ(find_verb(request("GET", target), refusal), nullptr) << target;
    EXPECT_EQ(refusal.status, 404) << target;
    for (const Verb& verb : verbs()) EXPECT_NE(refusal.body.find(verb.path), std::string::npos);
  }
}

TEST(AdminVerbs, AMissingParameterIsNamed) {
  HttpReply refusal;
  for (const char* target : {"/v1/drain", "/v1/drain?target="}) {
    EXPECT_EQ(find_verb(request("POST", target), refusal), nullptr);
    EXPECT_EQ(refusal.status, 400);
    EXPECT_NE(refusal.body.find("?target="), std::string::npos);
  }
}

}  // namespace
}  // namespace gatehouse::cli
