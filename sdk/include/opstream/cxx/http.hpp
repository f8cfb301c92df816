/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_CXX_HTTP_HPP
#define OPSTREAM_CXX_HTTP_HPP

/* Calls of HTTP and their answers; task::send() makes them. Include opstream/sdk.hpp. */

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "opstream/cxx/value.hpp"

#pragma GCC visibility push(hidden)
namespace opstream
{

/* A call to be made. What it names is borrowed until task::send() has returned. */
class request
{
  public:
    explicit request(std::string_view url) : request()
    {
        req_.url = as_str(url);
    }

    /* Of a value that may be a secret. */
    explicit request(value url) : request()
    {
        req_.url_val = url.handle();
    }

    request &method(std::string_view method) noexcept
    {
        req_.method = as_str(method);
        return *this;
    }

    request &header(std::string_view name, std::string_view text)
    {
        return add_header(name, as_str(text), 0);
    }

    /* Of a value that may be a secret. */
    request &header(std::string_view name, value text)
    {
        return add_header(name, ops_text(nullptr), text.handle());
    }

    request &body(std::string_view bytes) noexcept
    {
        req_.body = as_str(bytes);
        return *this;
    }

    /* The other members, as ops_http_req has them: flags, label, timeouts, limits. */
    ops_http_req &fields() noexcept
    {
        return req_;
    }

    /* For the host; valid until this request is changed. */
    ops_http_req view() const noexcept
    {
        ops_http_req req = req_;
        req.header_names = names_.data();
        req.header_values = texts_.data();
        req.header_vals = values_.data();
        req.n_headers = names_.size();
        return req;
    }

  private:
    request() noexcept
    {
        std::memset(&req_, 0, sizeof req_);
        req_.size = static_cast<uint32_t>(sizeof req_);
    }

    request &add_header(std::string_view name, ops_str text, ops_val handle)
    {
        names_.push_back(as_str(name));
        texts_.push_back(text);
        values_.push_back(handle);
        return *this;
    }

    ops_http_req req_;
    std::vector<ops_str> names_;
    std::vector<ops_str> texts_;
    std::vector<ops_val> values_;
};

/*
 * How a call ended; borrowed for the lambda. Any status of HTTP is an answer. When there was
 * none, as after a cancel, everything but failure() throws what the host said: so the task ends
 * with it.
 */
class response
{
  public:
    response(const ops_http_res *res, const ops_error *err) noexcept : res_(res), err_(err)
    {
    }

    /* Why there is no answer; NULL: there is one. */
    const ops_error *failure() const noexcept
    {
        return err_;
    }

    const ops_http_res &fields() const
    {
        if (err_ != nullptr) {
            throw error(*err_);
        }
        return *res_;
    }

    int32_t status() const
    {
        return fields().status;
    }

    std::string_view body() const
    {
        return as_view(fields().body);
    }

    /* The first header of that name, in letters of either case. */
    std::optional<std::string_view> header(std::string_view name) const
    {
        const ops_http_res &res = fields();
        for (uint64_t i = 0; i < res.n_headers; i++) {
            std::string_view found = as_view(res.header_names[i]);
            if (is_same_name(found, name)) {
                return as_view(res.header_values[i]);
            }
        }
        return std::nullopt;
    }

  private:
    static char lower(char c) noexcept
    {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }

    static bool is_same_name(std::string_view a, std::string_view b) noexcept
    {
        bool is_same = a.size() == b.size();
        for (std::size_t i = 0; is_same && i < a.size(); i++) {
            is_same = lower(a[i]) == lower(b[i]);
        }
        return is_same;
    }

    const ops_http_res *res_;
    const ops_error *err_;
};

} /* namespace opstream */
#pragma GCC visibility pop

#endif
