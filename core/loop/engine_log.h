/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_ENGINE_LOG_H
#define CORE_LOOP_ENGINE_LOG_H

/*
 * Engine log: where an owner in the background writes what a terminal would have shown. It is
 * bounded: what is longer than ENGINE_LOG_BYTES becomes engine.log.1, and the one before is gone.
 *
 * Used by:  background, cli.
 * Uses:     base, state_folder.
 * Threads:  [any]; engine_log_bound() [loop]
 */

#include <stdint.h>

#include "core/base/str.h"

struct error;
struct state_folder;

enum { ENGINE_LOG_BYTES = 10 * 1024 * 1024 };

/*
 * Opens engine.log for appending; one that is too long is put aside first. `*out_fd` is owned:
 * close(). Fails with E_IO, E_INVALID (as state_folder_open_file()).
 */
int engine_log_open(const struct state_folder *folder, int *out_fd, struct error *err);

/*
 * For the owner, now and then: when descriptors 1 and 2 are the log (those that are not stay as
 * they are) and it is too long, it is put aside and they become a new one. Fails as
 * engine_log_open(), and then they stay.
 */
int engine_log_bound(const struct state_folder *folder, struct error *err);

/*
 * Appends to `out` the last line that is not empty of what follows byte `from` of the log, made
 * harmless for terminals; nothing when there is none.
 */
void engine_log_append_last_line(const struct state_folder *folder, int64_t from,
                                 struct strbuf *out);

#endif
