/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_CXX_ERROR_HPP
#define OPSTREAM_CXX_ERROR_HPP

/* Errors: how a task fails, and what becomes of exceptions. Include opstream/sdk.hpp. */

#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "opstream/sdk.h"

#if !defined(__cpp_exceptions)
#error "opstream/sdk.hpp needs exceptions; without them use opstream/sdk.h"
#endif

/* Hidden, whatever the compiler was told: two plugins must not share what is in here. */
#pragma GCC visibility push(hidden)
namespace opstream
{

inline ops_str as_str(std::string_view text) noexcept
{
    return ops_slice(text.data(), text.size());
}

inline std::string_view as_view(ops_str s) noexcept
{
    return s.n == 0 ? std::string_view() : std::string_view(s.p, s.n);
}

/* ==== Errors ==== */

/* How a task fails: ops_error with texts of its own. Throw it, or give it to task::fail(). */
class error : public std::exception
{
  public:
    error(ops_status code, std::string message)
        : fields_(ops_error_make(code, nullptr)), message_(std::move(message))
    {
    }

    /* What the host said; its texts are copied. */
    explicit error(const ops_error &said)
        : fields_(said), message_(as_view(said.message)), symbol_(as_view(said.symbol)),
          path_(as_view(said.path)), hint_(as_view(said.hint))
    {
    }

    const char *what() const noexcept override
    {
        return message_.c_str();
    }

    ops_status code() const noexcept
    {
        return fields_.code;
    }

    int32_t upstream_status() const noexcept
    {
        return fields_.upstream_status;
    }

    /* The members of ops_error: what each means stands there. */
    error &symbol(std::string name)
    {
        symbol_ = std::move(name);
        return *this;
    }

    error &path(std::string pointer)
    {
        path_ = std::move(pointer);
        return *this;
    }

    error &hint(std::string advice)
    {
        hint_ = std::move(advice);
        return *this;
    }

    error &retry(uint32_t retry) noexcept
    {
        fields_.retry = retry;
        return *this;
    }

    error &retry_after_ms(uint64_t ms) noexcept
    {
        fields_.retry_after_ms = ms;
        return *this;
    }

    error &effect(uint32_t effect) noexcept
    {
        fields_.effect = effect;
        return *this;
    }

    error &upstream_status(int32_t status) noexcept
    {
        fields_.upstream_status = status;
        return *this;
    }

    error &flags(uint32_t flags) noexcept
    {
        fields_.flags = flags;
        return *this;
    }

    /* For the host; the texts are borrowed from this error. */
    ops_error view() const noexcept
    {
        ops_error e = fields_;
        e.size = static_cast<uint32_t>(sizeof e);
        e.message = as_str(message_);
        e.symbol = as_str(symbol_);
        e.path = as_str(path_);
        e.hint = as_str(hint_);
        return e;
    }

  private:
    ops_error fields_;
    std::string message_;
    std::string symbol_;
    std::string path_;
    std::string hint_;
};

namespace detail
{

inline void expect(ops_status status, const char *message)
{
    if (status != OPS_OK) {
        throw error(status, message);
    }
}

/* `table` is that of an interface which the manifest may have forgotten to ask for. */
template <class Table> const Table *need(const Table *table, const char *id)
{
    if (table == nullptr) {
        throw error(OPS_E_UNSUPPORTED, std::string("the host has not given ") + id)
            .hint("name it in the manifest's interfaces, under required");
    }
    return table;
}

/* Calls `told(const ops_error &)` with what is being thrown; the texts live that long. */
template <class Told> void tell_exception(Told told) noexcept
{
    try {
        throw;
    } catch (const error &e) {
        told(e.view());
    } catch (const std::bad_alloc &) {
        told(ops_error_make(OPS_E_RESOURCE, "out of memory"));
    } catch (const std::exception &e) {
        told(ops_error_make(OPS_E_INTERNAL, e.what()));
    } catch (...) {
        told(ops_error_make(OPS_E_INTERNAL, "something was thrown that is no std::exception"));
    }
}

/* For what has nobody to fail. */
inline void log_exception(ops_task task, const char *where) noexcept
{
    tell_exception([&](const ops_error &e) {
        ops_str key = ops_text("where");
        ops_str place = ops_text(where);
        if (ops.log != nullptr) {
            ops.log->write(ops.h, task, OPS_LOG_ERROR, e.message, &key, &place, 1);
        }
    });
}

/* For the `err` of init() and create(): the text must outlive the exception. Gives the code. */
inline ops_status fill_exception(ops_scope scope, ops_error *err) noexcept
{
    ops_status code = OPS_E_INTERNAL;
    tell_exception([&](const ops_error &e) {
        ops_val copy = 0;
        ops_str text = ops_text("what was thrown has no text that can be shown");
        if (ops.value->new_str(ops.h, scope, e.message, &copy) == OPS_OK) {
            (void)ops.value->get_str(ops.h, copy, &text);
        }
        code = e.code != OPS_OK ? e.code : OPS_E_INTERNAL;
        if (err != nullptr) {
            err->code = code;
            err->message = text;
        }
    });
    return code;
}

} /* namespace detail */

} /* namespace opstream */
#pragma GCC visibility pop

#endif
