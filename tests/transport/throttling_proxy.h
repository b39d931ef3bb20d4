// A slow link: passes bytes on between two sockets, not faster than it should.
#ifndef SEMLINK_TESTS_TRANSPORT_THROTTLING_PROXY_H_
#define SEMLINK_TESTS_TRANSPORT_THROTTLING_PROXY_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "common/transport/address.h"

namespace semlink {

// Listens on the loopback interface; each connection is passed on to `target`. The rate is that of
// each direction of each connection. While stalled() nothing passes, and both ends see no more than
// a network from which nothing comes.
class ThrottlingProxy {
 public:
  ThrottlingProxy(const std::string& target, std::size_t bytes_per_second)
      : port_(ParseAddress(target)->port), bytes_per_step_(bytes_per_second / kStepsPerSecond) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // Else much of a message would wait in the buffers and arrive in one go.
    const int buffer = 8192;
    setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    sockaddr_in here = Loopback(0);
    socklen_t size = sizeof here;
    bind(listener_, reinterpret_cast<sockaddr*>(&here), size);
    listen(listener_, 8);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(here.sin_port));
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~ThrottlingProxy() {
    stop_ = true;
    acceptor_.join();
    for (std::thread& each : pumps_) each.join();
    for (int socket : sockets_) close(socket);
    close(listener_);
  }

  const std::string& address() const { return address_; }
  void set_stalled(bool stalled) { stalled_ = stalled; }

 private:
  static constexpr int kStepsPerSecond = 100;

  static sockaddr_in Loopback(int port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    return address;
  }

  void Accept() {
    while (!stop_) {
      pollfd ready = {listener_, POLLIN, 0};
      if (poll(&ready, 1, 20) <= 0) continue;
      const int client = accept(listener_, nullptr, nullptr);
      const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in target = Loopback(port_);
      connect(server, reinterpret_cast<sockaddr*>(&target), sizeof target);
      const timeval patience = {1, 0};  // so that the end does not wait for who doesn't read
      setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      setsockopt(server, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      sockets_.push_back(client);
      sockets_.push_back(server);
      pumps_.emplace_back([this, client, server] { Pump(client, server); });
      pumps_.emplace_back([this, client, server] { Pump(server, client); });
    }
  }

  void Pump(int from, int to) {
    std::vector<char> buffer(bytes_per_step_);
    while (!stop_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1000 / kStepsPerSecond));
      if (stalled_) continue;
      pollfd ready = {from, POLLIN, 0};
      if (poll(&ready, 1, 20) <= 0) continue;
      const ssize_t got = recv(from, buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      for (ssize_t sent = 0; sent < got;) {
        const ssize_t now = send(to, buffer.data() + sent, got - sent, MSG_NOSIGNAL);
        if (now <= 0) return;
        sent += now;
      }
    }
    shutdown(to, SHUT_WR);
  }

  const int port_;
  const std::size_t bytes_per_step_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> stalled_{false};
  int listener_ = -1;
  std::string address_;
  std::thread acceptor_;
  // Touched by the acceptor until it is joined.
  std::list<std::thread> pumps_;
  std::vector<int> sockets_;
};

}  // namespace semlink

#endif  // SEMLINK_TESTS_TRANSPORT_THROTTLING_PROXY_H_
