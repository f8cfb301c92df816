/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_DATA_TEXT_H
#define CORE_MODEL_DATA_TEXT_H

/*
 * Data text: an input, as somebody wrote it in YAML or JSON, with nothing of pipelines in it.
 *
 * Used by:  cli.
 * Uses:     tree, report, source.
 * Threads:  [any]
 */

#include "core/base/str.h"

struct diagnostics;
struct document;

/*
 * Reads `text` (borrowed) of the file `name` (NUL-terminated): JSON when the name ends in .json,
 * YAML when in .yaml or .yml, else as it begins. What is wrong is added to `diagnostics`, with its
 * place. On success `*out_document` is owned: document_unref(). Fails with E_INVALID, E_NOMEM.
 */
int data_text_read(const char *name, struct str text, struct diagnostics *diagnostics,
                   struct document **out_document);

#endif
