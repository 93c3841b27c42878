#include "other_unit.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace other_unit {

std::shared_ptr<addrbook::Service> make_service() {
  const auto needs_name =
      [](const addrbook::Document& document) -> std::optional<addrbook::Violation> {
    if (document.json().contains("name")) return std::nullopt;
    return addrbook::Violation{"", "needs a name"};
  };
  return std::make_shared<addrbook::Service>(std::make_shared<addrbook::MemoryStore>(),
                                             std::vector<addrbook::Validator>{needs_name});
}

std::unique_ptr<addrbook::Server> make_server(const addrbook::Config& config,
                                              const std::shared_ptr<addrbook::Service>& service) {
  auto server = std::make_unique<addrbook::Server>();
  addrbook::Options options;
  options.prefix = config.rest.prefix;
  options.coding = addrbook::gzip();
  addrbook::mount(*server, service, std::move(options));
  return server;
}

void get_missing(const addrbook::Service& service) {
  static_cast<void>(service.get("missing"));
}

bool is_error(const std::exception& error) {
  return dynamic_cast<const addrbook::Error*>(&error) != nullptr;
}

}  // namespace other_unit
