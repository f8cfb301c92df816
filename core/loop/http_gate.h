/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_HTTP_GATE_H
#define CORE_LOOP_HTTP_GATE_H

/*
 * HTTP gate: stands between the host's ops.http and ops.mail and the bridges to net. A call goes
 * out when the limits of its service allow, and what the engine saves of them is durable; until
 * then it waits here, in the order of asking. Its wait, for its turn and for the disk, is part of
 * no time-out: neither of the call's own, which begin when it goes out, nor of its node's.
 *
 * Used by:  loop, run_driver; for the files of this folder alone.
 * Uses:     engine, host/http.h, host/mail.h, http_bridge, mail_bridge.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

struct commit;
struct loop;
struct pipeline;

/*
 * Fills loop->http and loop->mail, and what is behind them: loop->http_out and loop->mail_out,
 * which go through loop->bridge.
 */
void http_gate_init(struct loop *loop);

/* The node in whose name a call with this token is made: find_node() of the bridge. */
bool http_gate_find_node(uint64_t token, const struct pipeline **out_pipeline, uint32_t *out_node);

/* Calls that the engine has let go since the last time: at once, or when `commit` is durable. */
void http_gate_let_go(struct loop *loop, struct commit *commit);

#endif
