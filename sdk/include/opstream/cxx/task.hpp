/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_CXX_TASK_HPP
#define OPSTREAM_CXX_TASK_HPP

/* Tasks: their end, and what they wait for. Include opstream/sdk.hpp. */

#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "opstream/cxx/http.hpp"
#include "opstream/cxx/slot.hpp"

#pragma GCC visibility push(hidden)
namespace opstream
{

/* One attempt to execute one node. Copies are cheap and name the same task. */
class task
{
  public:
    explicit task(std::shared_ptr<detail::frame> of) noexcept : frame_(std::move(of))
    {
    }

    /* For the functions of C, and as a scope: map(task), from_json(task, text). */
    operator ops_task() const noexcept
    {
        return frame_->handle;
    }

    /* ---- The end; who comes second does nothing ---- */

    /* An output that cannot be one ends the task as failed, with INTERNAL. */
    void complete(value output, std::string_view port = std::string_view()) const noexcept
    {
        if (!detail::end_frame(*frame_)) {
            return;
        }
        ops_status status =
            ops.exec->complete(ops.h, frame_->handle, as_str(port), output.handle());
        if (status != OPS_OK) {
            ops_fail_text(frame_->handle, OPS_E_INTERNAL,
                          "the output is not a value of this task, or its port is not known");
        }
    }

    void complete(const map &output, std::string_view port = std::string_view()) const
    {
        complete(output.end(), port);
    }

    void fail(const error &why) const noexcept
    {
        if (detail::end_frame(*frame_)) {
            ops_error e = why.view();
            (void)ops.exec->fail(ops.h, frame_->handle, &e); /* STALE: it was given up */
        }
    }

    /* ---- Waiting: each lambda is called once, unless the task ends before ---- */

    /* Starts a call: `done(task, const response &)`. The result is for ops.http->abort(). */
    template <class Done> ops_op send(const request &what, Done done) const
    {
        using waiting = detail::lambda_slot<Done>;
        ops_http_req req = what.view();
        return send_as<waiting>(req, std::move(done));
    }

    /* The same, with the body in pieces: `chunk(task, std::string_view bytes)`. */
    template <class Chunk, class Done>
    ops_op send(const request &what, Chunk chunk, Done done) const
    {
        using waiting = detail::lambda_slot<chunks_of<Chunk, Done>>;
        ops_http_req req = what.view();
        req.on_chunk = on_chunk<waiting>;
        return send_as<waiting>(req, chunks_of<Chunk, Done>{std::move(chunk), std::move(done)});
    }

    /*
     * Waits: `done(task)`, and the task fails if the wait is stopped; or `done(task,
     * ops_status)`. The result is for ops.timer->abort().
     */
    template <class Done> ops_op after(uint64_t ms, Done done) const
    {
        using waiting = detail::lambda_slot<Done>;
        const auto *timer = detail::need(ops.timer, OPS_IF_TIMER);
        ops_op op = 0;
        detail::arm<waiting>(frame_, std::move(done), [&](waiting *made) {
            return timer->after(ops.h, *this, ms, on_time<waiting>, made, &op);
        });
        return op;
    }

    /*
     * Calls `work()` on a thread of the job pool, then `done(task, RESULT)`, or `done(task)`
     * where work gives nothing. What work throws ends the task. It must not use the task; what
     * it needs it captures. A cancel does not interrupt it.
     */
    template <class Work, class Done> void job(Work work, Done done) const
    {
        using waiting = detail::lambda_slot<job_of<Work, Done>>;
        const auto *pool = detail::need(ops.job, OPS_IF_JOB);
        job_of<Work, Done> both{std::move(work), std::move(done), {}, nullptr};
        detail::arm<waiting>(frame_, std::move(both), [&](waiting *made) {
            return pool->run(ops.h, *this, on_work<waiting>, on_worked<waiting>, made, nullptr);
        });
    }

    /* From any thread back to the strand: `then(task)`. */
    template <class Then> void post(Then then) const
    {
        using waiting = detail::lambda_slot<Then>;
        detail::arm<waiting>(frame_, std::move(then), [&](waiting *made) {
            return ops.exec->post(ops.h, *this, on_call<waiting>, made);
        });
    }

    /* False: the consumer is behind, and the item was not taken: ask for on_writable(). */
    bool emit(value item) const
    {
        ops_status status = ops.exec->emit(ops.h, *this, ops_text(nullptr), item.handle());
        if (status != OPS_E_WOULD_BLOCK) {
            detail::expect(status, "an item could not be emitted");
        }
        return status == OPS_OK;
    }

    /* `then(task)`, when emit() would take an item, or the task is cancelled. One at a time. */
    template <class Then> void on_writable(Then then) const
    {
        using waiting = detail::lambda_slot<Then>;
        detail::arm<waiting>(frame_, std::move(then), [&](waiting *made) {
            return ops.exec->on_writable(ops.h, *this, on_call<waiting>, made);
        });
    }

