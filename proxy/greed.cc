#include "proxy/greed.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "net/client_counts.h"

namespace gatehouse::proxy {

std::vector<std::size_t> greediest(const std::vector<Holding>& all, std::uint64_t wanted, std::uint64_t modest) {
  std::map<IpAddress, std::uint64_t> together;
  for (const Holding& each : all)
    if (!each.alone) together[ClientCounts::key(each.client)] += each.bytes;
  struct Row {
    std::uint64_t of_client;
    IpAddress client;
    std::uint64_t bytes;
    std::size_t index;
  };
  std::vector<Row> rows;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const IpAddress client = ClientCounts::key(all[i].client);
    const std::uint64_t total = all[i].alone ? all[i].bytes : together[client];
    if (total >= modest) rows.push_back({total, client, all[i].bytes, i});
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(b.of_client, b.client, b.bytes) < std::tie(a.of_client, a.client, a.bytes);
  });
  std::vector<std::size_t> out;
  std::uint64_t freed = 0;
  for (const Row& row : rows) {
    if (freed >= wanted) break;
    freed += row.bytes;
    out.push_back(row.index);
  }
  return out;
}

}  // namespace gatehouse::proxy
