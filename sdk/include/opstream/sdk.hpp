/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_SDK_HPP
#define OPSTREAM_SDK_HPP

/*
 * The short way to write a plugin in C++17: classes and lambdas over the tables of plugin.h. All of
 * it ends up inside the plugin; at the border there is C alone.
 *
 *     #include "opstream/sdk.hpp"
 *
 *     struct hello {
 *         void execute(opstream::task task, opstream::value config)
 *         {
 *             opstream::map out(task);
 *             out.set("greeting", "hello, " + std::string(config.text("name", "world")));
 *             task.complete(out);
 *         }
 *     };
 *
 *     static constexpr ops_node_type type = opstream::node_type<hello>("hello", OPS_NODE_PARALLEL);
 *     OPS_PLUGIN("hello", "1.0.0", &type);
 *
 * Exceptions. Whatever is called by the host catches all. What execute(), check() or a lambda of a
 * task throws ends that task as failed, exactly once: opstream::error with its own code and
 * details, std::bad_alloc as RESOURCE, all else as INTERNAL with the text of what(). What comes
 * after the task's end is logged. What the constructor of a node or of a plugin throws is told as
 * the reason why it could not be made. Functions here throw opstream::error where those below them
 * return a status.
 *
 * Memory. A lambda, and so what it captures, is destroyed when it has been called, or when its task
 * ends without it. A task is ended by complete() and fail() of its class; one that is ended by the
 * functions of C, or never, keeps its lambdas until the host forgets it.
 *
 * Threads: all functions are [any-thread] unless they say otherwise. Lambdas are called on the
 * task's strand.
 */

#if __cplusplus < 201703L
#error "opstream/sdk.hpp needs C++17: compile with -std=c++17 or newer, or use opstream/sdk.h"
#else
#include "opstream/cxx/node.hpp"
#endif

#endif