    /*
     * `then(task, reason)`, once, when the task is cancelled: for what the host cannot abort by
     * itself. A second one replaces the first. The task still has to be ended.
     */
    template <class Then> void on_cancel(Then then) const
    {
        using waiting = detail::lambda_slot<Then>;
        detail::slot *before = nullptr;
        detail::arm<waiting>(frame_, std::move(then), [&](waiting *made) {
            before = std::exchange(frame_->on_cancel, made);
            frame_->call_cancel = call_cancel<waiting>;
            return OPS_OK;
        });
        if (before != nullptr && before->take()) {
            detail::taken replaced(before);
        }
    }

    /* ---- About it ---- */

    /* 0: go on; else OPS_CANCEL_*. */
    uint32_t cancelled() const noexcept
    {
        return ops.exec->cancelled(ops.h, *this);
    }

    ops_task_info info() const
    {
        ops_task_info info;
        std::memset(&info, 0, sizeof info);
        info.size = static_cast<uint32_t>(sizeof info);
        detail::expect(ops.exec->info(ops.h, *this, &info), "the task has ended");
        return info;
    }

    void progress(double fraction, std::string_view note = std::string_view()) const noexcept
    {
        (void)ops.exec->progress(ops.h, *this, fraction, as_str(note)); /* only shown */
    }

    void log(uint32_t level, std::string_view message) const noexcept
    {
        if (ops.log != nullptr) {
            ops.log->write(ops.h, *this, level, as_str(message), nullptr, nullptr, 0);
        }
    }

  private:
    /* What the host calls with a slot; each takes it, or finds that the task has ended. */

    template <class Chunk, class Done> struct chunks_of {
        Chunk chunk;
        Done done;

        void operator()(const task &of, const response &answer)
        {
            done(of, answer);
        }
    };

    template <class Work, class Done> struct job_of {
        using result_type = std::invoke_result_t<Work &>;
        static constexpr bool is_void = std::is_void_v<result_type>;

        Work work;
        Done done;
        std::optional<std::conditional_t<is_void, bool, result_type>> result;
        std::exception_ptr thrown;

        void begin() noexcept
        {
            try {
                if constexpr (is_void) {
                    work();
                } else {
                    result.emplace(work());
                }
            } catch (...) {
                thrown = std::current_exception();
            }
        }

        void end(const task &of, ops_status status)
        {
            detail::expect(status, "the job did not run");
            if (thrown != nullptr) {
                std::rethrow_exception(thrown);
            }
            if constexpr (is_void) {
                done(of);
            } else {
                done(of, std::move(*result));
            }
        }
    };

    template <class Waiting, class Lambda> ops_op send_as(ops_http_req &req, Lambda lambda) const
    {
        const auto *http = detail::need(ops.http, OPS_IF_HTTP);
        ops_op op = 0;
        req.on_done = on_answer<Waiting>;
        detail::arm<Waiting>(frame_, std::move(lambda), [&](Waiting *made) {
            req.user = made;
            return http->send(ops.h, *this, &req, &op);
        });
        return op;
    }

    /* `call(lambda, task)`, the last call of it. */
    template <class Waiting, class Call> static void finish(void *user, Call call) noexcept
    {
        auto *self = static_cast<Waiting *>(user);
        if (self->take()) {
            detail::taken hold(self);
            detail::guarded(*hold.owner(), [&] { call(self->lambda, task(hold.owner())); });
        }
    }

    template <class Waiting>
    static void on_answer(void *user, ops_task, const ops_http_res *res,
                          const ops_error *err) noexcept
    {
        finish<Waiting>(user,
                        [&](auto &lambda, const task &of) { lambda(of, response(res, err)); });
    }

    template <class Waiting> static void on_chunk(void *user, ops_task, ops_str bytes) noexcept
    {
        auto *self = static_cast<Waiting *>(user);
        if (self->begin()) {
            std::shared_ptr<detail::frame> of = self->owner;
            detail::guarded(*of, [&] { self->lambda.chunk(task(of), as_view(bytes)); });
            self->leave();
        }
    }

    template <class Waiting> static void on_time(void *user, ops_task, ops_status status) noexcept
    {
        finish<Waiting>(user, [&](auto &lambda, const task &of) {
            if constexpr (std::is_invocable_v<decltype(lambda), task, ops_status>) {
                lambda(of, status);
            } else {
                detail::expect(status, "the wait was stopped");
                lambda(of);
            }
        });
    }

    template <class Waiting> static void on_work(void *user) noexcept
    {
        auto *self = static_cast<Waiting *>(user);
        if (self->begin()) {
            self->lambda.begin();
            self->leave();
        }
    }

    template <class Waiting> static void on_worked(void *user, ops_task, ops_status status) noexcept
    {
        finish<Waiting>(user, [&](auto &job, const task &of) { job.end(of, status); });
    }

    template <class Waiting> static void on_call(void *user, ops_task) noexcept
    {
        finish<Waiting>(user, [](auto &lambda, const task &of) { lambda(of); });
    }

    template <class Waiting>
    static void call_cancel(detail::slot *taken_slot, uint32_t reason) noexcept
    {
        auto *self = static_cast<Waiting *>(taken_slot);
        detail::taken hold(self);
        detail::guarded(*hold.owner(), [&] { self->lambda(task(hold.owner()), reason); });
    }

    std::shared_ptr<detail::frame> frame_;
};

} /* namespace opstream */
#pragma GCC visibility pop

#endif
