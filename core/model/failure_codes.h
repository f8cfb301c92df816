/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_FAILURE_CODES_H
#define CORE_MODEL_FAILURE_CODES_H

/*
 * Failure codes: what an attempt of a node can fail with, so that a file can name it. They are
 * those of the plugin host and those of the engine, which the model cannot ask: a test compares.
 *
 * Used by:  model.
 * Uses:     base.
 * Threads:  [any]; the table is constant.
 */

#include <stddef.h>

#include "core/base/str.h"

/* In order of name; empty at the end. */
struct str failure_codes_at(size_t i);

#endif
