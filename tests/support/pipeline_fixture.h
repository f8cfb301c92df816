/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_PIPELINE_FIXTURE_H
#define TESTS_SUPPORT_PIPELINE_FIXTURE_H

/*
 * Pipelines for tests, from YAML text, with a small world of node types:
 *
 *     toy.task     plain work of the plugin 'toy', with the ports left and right
 *     flow.task    of the plugin 'flow', which emits items
 *     other.task   the same of another plugin
 *     proc.task    of the plugin 'proc', which starts processes
 *
 * Text that does not load is a broken test: its faults are printed and the program aborts.
 *
 * Used by:  tests of engine and journal, tests/sim, tests/bench.
 * Uses:     model.
 * Threads:  [main]
 */

#include "core/base/str.h"

struct document;
struct load_options;
struct pipeline;
struct strbuf;

/* Owned: pipeline_unref(). `yaml` is the whole file. */
struct pipeline *pipeline_fixture_load(const char *yaml);
struct pipeline *pipeline_fixture_load_str(struct str text);

/* What the two above load with; the environment is empty. It lives until the program ends. */
const struct load_options *pipeline_fixture_options(void);

/* The index of the node `id`, which must be there. */
uint32_t pipeline_fixture_node(const struct pipeline *pipeline, const char *id);

/* A document from JSON text. Owned: document_unref(). */
struct document *pipeline_fixture_json(const char *json);

/* The compact JSON of `document`, "(none)" for NULL; owned: free(). */
char *pipeline_fixture_text(const struct document *document);

#endif
