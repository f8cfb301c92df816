/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_TRIAL_H
#define CORE_HOST_TRIAL_H

/*
 * Trial: where the code of a plugin is loaded from, and whether at all.
 *
 *     of root or our user, and as it was when its manifest was read ─▶ from where it lies
 *
 *     else: a copy by its hash ─▶ is there a result on that hash? ─▶ passed: from the copy
 *                                   │ none                            ▲
 *                                   ▼                                 │
 *                                 probe_run(), up to 5 s ─▶ kept ─────┴─▶ failed: refused
 *
 * So a file of ours that is written anew under a running engine is not mapped half written: it is
 * copied and tried as others are. One that was changed since its manifest was read must still have
 * that manifest.
 *
 * In a task it is done on another thread, and the task waits (HOST_WAITS): runs of other plugins go
 * on. Where nothing runs yet, in host_prepare(), it is waited for.
 *
 * Used by:  host, plugin, registry_file (trial_tell()).
 * Uses:     copy_shelf, elf_note, probe, registry, registry_file, trust, probe_result.
 * Threads:  [loop]
 */

struct error;
struct host;
struct manifest;
struct registry_file;
struct trial;
struct probe_result;

enum trial_mode {
    TRIAL_NOW,   /* wait for it */
    TRIAL_LATER, /* begin, or go on, and say HOST_WAITS */
};

/*
 * `*out_path` (borrowed from the host): what to give to dlopen(). Fails with E_PLUGIN, E_VERSION,
 * E_IO, E_CANCELED, E_NOMEM, and where a file of ours is gone with E_NOT_FOUND.
 */
int trial_get(struct host *host, const struct manifest *manifest, enum trial_mode mode,
              const char **out_path, struct error *err);

/* Forgets what is known of the file and tries it again; waits for that. Fails as trial_get(). */
int trial_again(struct host *host, struct registry_file *file, struct error *err);

/* Says of a result that is not good why its plugin cannot be used. Returns E_PLUGIN. */
int trial_tell(const struct registry_file *file, const struct probe_result *result,
               struct error *err);

/* The host closes: those under way give up. */
void trial_stop_all(struct host *host);

/* None is under way any more. */
void trial_finish_all(struct host *host);

#endif
