/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_CHECK_H
#define CORE_BASE_CHECK_H

/*
 * Checks for our own bugs. They stay on in release builds and abort: the journal makes a restart
 * safe. Never for file content, network, environment, or anything that a plugin gives us.
 *
 * Used by:  everything.
 * Uses:     nothing.
 * Threads:  [any]
 */

#include <stdint.h>

/* Prints function, expression and `name` (may be NULL), then aborts. */
_Noreturn void check_failed(const char *function, const char *expression, const char *name);

/* The arm of a switch that no legal value reaches. */
_Noreturn void unreachable_state(const char *machine, int value);

#define CHECK(condition)                                                                           \
    ((condition) ? (void)0 : check_failed(__func__, #condition, (const char *)0))
#define CHECK_NAMED(condition, name)                                                               \
    ((condition) ? (void)0 : check_failed(__func__, #condition, (name)))

/*
 * Magic numbers for types that travel through `void *`: the first member is `uint32_t magic`,
 * set on creation, checked at each entry, wiped before the memory is freed.
 */
#define CHECK_MAGIC(object, expected) CHECK((object) != 0 && (object)->magic == (expected))

#endif
