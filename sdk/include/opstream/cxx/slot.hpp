/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_CXX_SLOT_HPP
#define OPSTREAM_CXX_SLOT_HPP

/* Slots: what the lambdas of a task live in. Nothing in here is for plugins. Include
 * opstream/sdk.hpp. */

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "opstream/cxx/error.hpp"

#pragma GCC visibility push(hidden)
namespace opstream
{

namespace detail
{

struct slot;
struct anchor;

/* Memory of a lambda that was called for the last time, for the next one of its size. */
struct spare {
    spare *next;
    std::size_t size;
};

/* What all copies of a task share. It outlives the task as long as somebody has a copy. */
struct frame {
    explicit frame(ops_task task) noexcept : handle(task)
    {
    }

    const ops_task handle;
    std::mutex lock; /* of what follows; nothing of the plugin's own is called under it */
    bool is_ended = false;
    slot *slots = nullptr;
    slot *on_cancel = nullptr; /* one of the slots, and what calls it */
    void (*call_cancel)(slot *, uint32_t reason) noexcept = nullptr;
    spare *spares = nullptr; /* in memory of the task */
    anchor *anchored = nullptr;
};

/* What cancel() finds by the task's user pointer. Never destroyed: a cancel may be looking. */
struct anchor {
    std::mutex lock;
    std::shared_ptr<frame> owner; /* none: the task has ended */
};

/*
 * A lambda that waits, in memory of the task: that stays until no callback and no job of the
 * task runs any more, so the host's pointer to a slot is good even when the task ends on
 * another thread. Who changes `state` from WAITS has the lambda for himself then.
 */
struct slot {
    enum : int { WAITS, WORKS, LEFT, TAKEN };

    slot(std::shared_ptr<frame> of, std::size_t bytes, void (*destroyer)(slot *) noexcept) noexcept
        : owner(std::move(of)), size(bytes), destroy(destroyer)
    {
    }

    bool change(int from, int to) noexcept
    {
        return state.compare_exchange_strong(from, to);
    }

    /* For the call that is the last one. False: do not call, the task has ended. */
    bool take() noexcept
    {
        return change(WAITS, TAKEN);
    }

    /* Around a call that is not the last one. */
    bool begin() noexcept
    {
        return change(WAITS, WORKS);
    }

    void leave() noexcept
    {
        if (!change(WORKS, WAITS)) {
            destroy(this); /* the task has ended meanwhile, and left it to us */
        }
    }

    /* For the end of the task. True: it is the caller's to destroy. */
    bool drop() noexcept
    {
        while (state != TAKEN && state != LEFT) {
            if (change(WAITS, TAKEN)) {
                return true;
            }
            (void)change(WORKS, LEFT);
        }
        return false;
    }

    /* Under the frame's lock, as the next. */
    void link() noexcept
    {
        next = owner->slots;
        previous = &owner->slots;
        if (next != nullptr) {
            next->previous = &next;
        }
        owner->slots = this;
    }

    void unlink() noexcept
    {
        if (previous != nullptr) {
            *previous = next;
        }
        if (next != nullptr) {
            next->previous = previous;
        }
        next = nullptr;
        previous = nullptr;
    }

    std::shared_ptr<frame> owner;
    std::size_t size;
    void (*destroy)(slot *) noexcept;
    std::atomic<int> state{WAITS};
    slot *next = nullptr;
    slot **previous = nullptr; /* NULL: not in the frame */
};

template <class Lambda> struct lambda_slot : slot {
    lambda_slot(std::shared_ptr<frame> of, Lambda &&from)
        : slot(std::move(of), sizeof(lambda_slot), &end), lambda(std::move(from))
    {
    }

    static void end(slot *self) noexcept
    {
        static_cast<lambda_slot *>(self)->~lambda_slot(); /* the memory is the task's */
    }

    Lambda lambda;
};

/* After the last call: the slot is destroyed, and its memory can be used again. */
class taken
{
  public:
    explicit taken(slot *of) noexcept : slot_(of), frame_(of->owner)
    {
        std::lock_guard<std::mutex> guard(frame_->lock);
        slot_->unlink();
    }
    taken(const taken &) = delete;
    taken &operator=(const taken &) = delete;
    ~taken()
    {
        std::size_t size = slot_->size;
        slot_->destroy(slot_);
        std::lock_guard<std::mutex> guard(frame_->lock);
        if (!frame_->is_ended) {
            frame_->spares = new (slot_) spare{frame_->spares, size};
        }
    }

    const std::shared_ptr<frame> &owner() const noexcept
    {
        return frame_;
    }

  private:
    slot *slot_;
    std::shared_ptr<frame> frame_;
};

/* Under the lock. */
inline void *take_memory(frame &of, std::size_t size)
{
    for (spare **at = &of.spares; *at != nullptr; at = &(*at)->next) {
        if ((*at)->size == size) {
            spare *found = *at;
            *at = found->next;
            return found;
        }
    }
    void *memory = nullptr;
    expect(ops.value->alloc(ops.h, of.handle, size, &memory), "no memory for a callback");
    return memory;
}

/*
 * Makes a slot of type Slot and calls `start(Slot *)`, which gives it to the host; all under
 * the lock: a task that ends on another thread finds it either not begun or whole.
 */
template <class Slot, class Lambda, class Start>
void arm(const std::shared_ptr<frame> &of, Lambda lambda, Start start)
{
    static_assert(alignof(Slot) <= alignof(std::max_align_t), "memory of a task is aligned so");
    std::unique_lock<std::mutex> guard(of->lock);
    if (of->is_ended) {
        throw error(OPS_E_STALE, "the task has ended");
    }
    Slot *made = new (take_memory(*of, sizeof(Slot))) Slot(of, std::move(lambda));
    made->link();
    ops_status status = start(made);
    guard.unlock();
    if (status != OPS_OK && made->take()) {
        taken unused(made);
        throw error(status, "the host did not take a call");
    }
}

/* The end of a task: true for the one who may tell it. All lambdas that wait are destroyed. */
inline bool end_frame(frame &of) noexcept
{
    slot *dropped = nullptr;
    {
        std::lock_guard<std::mutex> guard(of.lock);
        if (of.is_ended) {
            return false;
        }
        of.is_ended = true;
        while (slot *first = of.slots) {
            first->unlink();
            if (first->drop()) {
                first->next = dropped;
                dropped = first;
            }
        }
    }
    while (slot *first = dropped) {
        dropped = first->next;
        first->destroy(first);
    }
    std::lock_guard<std::mutex> guard(of.anchored->lock);
    of.anchored->owner.reset(); /* who calls has a copy */
    return true;
}

inline bool has_ended(frame &of) noexcept
{
    std::lock_guard<std::mutex> guard(of.lock);
    return of.is_ended;
}

/* Calls `call`, and ends the task with what it throws. */
template <class Call> void guarded(frame &of, Call call) noexcept
{
    try {
        call();
    } catch (...) {
        if (has_ended(of)) {
            log_exception(0, "a task that had ended");
            return;
        }
        tell_exception([&](const ops_error &e) {
            if (end_frame(of)) {
                (void)ops.exec->fail(ops.h, of.handle, &e); /* STALE: the host has given it up */
            }
        });
    }
}

} /* namespace detail */

} /* namespace opstream */
#pragma GCC visibility pop

#endif
