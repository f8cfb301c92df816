/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_TAPE_H
#define CORE_LOOP_TAPE_H

/*
 * Tape: outgoing HTTP that is recorded, or answered from what was recorded, so that a pipeline can
 * be tested without its services. It stands between http_gate and http_bridge: limits, breakers
 * and retries work as ever.
 *
 *     record:   a call goes out, and is kept with its answer; tape_save() writes all of them
 *     play:     no call goes out: the one on the tape answers, or the call fails and says which
 *               one is nearest; mail is refused; services are not checked
 *
 * Secrets are not on a tape: what the mask of the run's secrets finds, and headers that have
 * credentials by their name, are replaced by ***, which is any text when the tape is played.
 *
 * Used by:  cli; loop, http_gate.
 * Uses:     host/http.h, host/mail.h, tape_text, tape_match, secrets, libuv.
 * Threads:  [loop]
 */

#include <stddef.h>

#include "core/base/str.h"

struct diagnostics;
struct error;
struct host_http;
struct host_mail;
struct secrets;
struct tape;
struct tape_call;
struct uv_loop_s;

enum tape_mode { TAPE_RECORD, TAPE_PLAY };

/*
 * TAPE_RECORD: makes room for the file `path` (borrowed) beside it, so that nothing begins that
 * could not be kept. TAPE_PLAY: reads it. `*out_tape` is owned in every case, and NULL where there
 * was no memory for it: tape_destroy(), after the loop is closed. Fails with E_NOT_FOUND, E_IO,
 * E_LIMIT, E_NOMEM; E_INVALID when the tape is damaged: `diagnostics` has what is wrong.
 */
int tape_create(enum tape_mode mode, const char *path, struct diagnostics *diagnostics,
                struct tape **out_tape, struct error *err);
void tape_destroy(struct tape *tape);

enum tape_mode tape_mode(const struct tape *tape);

/* The whole text of a tape that is played, for messages about it; empty when there is none. */
struct str tape_source(const struct tape *tape);

/* What there is to say when the run is over. */
struct tape_numbers {
    size_t calls;    /* on the tape */
    size_t unused;   /* TAPE_PLAY: not made */
    size_t left_out; /* TAPE_RECORD: the tape was full */
    size_t large;    /* TAPE_RECORD: with a body that is too large, so that it cannot be played */
};
struct tape_numbers tape_numbers(const struct tape *tape);

/* TAPE_PLAY: appends "line 3: GET https://..." of up to `most` calls that were not made. */
void tape_append_unused(const struct tape *tape, size_t most, struct strbuf *out);

/*
 * TAPE_RECORD: writes the file. `secrets` (may be NULL) are those of the run, as they are known
 * now. Fails with E_IO, E_NOMEM.
 */
int tape_save(struct tape *tape, const struct secrets *secrets, struct error *err);

/* ---- for the loop ---- */

/*
 * Takes the place of `http` and `mail`, whose own are kept and called when it records. `secrets`
 * is kept. Fails with E_NOMEM.
 */
int tape_wrap(struct tape *tape, struct uv_loop_s *uv, const struct secrets *secrets,
              struct host_http *http, struct host_mail *mail, struct error *err);

/* The handle of a tape that was wrapped; while the loop closes its handles. NULL is fine. */
void tape_close(struct tape *tape);

#endif
