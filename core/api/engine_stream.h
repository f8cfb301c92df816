/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_ENGINE_STREAM_H
#define CORE_API_ENGINE_STREAM_H

/*
 * Engine stream: GET /api/v1/stream, what happens to all runs alike, as server-sent events from now
 * on. JOBS.md has the events. No client is waited for: who reads too slowly is dropped by the
 * server.
 *
 * Used by:  control_socket.
 * Uses:     exchange, event_stream, engine (scope changes), libuv.
 * Threads:  [loop]
 */

#include "core/base/str.h"

struct api_exchange;
struct batch;
struct engine_stream;
struct error;
struct uv_loop_s;

/* On success `*out_stream` is owned: engine_stream_close(). Fails with E_NOMEM. */
int engine_stream_create(struct uv_loop_s *loop, struct engine_stream **out_stream,
                         struct error *err);

/* Ends it for all clients; the memory is freed in a later turn of the loop. NULL is fine. */
void engine_stream_close(struct engine_stream *stream);

/* Answers `exchange` with the stream; it belongs to the stream until engine_stream_gone(). */
void engine_stream_add(struct engine_stream *stream, struct api_exchange *exchange);

/* on_gone of the server; for an exchange that is not one of its own nothing happens. */
void engine_stream_gone(struct engine_stream *stream, struct api_exchange *exchange);

/* A batch became durable: breakers that have changed in it are told. */
void engine_stream_poke(struct engine_stream *stream, const struct batch *batch);

/* JSON of loop_watch_alerts(), and of loop_watch_services(). */
void engine_stream_alert(struct engine_stream *stream, struct str alert);
void engine_stream_service(struct engine_stream *stream, struct str service);

#endif
