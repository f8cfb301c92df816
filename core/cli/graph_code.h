/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_GRAPH_CODE_H
#define CORE_CLI_GRAPH_CODE_H

/*
 * Graph code: a pipeline's graph in a language for graphs. The way through bodies, endings and
 * edges is the same in each; a language says how what stands there is written.
 *
 * Node 7 is called "n7" in all of them, the mark where the states of body 2 begin "b2", named end 3
 * "e3".
 *
 * Used by:  graph_mermaid, graph_dot.
 * Uses:     model, body_text.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stdint.h>

struct pipeline;
struct strbuf;

struct graph_code_edge {
    uint32_t source;
    uint32_t target;
    struct strbuf *label; /* empty: none; taken by whoever writes it, which clears it */
    bool is_stream;
};

/* All write whole lines; `out` tells when memory ran out. */
struct graph_language {
    /* A node without a body of its own. */
    void (*append_node)(const struct pipeline *pipeline, uint32_t node, unsigned depth,
                        struct strbuf *out);
    /* Opens the frame of a loop or a group, or of an ending, whose nodes come next. */
    void (*open_node)(const struct pipeline *pipeline, uint32_t node, unsigned depth,
                      struct strbuf *out);
    void (*open_ending)(const struct pipeline *pipeline, uint32_t body, struct strbuf *out);
    void (*append_edge)(const struct pipeline *pipeline, const struct graph_code_edge *edge,
                        struct strbuf *out);
    /* The edge from the mark of a body of states to its initial one. */
    void (*append_entry)(const struct pipeline *pipeline, uint32_t body, struct strbuf *out);
    /* A named end, by its index in pipeline.ends, and the edge to it. */
    void (*append_end)(const struct pipeline *pipeline, uint32_t end, struct strbuf *out);
    const char *mark;  /* the mark of a body of states, behind its name */
    const char *close; /* what closes a frame */
};

/* Everything but the first and the last line of the whole. */
void graph_code_append(const struct graph_language *language, const struct pipeline *pipeline,
                       struct strbuf *out);

/* Four blanks, and four more for each step of depth. */
void graph_code_append_indent(unsigned depth, struct strbuf *out);

#endif
