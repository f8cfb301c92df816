/* SPDX-License-Identifier: Apache-2.0 */

/* A plugin for tests, in C++: it throws wherever the host calls it. */

#include "opstream/sdk.hpp"

#include <stdexcept>
#include <thread>

namespace
{

/* Counts the lambdas that are alive: each captures one. */
struct mark {
    mark() noexcept
    {
        count++;
    }
    mark(const mark &) noexcept
    {
        count++;
    }
    ~mark()
    {
        count--;
    }
    mark &operator=(const mark &) = default;

    static std::atomic<int> count;
};

std::atomic<int> mark::count{0};

[[noreturn]] void raise_as(const std::string &what)
{
    if (what == "error") {
        throw opstream::error(OPS_E_RATE_LIMITED, "slow down")
            .retry_after_ms(1500)
            .symbol("throws.slow")
            .hint("wait");
    }
    if (what == "memory") {
        throw std::bad_alloc();
    }
    if (what == "number") {
        throw 42;
    }
    throw std::runtime_error("thrown on purpose");
}

struct plugin {
    plugin()
    {
#ifdef THROWS_INIT
        raise_as("runtime");
#endif
    }

    ~plugin() noexcept(false)
    {
#ifdef THROWS_SHUTDOWN
        raise_as("runtime");
#endif
    }
};

class throws
{
  public:
    throws(plugin &, opstream::value settings)
        : at_(settings.text("at", "")), what_(settings.text("what", "runtime"))
    {
        if (at_ == "create") {
            raise_as(what_);
        }
    }

    ~throws() noexcept(false)
    {
        if (at_ == "destroy") {
            raise_as(what_);
        }
    }

    void execute(opstream::task task, opstream::value config)
    {
        std::string at(config.text("at", ""));
        std::string what(config.text("what", "runtime"));
        mark live;
        task.on_cancel([live](opstream::task, uint32_t) {}); /* is replaced, or dropped */
        if (at == "execute") {
            raise_as(what);
        } else if (at == "end") {
            task.complete(opstream::make(task, "before"));
            raise_as(what);
        } else if (at == "timer") {
            task.after(1, [=](opstream::task) { (void)live, raise_as(what); });
        } else if (at == "post") {
            task.post([=](opstream::task) { (void)live, raise_as(what); });
        } else if (at == "writable") {
            task.on_writable([=](opstream::task) { (void)live, raise_as(what); });
        } else if (at == "cancel") {
            task.on_cancel([=](opstream::task, uint32_t) { (void)live, raise_as(what); });
            task.after(1000000, [live](opstream::task, ops_status) { (void)live; });
        } else if (at == "work") {
            task.job([=] { (void)live, raise_as(what); }, [live](opstream::task) { (void)live; });
        } else if (at == "worked") {
            task.job([live] { return (void)live, 7; },
                     [=](opstream::task, int) { (void)live, raise_as(what); });
        } else {
            call(task, at, what);
        }
    }

    void check(opstream::task task, std::string_view origin)
    {
        if (origin == "http://bad") {
            raise_as(what_);
        }
        task.complete(opstream::make(task, true));
    }

  private:
    static void call(opstream::task task, const std::string &at, const std::string &what)
    {
        mark live;
        opstream::request request("http://a/");
        if (at == "chunk") {
            task.send(
                request, [=](opstream::task, std::string_view) { (void)live, raise_as(what); },
                [live](opstream::task, const opstream::response &) { (void)live; });
            return;
        }
        task.send(request, [=](opstream::task answered, const opstream::response &response) {
            (void)live;
            if (at == "answer") {
                raise_as(what);
            }
            opstream::map out(answered);
            out.set("status", response.status()).set("body", response.body());
            answered.complete(out);
        });
    }

    std::string at_;
    std::string what_;
};

/* What is well: each way of waiting once, and how many lambdas are alive before. */
struct waits {
    void execute(opstream::task task, opstream::value config)
    {
        int64_t rounds = config.integer("rounds", 1);
        mark live;
        task.job([=] { return (void)live, rounds * 2; },
                 [=](opstream::task worked, int64_t twice) {
                     (void)live;
                     turn(worked, rounds, twice);
                 });
    }

    /* Its memory is used again, so that a task may wait as often as it likes. */
    static void turn(opstream::task task, int64_t rounds, int64_t twice)
    {
        if (rounds > 0) {
            mark live;
            task.post([=](opstream::task posted) { (void)live, turn(posted, rounds - 1, twice); });
            return;
        }
        opstream::list list(task);
        list.add(twice).add("text").add(1.5).add(true).add(nullptr);
        opstream::map out(task);
        out.set("list", list.end()).set("json", opstream::from_json(task, "{\"a\":[1]}"));
        task.complete(out);
    }
};

/* Ends on a thread of its own, while the strand may be at a cancel. */
struct threaded {
    void execute(opstream::task task, opstream::value)
    {
        mark live;
        opstream::value done = opstream::make(task, "thread");
        task.after(1000000, [live](opstream::task, ops_status) { (void)live; });
        task.on_cancel([live](opstream::task cancelled, uint32_t) {
            (void)live;
            cancelled.fail(opstream::error(OPS_E_CANCELLED, "cancelled"));
        });
        std::thread([task, done] {
            try {
                task.post([](opstream::task) {});
            } catch (const opstream::error &) {
                return; /* it was cancelled before */
            }
            task.complete(done);
        }).detach();
    }
};

struct living {
    void execute(opstream::task task, opstream::value)
    {
        task.complete(opstream::make(task, mark::count.load()));
    }
};

} /* namespace */

static constexpr ops_node_type throws_type =
    opstream::node_type<throws, plugin>("throws", OPS_NODE_PARALLEL);
static constexpr ops_node_type waits_type =
    opstream::node_type<waits>("throws.waits", OPS_NODE_PARALLEL);
static constexpr ops_node_type threaded_type =
    opstream::node_type<threaded>("throws.thread", OPS_NODE_PARALLEL);
static constexpr ops_node_type living_type =
    opstream::node_type<living>("throws.living", OPS_NODE_PARALLEL);

OPS_PLUGIN_WITH("throws", "1.0.0", opstream::plugin_init<plugin>, opstream::plugin_shutdown<plugin>,
                &throws_type, &waits_type, &threaded_type, &living_type);
