/// RequestLoop over one connection: the input is a script, a line with `%%`, and what the client
/// sends. The script says in which pieces that arrives, how much of the answers the client takes
/// when, and what else happens:
///
///     0 to 9   as many bytes and one more arrive      r, a letter   room for its square of bytes
///     A  B     50 bytes, 500 bytes                    z  R          no room, any room
///     e  w     an event without a reason, a source    f, a letter   a transport's call fails or
///              has more                                             blocks
///     d  v     the deadline passes, the server is     o  O          all threads are busy, or no
///     more
///              short of memory
///     s  x     the server stops, the client ends      h  t  m       a handshake, a transport like
///                                                                   TLS, too many connections
///
/// Events come as epoll reports them, edge-triggered: an event that the loop needs and does not get
/// leaves requests without an answer. Where nothing but time and pieces differ, what is written
/// must be what is written when all comes at once and is taken at once.
#include "support.hpp"

#include <addrbook/base/memory_budget.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/body_framing.hpp>
#include <addrbook/http/head.hpp>
#include <addrbook/server/answer_writer.hpp>
#include <addrbook/server/connection.hpp>
#include <addrbook/server/connection_handler.hpp>
#include <addrbook/server/request_loop.hpp>
#include <addrbook/server/transport.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

using addrbook::BodySource;
using addrbook::BodyStatus;
using addrbook::detail::Answer;
using addrbook::detail::AnswerFraming;
using addrbook::detail::Begun;
using addrbook::detail::BodyFraming;
using addrbook::detail::Connection;
using addrbook::detail::HeadFault;
using addrbook::detail::PendingRequest;
using addrbook::detail::RequestHead;
using addrbook::detail::RequestLoop;
using addrbook::detail::ServerEngine;
using addrbook::detail::Transfer;
using addrbook::detail::Transport;
using fuzz::check;
using Phase = Connection::Phase;
using Step = RequestLoop::Step;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t any = ~std::size_t{0};

/// What the parts of a run share: the client, and what must be gone at the end.
struct World {
  std::string inbox;  ///< has arrived at the socket
  bool has_ended = false;
  std::size_t room = any;
  std::string written;
  std::size_t handshakes = 0;
  bool is_like_tls = false;

  std::size_t calls = 0;
  std::size_t fault_at = any;
  Transfer::State fault = Transfer::State::failed;

  bool was_full = false;     ///< the transport refused bytes since there was room last
  bool is_blocked = false;   ///< a fault blocked a call: an event follows
  bool is_one_shot = false;  ///< what is written now is given up if it does not fit
  bool is_cut = false;       ///< and did not fit

  bool is_woken = false;
  std::function<void()> ready;  ///< of the source that has nothing
  int alive = 0;                ///< transports, requests and sources
};

/// Counts what is alive.
class Alive {
 public:
  explicit Alive(World& world) : world_(world) { ++world_.alive; }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;
  ~Alive() { --world_.alive; }

 private:
  World& world_;
};

class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(World& world) : world_(world), alive_(world) {}

  Transfer handshake() override {
    if (is_faulty()) return fault();
    if (world_.handshakes == 0) return {Transfer::State::done};
    --world_.handshakes;
    world_.is_blocked = true;
    return {Transfer::State::wants_read};
  }
  Transfer read(char* to, std::size_t size) override {
    world_.is_one_shot = false;
    if (is_faulty()) return fault();
    if (world_.inbox.empty()) {
      return {world_.has_ended ? Transfer::State::ended : Transfer::State::wants_read};
    }
    const std::size_t taken = (std::min)(size, world_.inbox.size());
    world_.inbox.copy(to, taken);
    world_.inbox.erase(0, taken);
    return {Transfer::State::done, taken};
  }
  Transfer write(const char* from, std::size_t size) override {
    check(size > 0, "something is written");
    if (is_faulty()) {
      world_.is_cut = world_.is_cut || world_.is_one_shot;
      return fault();
    }
    std::size_t taken = (std::min)(size, world_.room);
    if (taken < size) {
      world_.was_full = true;
      if (world_.is_one_shot) {
        world_.is_cut = true;
        taken = 0;
      }
    }
    if (taken == 0) return {Transfer::State::wants_write};
    if (world_.room != any) world_.room -= taken;
    world_.written.append(from, taken);
    return {Transfer::State::done, taken};
  }
  void finish() override { world_.is_one_shot = false; }
  [[nodiscard]] bool short_read_means_empty() const noexcept override {
    return !world_.is_like_tls;
  }

 private:
  bool is_faulty() { return world_.calls++ == world_.fault_at; }
  Transfer fault() {
    if (world_.fault == Transfer::State::failed) {
      world_.fault_at = world_.calls;  // a broken connection stays broken
    } else if (world_.fault == Transfer::State::ended) {
      world_.inbox.clear();
      world_.has_ended = true;
    } else {
      world_.is_blocked = true;
    }
    return {world_.fault};
  }

  World& world_;
  Alive alive_;
};

