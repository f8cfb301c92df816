/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_CXX_VALUE_HPP
#define OPSTREAM_CXX_VALUE_HPP

/* Values: reading them, and making them. Include opstream/sdk.hpp. */

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "opstream/cxx/error.hpp"

#pragma GCC visibility push(hidden)
namespace opstream
{

/*
 * A value: a handle, as cheap to copy as a number; it and its texts live as long as its scope.
 * One that is not there has the handle 0, and reads as missing.
 */
class value
{
  public:
    value() noexcept = default;
    explicit value(ops_val handle) noexcept : handle_(handle)
    {
    }

    ops_val handle() const noexcept
    {
        return handle_;
    }

    explicit operator bool() const noexcept
    {
        return handle_ != 0;
    }

    /* One of OPS_TYPE_*. */
    uint32_t type() const noexcept
    {
        return ops.value->type(ops.h, handle_);
    }

    /* Items of a list, members of a map, bytes of a string; 0 for all else. */
    uint64_t size() const noexcept
    {
        return ops.value->count(ops.h, handle_);
    }

    /* The member, or the item; none when it is not there. */
    value operator[](std::string_view key) const noexcept
    {
        ops_val found = 0;
        (void)ops.value->find(ops.h, handle_, as_str(key), &found);
        return value(found);
    }

    value at(uint64_t i) const noexcept
    {
        ops_val found = 0;
        (void)ops.value->at(ops.h, handle_, i, &found);
        return value(found);
    }

    /* Member `i` of a map; throws beyond the end. */
    std::pair<std::string_view, value> member(uint64_t i) const
    {
        ops_str key = {nullptr, 0};
        ops_val found = 0;
        detail::expect(ops.value->pair(ops.h, handle_, i, &key, &found), "there is no such member");
        return {as_view(key), value(found)};
    }

    /* What it is; throws INPUT when it is of another type, PERMISSION for what is made of
     * secrets.
     */
    std::string_view text() const
    {
        ops_str s = {nullptr, 0};
        detail::expect(ops.value->get_str(ops.h, handle_, &s), "a value is no text to be read");
        return as_view(s);
    }

    std::string_view bytes() const
    {
        ops_str s = {nullptr, 0};
        detail::expect(ops.value->get_bytes(ops.h, handle_, &s), "a value has no bytes to be read");
        return as_view(s);
    }

    int64_t integer() const
    {
        int64_t i = 0;
        detail::expect(ops.value->get_i64(ops.h, handle_, &i), "a value is no integer");
        return i;
    }

    double number() const
    {
        double d = 0;
        detail::expect(ops.value->get_f64(ops.h, handle_, &d), "a value is no number");
        return d;
    }

    bool boolean() const
    {
        int32_t b = 0;
        detail::expect(ops.value->get_bool(ops.h, handle_, &b),
                       "a value is neither true nor false");
        return b != 0;
    }

    /* The member of a map, or `otherwise` for one that is missing or of another type. */
    std::string_view text(std::string_view key, std::string_view otherwise) const noexcept
    {
        ops_str s = as_str(otherwise);
        (void)ops.value->get_str(ops.h, (*this)[key].handle_, &s);
        return as_view(s);
    }

    int64_t integer(std::string_view key, int64_t otherwise) const noexcept
    {
        (void)ops.value->get_i64(ops.h, (*this)[key].handle_, &otherwise);
        return otherwise;
    }

    double number(std::string_view key, double otherwise) const noexcept
    {
        (void)ops.value->get_f64(ops.h, (*this)[key].handle_, &otherwise);
        return otherwise;
    }

    bool boolean(std::string_view key, bool otherwise) const noexcept
    {
        int32_t b = otherwise ? 1 : 0;
        (void)ops.value->get_bool(ops.h, (*this)[key].handle_, &b);
        return b != 0;
    }

    /* Compact JSON, that lives as long as the value's scope. */
    std::string_view json() const
    {
        ops_str s = {nullptr, 0};
        detail::expect(ops.value->to_json(ops.h, handle_, &s), "a value could not be written");
        return as_view(s);
    }

  private:
    ops_val handle_ = 0;
};

/* Reads JSON; throws what is wrong with it, with line and column. */
inline value from_json(ops_scope scope, std::string_view text)
{
    ops_val made = 0;
    ops_error wrong = ops_error_make(OPS_OK, nullptr);
    ops_status status = ops.value->from_json(ops.h, scope, as_str(text), &made, &wrong);
    if (status != OPS_OK) {
        wrong.code = status;
        throw error(wrong);
    }
    return value(made);
}

/* A new value of a bool, an integer, a double, a text, nullptr, or a value as it is. */
template <class T> value make(ops_scope scope, const T &from)
{
    ops_val made = 0;
    ops_status status = OPS_OK;
    if constexpr (std::is_same_v<T, value>) {
        return from;
    } else if constexpr (std::is_same_v<T, std::nullptr_t>) {
        status = ops.value->new_null(ops.h, scope, &made);
    } else if constexpr (std::is_same_v<T, bool>) {
        status = ops.value->new_bool(ops.h, scope, from ? 1 : 0, &made);
    } else if constexpr (std::is_integral_v<T>) {
        static_assert(sizeof(T) < 8 || std::is_signed_v<T>,
                      "integers of JSON have 64 bits, signed");
        status = ops.value->new_i64(ops.h, scope, static_cast<int64_t>(from), &made);
    } else if constexpr (std::is_floating_point_v<T>) {
        status = ops.value->new_f64(ops.h, scope, static_cast<double>(from), &made);
    } else {
        status = ops.value->new_str(ops.h, scope, as_str(std::string_view(from)), &made);
    }
    detail::expect(status, "a value could not be made: text must be UTF-8, numbers finite");
    return value(made);
}

/* Bytes, which become base64 where JSON is written. */
inline value make_bytes(ops_scope scope, std::string_view bytes)
{
    ops_val made = 0;
    detail::expect(ops.value->new_bytes(ops.h, scope, as_str(bytes), &made), "no room for bytes");
    return value(made);
}

/* Collects the members of a map, or the items of a list; a task is a scope. */
class map
{
  public:
    explicit map(ops_scope scope) noexcept : scope_(scope)
    {
    }

    template <class T> map &set(std::string key, const T &from)
    {
        value member = make(scope_, from);
        keys_.push_back(std::move(key));
        values_.push_back(member.handle());
        return *this;
    }

    value end() const
    {
        std::vector<ops_str> keys;
        for (const std::string &key : keys_) {
            keys.push_back(as_str(key));
        }
        ops_val made = 0;
        detail::expect(
            ops.value->new_map(ops.h, scope_, keys.data(), values_.data(), keys.size(), &made),
            "the map could not be made: is a key in it twice?");
        return value(made);
    }

  private:
    ops_scope scope_;
    std::vector<std::string> keys_;
    std::vector<ops_val> values_;
};

class list
{
  public:
    explicit list(ops_scope scope) noexcept : scope_(scope)
    {
    }

    template <class T> list &add(const T &from)
    {
        values_.push_back(make(scope_, from).handle());
        return *this;
    }

    value end() const
    {
        ops_val made = 0;
        detail::expect(ops.value->new_list(ops.h, scope_, values_.data(), values_.size(), &made),
                       "the list could not be made");
        return value(made);
    }

  private:
    ops_scope scope_;
    std::vector<ops_val> values_;
};

} /* namespace opstream */
#pragma GCC visibility pop

#endif
