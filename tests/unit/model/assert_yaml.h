/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_MODEL_ASSERT_YAML_H
#define TESTS_UNIT_MODEL_ASSERT_YAML_H

/*
 * YAML in, its tree as one line or what is wrong with it out, for tests of the reader.
 *
 * Used by:  tests/unit/model.
 * Uses:     model (yaml_tree), tree_text.
 * Threads:  [any]
 */

#include "core/base/str.h"

struct arena;
struct diagnostics;
struct tree;

int read_yaml(struct str text, struct arena *arena, struct diagnostics *diagnostics,
              struct tree *out);

/* Fails the test unless `yaml` reads as tree_text() writes it, or has these diagnostics. */
void assert_yaml(const char *yaml, const char *expected);

#endif