/// Makes what the end of a target says: a digit is a piece of so many bytes, 'B' a large one, 'L'
/// says later, 'F' fails, 'T' throws.
class ScriptedSource final : public BodySource {
 public:
  ScriptedSource(World& world, std::string script)
      : world_(world), alive_(world), script_(std::move(script)) {}

  Status read(std::string& to) override {
    check(!is_waiting_, "a source that has nothing is not asked");
    while (at_ < script_.size()) {
      const char c = script_[at_++];
      if (c >= '1' && c <= '9') {
        to.append(static_cast<std::size_t>(c - '0'), c);
        return Status::piece;
      }
      if (c == 'B') {
        to.append(std::size_t{20} * 1024, c);
        return Status::piece;
      }
      if (c == 'L') return Status::later;
      if (c == 'F') return Status::failed;
      if (c == 'T') throw std::bad_alloc();
    }
    return Status::end;
  }
  void on_ready(std::function<void()> ready) override {
    is_waiting_ = true;
    world_.ready = [this, ready = std::move(ready)] {
      is_waiting_ = false;
      ready();
    };
  }
  ~ScriptedSource() override {
    if (is_waiting_) world_.ready = nullptr;
  }
  void pause() override { ++pauses_; }
  [[nodiscard]] std::size_t memory() const noexcept override { return script_.size(); }

 private:
  World& world_;
  Alive alive_;
  std::string script_;
  std::size_t at_ = 0;
  std::size_t pauses_ = 0;
  bool is_waiting_ = false;
};

/// Answers with what its body was, by size and hash, as no answer may depend on the pieces; or with
/// a source.
class DigestRequest final : public PendingRequest {
 public:
  DigestRequest(World& world, const RequestHead& head)
      : world_(world),
        alive_(world),
        target_(head.target),
        is_1_0_(head.version == "HTTP/1.0"),
        is_last_(head.wants_close) {}

  bool take(std::string_view data) override {
    check(!data.empty(), "a run of data is not empty");
    for (const char c : data) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 16'777'619U;
    size_ += data.size();
    return size_ <= max_bytes;
  }
  [[nodiscard]] std::size_t memory() const noexcept override { return size_; }
  void answer(BodyStatus status, bool is_last, Answer& answer) override {
    check(!std::exchange(is_answered_, true), "a request is answered once");
    const std::string target(target_);  // the view is still good
    if (target.find("/throw") != std::string::npos) throw std::bad_alloc();
    const bool is_complete = status == BodyStatus::complete && size_ <= max_bytes;
    answer.text += target + (size_ > max_bytes                 ? " too large"
                             : status == BodyStatus::complete  ? " good"
                             : status == BodyStatus::timed_out ? " late"
                                                               : " bad");
    if (size_ <= max_bytes)
      answer.text += " " + std::to_string(size_) + " " + std::to_string(hash_);
    answer.text += "\n";
    answer.is_last = is_last || is_last_ || !is_complete;
    if (target.find("/large") != std::string::npos) answer.text.append(30'000, 'l');
    constexpr std::string_view source = "/own/source";
    if (target.compare(0, source.size(), source) != 0) return;
    answer.source = std::make_shared<ScriptedSource>(world_, target.substr(source.size()));
    answer.framing = is_1_0_ ? AnswerFraming::until_close : AnswerFraming::chunked;
    answer.is_last = answer.is_last || is_1_0_;
  }

 private:
  static constexpr std::size_t max_bytes = 600;

  World& world_;
  Alive alive_;
  std::string_view target_;
  bool is_1_0_;
  bool is_last_;
  bool is_answered_ = false;
  std::size_t size_ = 0;
  std::uint32_t hash_ = 2'166'136'261U;
};

class ScriptedEngine final : public ServerEngine {
 public:
  ScriptedEngine(World& world, Connection& connection) : world_(world), connection_(connection) {}

