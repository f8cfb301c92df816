/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_BODY_TEXT_H
#define CORE_CLI_BODY_TEXT_H

/*
 * Body text: what a body or a node does, in words for people. One wording for plans and graphs.
 *
 * Used by:  the graphs (graph_*, picture_*) and the plans (plan_*).
 * Uses:     model, terminal.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/model/pipeline.h"

struct edge;
struct node;
struct pipeline;
struct strbuf;

/* "for each issue in fetch.stream"; "group"; of a loop or a group. */
void body_text_append_over(const struct pipeline *pipeline, const struct node *node,
                           struct strbuf *out);

/* "batches of 100; 10 batches at once; until x > 3; ..."; what is not said is the default. */
void body_text_append_bounds(const struct pipeline *pipeline, const struct node *node,
                             struct strbuf *out);

/* "again until x > 3, at most 5 times"; nothing for a node that runs once. */
void body_text_append_repeat(const struct node *node, struct strbuf *out);

/* "workflow fix_bug"; else the name of the type. */
void body_text_append_type(const struct node *node, struct strbuf *out);

/* "low", "medium", "high", "critical". */
struct str body_text_risk(const struct node *node);

/* Nobody but the loader's own rules decides when a state ends the run: it has no transitions. */
bool body_text_is_last_state(const struct pipeline *pipeline, const struct node *node);

/* "on failure" for the body of an ending, else what the body is called in the file. */
struct str body_text_ending(const struct pipeline *pipeline, uint32_t body);

/*
 * The bodies of endings that are there, in the order in which they may run, and behind them those
 * of messages (see pipeline_is_notice()).
 */
enum { BODY_ENDINGS = 4 + NOTICE_POINTS };
uint32_t body_text_endings(const struct pipeline *pipeline, uint32_t out_bodies[BODY_ENDINGS]);

/* The first of the node's named ends in pipeline.ends; they are in the order of the nodes. */
uint32_t body_text_first_end(const struct pipeline *pipeline, uint32_t node);
bool body_text_has_end(const struct pipeline *pipeline, uint32_t node);

/* False for compensations, and for what is inside them: they are named at the node they undo. */
bool body_text_is_drawn(const struct pipeline *pipeline, uint32_t body);

/* The edge brings a loop the items of its source. */
bool body_text_is_stream(const struct pipeline *pipeline, const struct edge *edge);

/* A loop over the stream of a node of its body that no edge joins to it. */
bool body_text_reads_stream_alone(const struct pipeline *pipeline, uint32_t node);

/* "bug if x > 1": how an edge is taken; nothing for a plain one. In states: also "success". */
void body_text_append_way(const struct pipeline *pipeline, const struct edge *edge,
                          struct strbuf *out);

#endif
