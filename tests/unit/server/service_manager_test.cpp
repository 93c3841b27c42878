#include <addrbook/server/service_manager.hpp>

#include <support/service_manager.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

using addrbook::detail::notify_service_manager;

TEST_CASE("service manager: it gets what is told, by a path or an abstract name") {
  for (const bool is_abstract : {false, true}) {
    CAPTURE(is_abstract);
    const test::ServiceManager manager(is_abstract);
    ::setenv("NOTIFY_SOCKET", manager.name().c_str(), 1);
    notify_service_manager("READY=1");
    CHECK(manager.receive() == "READY=1");
    notify_service_manager(addrbook::detail::reloading_state());
    const std::string told = manager.receive();
    CHECK(told.rfind("RELOADING=1\nMONOTONIC_USEC=", 0) == 0);
    CHECK(std::stoull(told.substr(told.rfind('=') + 1)) > 0);
    ::unsetenv("NOTIFY_SOCKET");
  }
}

TEST_CASE("service manager: where there is none, nothing happens") {
  ::unsetenv("NOTIFY_SOCKET");
  notify_service_manager("READY=1");
  for (const std::string& name :
       {std::string(), std::string("@"), std::string("/"), std::string("relative"),
        std::string("vsock:2:1234"), std::string("/nowhere/notify"), '/' + std::string(200, 'a')}) {
    CAPTURE(name);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    notify_service_manager("READY=1");
  }
  ::unsetenv("NOTIFY_SOCKET");
}

TEST_CASE("service manager: one that reads nothing keeps nobody waiting for ever") {
  const test::ServiceManager manager(false);
  ::setenv("NOTIFY_SOCKET", manager.name().c_str(), 1);
  manager.fill();
  notify_service_manager("STOPPING=1");
  CHECK(manager.receive() == "filler");
  ::unsetenv("NOTIFY_SOCKET");
}