  bool stopping = false;

  bool wait_for(const Connection& /*connection*/, short /*events*/,
                std::chrono::milliseconds /*timeout*/) override {
    return false;
  }
  std::function<void()> waker(Connection& connection) override {
    check(&connection == &connection_, "the waker is for the connection");
    return [this] {
      connection_.awaits_source.store(false);
      world_.is_woken = true;
    };
  }
  [[nodiscard]] bool is_stopping() const noexcept override { return stopping; }
  [[nodiscard]] const addrbook::detail::MemoryBudget& memory() const noexcept override {
    return budget_;
  }

 private:
  World& world_;
  Connection& connection_;
  addrbook::detail::MemoryBudget budget_{any};
};

/// Requests under /own are the engine's; /own/source has a source. All others are answered by
/// serve(), which waits for its client.
class ScriptedHandler final : public addrbook::detail::ConnectionHandler {
 public:
  explicit ScriptedHandler(World& world) : world_(world) {}

  std::unique_ptr<Transport> open_transport(int /*socket*/) override { return nullptr; }
  [[nodiscard]] bool can_refuse_at_once() const noexcept override { return true; }

  Begun begin(ServerEngine& engine, Connection& connection, const RequestHead& head,
              std::string_view body, bool is_whole, Answer& answer) override {
    check(!head.fault, "a good head");
    check(connection.exchange == nullptr, "one request at a time");
    check(answer.text.empty() && !answer.source && !answer.is_last, "a new answer");
    check(connection.input.compare(0, head.text.size(), head.text) == 0, "the head is in front");
    Begun begun;
    if (head.target.substr(0, 4) != "/own") return begun;
    auto request = std::make_unique<DigestRequest>(world_, head);
    BodyFraming framing(head);
    bool is_wanted = true;
    const std::size_t taken = framing.take(
        body, [&](std::string_view data) { is_wanted = is_wanted && request->take(data); });
    check(taken == body.size(), "the body is no longer than it is");
    check(framing.complete() == is_whole, "a whole body is complete");
    begun.kind = Begun::Kind::answered;
    if (!is_wanted || framing.broken()) {
      request->answer(BodyStatus::malformed, true, answer);
    } else if (is_whole) {
      request->answer(BodyStatus::complete, engine.is_stopping(), answer);
    } else {
      begun.kind = Begun::Kind::pending;
      begun.request = std::move(request);
      begun.body_timeout = 1h;
      begun.wants_continue = head.expects_continue && body.empty();
      world_.is_one_shot = begun.wants_continue;
    }
    return begun;
  }
  [[nodiscard]] bool is_instant(const RequestHead& head) const override {
    return head.target == "/own/instant";
  }
  bool serve(ServerEngine& engine, Connection& connection, const RequestHead& head) override {
    const std::string answer = "served " + std::string(head.target) + "\n";
    // A body would be waited for, which no script can do: such a request is the last.
    const bool is_last =
        head.wants_close || head.body != RequestHead::Body::none || engine.is_stopping();
    connection.consume(head.text.size());
    world_.written += answer;
    return !is_last;
  }
  std::string refusal(const Connection& /*connection*/, const RequestHead& /*head*/,
                      const HeadFault& fault) override {
    world_.is_one_shot = true;
    return "refused " + std::to_string(fault.status) + "\n";
  }
  void warn(std::string_view /*text*/) noexcept override {}

 private:
  World& world_;
};

/// One connection from its first byte to its end.
class Run {
 public:
  explicit Run(std::string_view wire) : wire_(wire), engine_(world_, connection_) {
    connection_.transport = std::make_unique<ScriptedTransport>(world_);
  }

  void run(std::string_view script) {
    for (; !script.empty() && (script[0] == 'h' || script[0] == 't' || script[0] == 'm');
         script.remove_prefix(1)) {
      world_.handshakes += script[0] == 'h' ? 1U : 0U;
      world_.is_like_tls = world_.is_like_tls || script[0] == 't';
      connection_.exceeds_limit = connection_.exceeds_limit || script[0] == 'm';
    }
    loop_.start(connection_);
    if (connection_.exceeds_limit) {
      differ();
      happen();
    }
    while (!script.empty() && !is_closed_) {
      const char operation = script[0];
      script.remove_prefix(1);
      act(operation, script);
      check_rest();
    }
    finish();
  }

