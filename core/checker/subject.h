/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_SUBJECT_H
#define CORE_CHECKER_SUBJECT_H

/*
 * Subject: the plugin file that is checked, what could be read of it without running it, and how
 * hard it is to be tried.
 *
 * Used by:  all rules.
 * Uses:     elf_image, host/elf_note.h, host/manifest.h.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/checker/elf_image.h"
#include "core/host/elf_note.h"

struct manifest;

struct subject {
    /* As asked for. */
    char *config_path;   /* owned; {"TYPE": [CONFIG, ...]}, or NULL */
    char *settings_path; /* owned; or NULL: made by their schema */
    uint64_t seed;
    uint64_t tasks;      /* of run.growth */
    uint64_t timeout_ms; /* for one rule */
    unsigned glibc[2];   /* the newest that it may need: {2, 36} */
    /* As found. */
    char *path;          /* owned; absolute, without links */
    struct strbuf bytes; /* owned: the whole file */
    struct elf_image image;
    struct error image_error;  /* code 0: `image` is there */
    struct elf_manifest note;  /* owned */
    struct error note_error;   /* code 0: `note` is there */
    struct manifest *manifest; /* owned; NULL: it breaks its form, and manifest_error says how */
    struct error manifest_error;
};

/*
 * Reads the file; the first part of `subject` is the caller's, the second is filled. What is wrong
 * with its content is no failure. Fails with E_NOT_FOUND, E_IO, E_LIMIT, E_NOMEM.
 */
int subject_init(struct subject *subject, const char *path, struct error *err);
void subject_finish(struct subject *subject);

/* Appends the whole of the file at `path`. Fails with E_NOT_FOUND, E_IO, E_LIMIT, E_NOMEM. */
int subject_read_file(const char *path, struct strbuf *out, struct error *err);

#endif
