/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_LLM_INSTANCE_H
#define PLUGINS_LLM_INSTANCE_H

/*
 * Instance: what create() made of the settings: which service, where it is, the key for it. The
 * key is in the one header that it is made for, and in nothing else.
 *
 * Used by:  the llm plugin.
 * Uses:     sdk.h, provider.h, text.h.
 * Threads:  create and destroy [control]; nothing changes in between.
 */

#include "opstream/sdk.h"
#include "provider.h"
#include "service/text.h"

/* How an answer that must fit a schema is asked for. */
enum structured {
    STRUCTURED_SCHEMA, /* the service gets the schema */
    STRUCTURED_JSON,   /* it is told to answer in JSON; the schema stands in the prompt */
    STRUCTURED_PROMPT, /* only the prompt says so */
};

struct ops_node {
    const struct provider *provider;
    struct text base_url; /* without a slash at its end */
    struct text model;    /* where a config names none; may be empty */
    enum structured structured;
    ops_val settings; /* borrowed: they live as long */
    ops_val key;      /* as its header has it, and not to be read; 0: none is set */
};

ops_status instance_create(ops_plugin *plugin, ops_scope scope, ops_val settings, ops_node **out,
                           ops_error *err);
void instance_destroy(ops_node *node);

/* 1: there is a key, or there are headers, one of which may be one. */
int instance_has_credential(const ops_node *node);

/* 1: the service is at its own place and would not do without a key, and there is none. */
int instance_lacks_key(const ops_node *node);

enum { INSTANCE_MAX_HEADERS = 40 };

/* What is sent with each call. */
struct instance_headers {
    ops_str names[INSTANCE_MAX_HEADERS];
    ops_str values[INSTANCE_MAX_HEADERS];
    ops_val vals[INSTANCE_MAX_HEADERS]; /* where one is not 0, instead of the text */
};

/* Fills `headers` (all zero), to which `req` points then. */
void instance_set_headers(const ops_node *node, struct instance_headers *headers,
                          ops_http_req *req);

#endif