  /// All that was written. An invitation to send the body depends on the pieces.
  [[nodiscard]] std::string written() const {
    constexpr std::string_view invitation = "HTTP/1.1 100 Continue\r\n\r\n";
    std::string text = world_.written;
    for (auto at = text.find(invitation); at != std::string::npos; at = text.find(invitation)) {
      text.erase(at, invitation.size());
    }
    return text;
  }
  /// Nothing happened that changes the answers.
  [[nodiscard]] bool is_comparable() const { return is_comparable_ && !world_.is_cut; }
  /// Nothing happened but that the answers may have been cut off.
  [[nodiscard]] bool is_prefix() const { return is_prefix_; }

 private:
  void act(char operation, std::string_view& script) {
    const auto parameter = [&script] {
      const char c = script.empty() ? 'a' : script[0];
      if (!script.empty()) script.remove_prefix(1);
      return static_cast<std::size_t>(static_cast<unsigned char>(c));
    };
    switch (operation) {
      case 'A': return arrive(50);
      case 'B': return arrive(500);
      case 'r': {
        const std::size_t side = parameter();
        return give_room(side * side);
      }
      case 'R': return give_room(any);
      case 'z': world_.room = 0; return;
      case 'e': return happen();
      case 'w': return wake();
      case 'o':
        is_overloaded_ = true;
        differ();
        return;
      case 'O':
        is_overloaded_ = false;
        if (std::exchange(has_turn_, false)) happen();
        return;
      case 'd': return pass_deadline();
      case 'v':
        differ();
        done(loop_.evict(connection_));
        check(is_closed_ || connection_.phase == Phase::draining, "what was ended is at its end");
        return go_on();
      case 's': engine_.stopping = true; return differ();
      case 'x': differ(); return end_sending();
      case 'f': return plan_fault(parameter());
      default:
        if (operation >= '0' && operation <= '9') {
          arrive(static_cast<std::size_t>(operation - '0') + 1);
        }
    }
  }

  void arrive(std::size_t size) {
    if (world_.has_ended || wire_.empty()) return;
    world_.inbox.append(wire_.substr(0, size));
    wire_.remove_prefix((std::min)(size, wire_.size()));
    happen();
  }
  void end_sending() {
    world_.has_ended = true;
    connection_.peer_closed.store(true);
    happen();
  }
  void give_room(std::size_t size) {
    world_.room = size;
    if (size > 0 && std::exchange(world_.was_full, false) && watches_room_) happen();
  }
  void wake() {
    if (!world_.ready) return;
    std::exchange(world_.ready, nullptr)();
    watches_room_ = true;
    go_on();
  }
  void pass_deadline() {
    if (!has_deadline()) return;
    differ();
    connection_.set_deadline(Connection::Clock::now() - 1s);
    done(loop_.expire(connection_));
    go_on();
  }
  void plan_fault(std::size_t what) {
    constexpr Transfer::State kinds[] = {Transfer::State::wants_read, Transfer::State::wants_write,
                                         Transfer::State::failed, Transfer::State::ended};
    world_.fault = kinds[what % 4];
    world_.fault_at = world_.calls + what / 4 % 8;
    is_comparable_ = is_comparable_ && what % 4 < 2;
    is_prefix_ = is_prefix_ && what % 4 < 3;
  }
  void differ() {
    is_comparable_ = false;
    is_prefix_ = false;
  }

