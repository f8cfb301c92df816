/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_CXX_NODE_HPP
#define OPSTREAM_CXX_NODE_HPP

/* Node types and plugins: the entries from the host. Include opstream/sdk.hpp. */

#include <memory>
#include <mutex>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "opstream/cxx/task.hpp"

#pragma GCC visibility push(hidden)
namespace opstream
{

namespace detail
{

inline std::shared_ptr<frame> begin_frame(ops_task handle)
{
    auto of = std::make_shared<frame>(handle);
    void *memory = nullptr;
    expect(ops.value->alloc(ops.h, handle, sizeof(anchor), &memory), "no memory for a task");
    of->anchored = new (memory) anchor;
    of->anchored->owner = of;
    expect(ops.exec->set_user(ops.h, handle, of->anchored), "a task ended before it began");
    return of;
}

/* The beginning of a task, by execute() or check(). */
template <class Call> void begin_task(ops_task handle, Call call) noexcept
{
    std::shared_ptr<frame> of;
    try {
        of = begin_frame(handle);
    } catch (...) {
        tell_exception([&](const ops_error &e) { (void)ops.exec->fail(ops.h, handle, &e); });
        return;
    }
    guarded(*of, [&] { call(task(of)); });
}

inline void cancel_task(ops_node *, ops_task handle, uint32_t reason) noexcept
{
    auto *at = static_cast<anchor *>(ops.exec->get_user(ops.h, handle));
    if (at == nullptr) {
        return;
    }
    std::shared_ptr<frame> of;
    {
        std::lock_guard<std::mutex> guard(at->lock);
        of = at->owner;
    }
    if (of == nullptr) {
        return;
    }
    std::unique_lock<std::mutex> guard(of->lock);
    slot *waiting = of->is_ended ? nullptr : std::exchange(of->on_cancel, nullptr);
    auto call = of->call_cancel;
    if (waiting != nullptr && waiting->take()) {
        guard.unlock();
        call(waiting, reason);
    }
}

template <class Node, class = void> struct has_check : std::false_type {
};
template <class Node>
struct has_check<Node, std::void_t<decltype(std::declval<Node &>().check(
                           std::declval<task>(), std::declval<std::string_view>()))>>
    : std::true_type {
};

/* The functions of a node type. */
template <class Node, class Plugin> struct entries {
    static Node &of(ops_node *node) noexcept
    {
        return *reinterpret_cast<Node *>(node);
    }

    static Node *make_node(ops_plugin *plugin, value settings)
    {
        if constexpr (!std::is_void_v<Plugin>) {
            return new Node(*reinterpret_cast<Plugin *>(plugin), settings);
        } else if constexpr (std::is_constructible_v<Node, value>) {
            return new Node(settings);
        } else {
            return new Node();
        }
    }

    static ops_status create(ops_plugin *plugin, ops_scope scope, ops_val settings, ops_node **out,
                             ops_error *err) noexcept
    {
        try {
            *out = reinterpret_cast<ops_node *>(make_node(plugin, value(settings)));
            return OPS_OK;
        } catch (...) {
            return fill_exception(scope, err);
        }
    }

    static void execute(ops_node *node, ops_task handle, ops_val config) noexcept
    {
        begin_task(handle,
                   [&](task &&begun) { of(node).execute(std::move(begun), value(config)); });
    }

    static void check(ops_node *node, ops_task handle, ops_str origin) noexcept
    {
        begin_task(handle,
                   [&](task &&begun) { of(node).check(std::move(begun), as_view(origin)); });
    }

    static void destroy(ops_node *node) noexcept
    {
        try {
            delete &of(node);
        } catch (...) {
            log_exception(0, "the end of a node");
        }
    }
};

template <class Node, class Plugin>
constexpr auto check_of() noexcept -> decltype(ops_node_type::check)
{
    if constexpr (has_check<Node>::value) {
        return entries<Node, Plugin>::check;
    } else {
        return nullptr;
    }
}

} /* namespace detail */

/*
 * The node type `name`, made of the class Node: one object per type and digest of settings.
 *
 *     Node(value settings)                               or without an argument; may throw
 *     void execute(task task, value config)
 *     void check(task task, std::string_view origin)     optional
 *
 * The settings live as long as the object. With a class Plugin (see plugin_init) the
 * constructor is Node(Plugin &plugin, value settings). A constant: nothing runs when the plugin
 * is loaded.
 */
template <class Node, class Plugin = void>
constexpr ops_node_type node_type(const char *name, uint32_t flags, uint32_t config_version = 1)
{
    using entries = detail::entries<Node, Plugin>;
    return {static_cast<uint32_t>(sizeof(ops_node_type)),
            flags,
            name,
            config_version,
            0u,
            entries::create,
            entries::execute,
            detail::cancel_task,
            entries::destroy,
            detail::check_of<Node, Plugin>()};
}

/*
 * For a plugin with something in common to its nodes, an object of class Plugin:
 *
 *     OPS_PLUGIN_WITH("acme", "1.0.0", opstream::plugin_init<acme>,
 * opstream::plugin_shutdown<acme>, &first, &second);
 *
 * [control] Its constructor may throw; the tables are there already.
 */
template <class Plugin>
ops_status plugin_init(const ops_host *host, ops_plugin **out, ops_error *err) noexcept
{
    ops_status status = ops_tables_fetch(host, err);
    if (status != OPS_OK) {
        return status;
    }
    try {
        *out = reinterpret_cast<ops_plugin *>(new Plugin());
        return OPS_OK;
    } catch (...) {
        return detail::fill_exception(host->scope, err);
    }
}

template <class Plugin> void plugin_shutdown(ops_plugin *plugin) noexcept
{
    try {
        delete reinterpret_cast<Plugin *>(plugin);
    } catch (...) {
        detail::log_exception(0, "the end of the plugin");
    }
}

} /* namespace opstream */
#pragma GCC visibility pop

#endif
