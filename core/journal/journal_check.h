/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_JOURNAL_JOURNAL_CHECK_H
#define CORE_JOURNAL_JOURNAL_CHECK_H

/*
 * Journal check: whether the file itself is whole, names only what is there, and the large
 * documents are what their names say. What records mean is state_check.h's business.
 *
 * Used by:  state_check, tests.
 * Uses:     journal_reader; sqlite3.
 * Threads:  that of the reader.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

struct error;
struct journal_reader;

enum journal_finding_kind {
    JOURNAL_DIFFERS,   /* it is wrong */
    JOURNAL_UNCHECKED, /* nobody could say here */
    JOURNAL_UNUSED,    /* a file that nobody names: a crash leaves those, a vacuum removes them */
};

/* All texts are borrowed for the call. */
struct journal_finding {
    enum journal_finding_kind kind;
    struct str run; /* its id, or empty */
    uint64_t seq;   /* of the record, or 0 */
    struct str text;
};

/* Returns 0, or what ends the check and becomes its result. */
typedef int (*journal_finding_cb)(void *user, const struct journal_finding *finding);

/* Who hears of findings. `status` is the first result that was not 0: pass it on. */
struct journal_findings {
    journal_finding_cb each;
    void *user;
    int status;
};

/* Tells one. Returns `findings->status`. */
int journal_findings_add(struct journal_findings *findings, enum journal_finding_kind kind,
                         struct str run, uint64_t seq, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* What was looked at. */
struct journal_check_numbers {
    uint64_t definitions;
    uint64_t blobs;
};

/*
 * Looks at all of the file and of `blobs`. Fails with E_IO, E_NOMEM, and what `each` returned; what
 * cannot be read for another reason is a finding.
 */
int journal_check_file(struct journal_reader *reader, struct journal_findings *findings,
                       struct journal_check_numbers *out_numbers, struct error *err);

/*
 * The numbers of at most `room` runs above `after`, in their order. Fails with E_IO, E_CORRUPT,
 * E_NOMEM.
 */
int journal_check_list(struct journal_reader *reader, uint64_t after, uint64_t *out_numbers,
                       size_t *room_and_count, struct error *err);

#endif