  /// An event.
  void happen() {
    has_event_ = true;
    go_on();
  }
  /// Serves the connection until there is no event.
  void go_on() {
    std::size_t turns = 0;
    while (!is_closed_ && (has_event_ || world_.is_woken)) {
      has_event_ = false;
      world_.is_woken = false;
      world_.is_one_shot = false;
      const bool is_waiting = connection_.awaits_source.load();
      const Step step = loop_.advance(connection_, is_overloaded_);
      check(!is_waiting || step != Step::requeue || !connection_.awaits_source.load(),
            "who waits for a source is not served again and again");
      done(step);
      // In an overload an answer waits for its turn. Others have theirs meanwhile.
      if (is_overloaded_ && step == Step::requeue && ++turns == 3) {
        has_turn_ = true;
        has_event_ = false;
        return;
      }
      check(++turns < 10'000, "a connection comes to rest");
    }
  }

  /// Does with a step what the engine does.
  void done(Step step) {
    if (step == Step::close) return close();
    check_state(step);
    if (step == Step::requeue) {
      watches_room_ = true;
      has_event_ = true;
    } else if (step == Step::await_write && !watches_room_) {
      watches_room_ = true;  // epoll reports at once what is so already
      has_event_ = world_.room > 0 || !world_.inbox.empty() || world_.has_ended;
    }
    if (std::exchange(world_.is_blocked, false)) has_event_ = true;
  }

  void check_state(Step step) const {
    const bool has_exchange = connection_.exchange != nullptr;
    const Phase phase = connection_.phase;
    check(has_exchange == (phase == Phase::reading_body || phase == Phase::answering),
          "an exchange exists while a request or an answer waits");
    if (has_exchange) {
      check((connection_.exchange->request != nullptr) == (phase == Phase::reading_body),
            "a request exists while its body arrives");
    } else {
      check(connection_.memory() == 0 || !connection_.input.empty(), "only input takes memory");
    }
    if (phase == Phase::draining) check(connection_.memory() == 0, "the last answer was sent");
    if (connection_.awaits_source.load()) {
      check(phase == Phase::answering || phase == Phase::draining, "only an answer has a source");
      check(step == Step::park, "a source that has nothing is waited for");
    } else {
      check(has_deadline() || world_.is_woken || (is_overloaded_ && step == Step::requeue),
            "nobody waits for a client for ever");
    }
  }

  /// No event is to come: what could be done is done.
  void check_rest() const {
    if (is_closed_ || is_overloaded_) return;
    const Phase phase = connection_.phase;
    if (phase != Phase::answering) {
      check(world_.inbox.empty() || phase == Phase::handshake, "what arrives is read");
    } else if (!connection_.awaits_source.load()) {
      check(world_.room == 0, "who takes an answer gets it");
    }
  }

  [[nodiscard]] bool has_deadline() const {
    return connection_.deadline.load() !=
           Connection::Clock::time_point::max().time_since_epoch().count();
  }

  void close() {
    is_closed_ = true;
    connection_.clear();
    check(connection_.memory() == 0 && world_.alive == 0, "nothing is left of a connection");
  }

  /// All that is still to come comes, and all is taken: then the connection ends.
  void finish() {
    is_overloaded_ = false;
    if (std::exchange(has_turn_, false)) happen();
    while (!is_closed_) {
      const std::size_t before = wire_.size();
      give_room(any);
      check_rest();
      arrive(any);
      check_rest();
      if (world_.ready) {
        wake();
      } else if (before == 0 && world_.has_ended) {
        break;
      } else if (before == 0) {
        end_sending();
      }
    }
    check(is_closed_, "a connection ends after its client");
  }

  World world_;
  Connection connection_;
  std::string_view wire_;  // what has not arrived yet
  ScriptedEngine engine_;
  ScriptedHandler handler_{world_};
  RequestLoop loop_{engine_, handler_, {1h, 1h, 1h, 1h, 1h}};
  bool has_event_ = false;
  bool has_turn_ = false;
  bool watches_room_ = false;
  bool is_overloaded_ = false;
  bool is_closed_ = false;
  bool is_comparable_ = true;
  bool is_prefix_ = true;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view wire = fuzz::text(data, size);
  const std::string_view script = fuzz::take_until(wire, "\n%%\n");
  if (std::count(wire.begin(), wire.end(), 'B') > 60) return 0;  // megabytes of pieces

  Run at_once(wire);
  at_once.run({});
  Run in_pieces(wire);
  in_pieces.run(script);
  const std::string expected = at_once.written();
  const std::string written = in_pieces.written();
  if (in_pieces.is_comparable()) {
    fuzz::check_equal(written, expected, "pieces and time change no answer");
  } else if (in_pieces.is_prefix()) {
    check(expected.compare(0, written.size(), written) == 0, "answers are cut off, not changed");
  }
  return 0;
}
