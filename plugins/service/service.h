/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_SERVICE_H
#define PLUGINS_SERVICE_SERVICE_H

/*
 * Service: node types that call a REST service, as tables. A plugin says once what its service is
 * (struct service) and once per node type what it sends and what of the answer it gives (struct
 * service_operation):
 *
 *     static const struct pick story[] = {{"id", NULL, NULL}, {"url", "app_url", NULL}, {0}};
 *     static const char *const fields[] = {"name", "description", NULL};
 *     static const struct service_operation operations[] = {
 *         {.type = "acme.create_story",
 *          .request = {.method = "POST", .path = "/projects/{project}/stories", .body = fields},
 *          .output = story,
 *          .subject = "project {project}"},
 *         {.type = NULL}};
 *     static const struct service acme = {.id = "acme", .name = "Acme", .operations = operations,
 *          .base_url = "https://api.acme.example", .auth_header = "Authorization",
 *          .auth_prefix = "Bearer "};
 *     SERVICE_CREATE(acme)
 *     static const ops_node_type create_story = SERVICE_TYPE(acme, "acme.create_story", 0);
 *     OPS_PLUGIN("acme", "1.0.0", &create_story);
 *
 * The settings of such a plugin have `base_url` and `token` (or what `token_path` names), the
 * token's place in the manifest's schema marked x-ops-secret, and `base_url` marked x-ops-origin
 * with the service's own as default. The token is sent as a header, and is in nothing else that
 * this makes.
 *
 * An operation may besides: be asked for again only if it changed (conditional), stream the items
 * of many pages (pages), find out on a later attempt whether an earlier one did the work (marker),
 * or take steps of its own (execute; call.h).
 *
 * Used by:  plugins for services of HTTP.
 * Uses:     sdk.h, pick.h.
 * Threads:  [strand], create and destroy [control].
 */

#include "opstream/sdk.h"
#include "service/pick.h"

struct service_call;
struct service_answer;
struct problem;

/* ==== What is sent ==== */

/*
 * Tables of names end with NULL. "sent=field" sends the config's `field` under another name; in a
 * query "field|value" sends the value where the config has none: schemas' defaults are not filled
 * in. A field may be inside of another: "parameters.name".
 */
struct service_request {
    const char *method;
    /*
     * Behind the base URL. {field} is one segment, percent-encoded; {+field} keeps its slashes, and
     * its segments are encoded each. Neither may be empty, "." or "..". A constant query may
     * follow.
     */
    const char *path;
    const char *const *query; /* those that the config has; a list is joined by commas; or NULL */
    const char *const *body;  /* those that the config has, as one JSON object; NULL: no body */
};

/* ==== Pages ==== */

/* Many answers, each with a link to the next, whose items go into the stream of the node. */
struct service_pages {
    const char *list;         /* where in an answer they are, as in pick.h */
    const struct pick *items; /* what of each is emitted */
    const char *next; /* where in an answer the next page's URL is; NULL: in the header Link */
    /*
     * The name in the query that says which page; pages follow each other until one is empty, and
     * no link is looked at. NULL: there is none.
     */
    const char *counted;
    int64_t first;     /* what it says of the first page */
    int counts_items;  /* it counts the items of the pages before, in place of the pages */
    const char *limit; /* the field of the config that bounds how many; NULL: none */
    /* Whether `item`, picked already, is one of those asked for; NULL: all are. */
    int (*wants)(struct service_call *call, ops_val item);
    /*
     * The member of items, a whole number, that tells them apart; or NULL. What is created while
     * pages are fetched moves items to the next page: one of the last that were emitted is not
     * again.
     */
    const char *unique;
    /* The member of items, a time in RFC 3339 UTC, whose latest is given as `latest`; or NULL. */
    const char *latest;
};

/* ==== Markers ==== */

/*
 * How an operation that creates something leaves the step's idempotency key in it, and finds it
 * there: every later attempt of the step looks before it creates, so that what an attempt did whose
 * answer was lost is not done twice. The node type may then be called idempotent.
 */
enum service_mark {
    SERVICE_MARK_COMMENT, /* an HTML comment, which is not shown, at the end of a text */
    SERVICE_MARK_VALUE,   /* all of a field, if the config does not set it itself */
};
struct service_marker {
    enum service_mark mark;
    const char *into;            /* the member of the body that gets it */
    struct service_request look; /* lists what is there, the newest first if the service can */
    const char *look_for;   /* the member of the body of `look` that gets the mark; NULL: no body */
    const char *look_first; /* the field of the config that says true where the first attempt is to
                               look, too; or NULL */
    const char *list;       /* where in an answer of it the items are */
    const char *at;         /* where in an item the mark is */
    uint32_t most_pages;    /* so many are looked through */
    /*
     * What a first attempt asks before it lists all, and where in the answer the items are. It need
     * not know what was made a moment ago, and its failure says nothing. No method: nothing.
     */
    struct service_request search;
    const char *search_list;
};

/* ==== Operations ==== */

#define SERVICE_REPEATABLE  1u /* the same once more does no harm; GET and PUT are, without this */
#define SERVICE_CONDITIONAL 2u /* send If-None-Match; 304 answers from what was kept */
#define SERVICE_MAY_BE_EMPTY                                                                       \
    4u /* an answer without what the output's first row is, is right, too */

struct service_operation {
    const char *type; /* of the node; NULL ends the table */
    struct service_request request;
    const struct pick *output; /* its first row is what any right answer has */
    const char *subject; /* what a 404 is about: "issue {number} of {repo}"; fields are filled in */
    const struct service_pages *pages;   /* or NULL */
    const struct service_marker *marker; /* or NULL */
    unsigned flags;                      /* SERVICE_* */
    /* Adds computed members to the body; a problem is told by service_fail(). NULL: none. */
    void (*add_body)(struct service_call *call, struct ops_map *body);
    /* Its own steps instead of the one request; see call.h. NULL: none. */
    void (*execute)(struct service_call *call);
};

/* ==== Credentials that are made ==== */

/* `credential` is 0 when it cannot be made. */
typedef void (*service_check_cb)(ops_node *node, ops_task task, ops_val credential);

/* Instead of a token of the settings: made when it is needed, and over after a while. */
struct service_credential {
    int (*is_used)(const ops_node *node); /* else the token counts */
    /* Who it is made for: the secret that it is made of, and a name, constant, borrowed. */
    ops_val (*secret)(const ops_node *node);
    ops_str (*name)(const ops_node *node);
    /* Gives the value of the header to call_resume(), or ends the task. */
    void (*obtain)(struct service_call *call);
    /* The service refuses it: another is to be made. Asked for once in a row. */
    void (*drop)(ops_node *node);
    /* For check(): what to GET; and gives the value of the header, in `task`, to `go_on`. */
    const char *check_path;
    void (*check)(ops_node *node, ops_task task, service_check_cb go_on);
    const char *path; /* of the setting that it is made of: "app" */
    const char *hint; /* how to come by what is allowed */
};

/* ==== The service ==== */

struct service_header {
    const char *name; /* NULL ends the table */
    const char *value;
};

struct service {
    const char *id;       /* the plugin's; symbols of errors begin with it: "github.not_found" */
    const char *name;     /* for people */
    const char *place;    /* of its settings below integrations; NULL: `id` */
    const char *base_url; /* when the settings have none */
    const char *auth_header;
    const char *auth_prefix;                     /* in front of the token, or "" */
    const struct service_credential *credential; /* or NULL */
    const char *token_path;                      /* in the settings, as in pick.h; NULL: "token" */
    const struct service_header *headers;        /* sent with every request, or NULL */
    const struct service_operation *operations;
    const char *check_path; /* GET, cheap, for check(); what a refused token gets there is known */
    const char
        *check_error; /* the member that only a refusal of it has, whatever its status; or NULL */
    const char *token_hint;  /* how to come by a token, and what it must be good for */
    uint64_t max_body_bytes; /* of an answer; 0: the host's default */
    /*
     * Looks at an answer first. Returns 1 when it is a failure, and says which: code, symbol, hint,
     * wait. It is also asked about answers with a good status. NULL: the status decides.
     */
    int (*judge)(const struct service_answer *answer, struct problem *problem);
    /* Appends what the service says of a failure in its own words, beyond `message`; or NULL. */
    void (*add_words)(const struct service_answer *answer, struct problem *problem);
};

/* ==== What a plugin's node types are made of ==== */

ops_status service_create(const struct service *service, ops_scope scope, ops_val settings,
                          ops_node **out, ops_error *err);
void service_destroy(ops_node *node);
void service_execute(ops_node *node, ops_task task, ops_val config);
void service_check(ops_node *node, ops_task task, ops_str origin);

/* As service_execute(), of an operation that is in no table: it lives as long as `node`. */
void service_start(ops_node *node, ops_task task, const struct service_operation *operation,
                   ops_val config);

/* The create() of the node types of `service_name`. */
#define SERVICE_CREATE(service_name)                                                               \
    static ops_status service_name##_create(ops_plugin *plugin, ops_scope scope, ops_val settings, \
                                            ops_node **out, ops_error *err)                        \
    {                                                                                              \
        (void)plugin;                                                                              \
        return service_create(&(service_name), scope, settings, out, err);                         \
    }

/* A node type; `node_flags` are added to OPS_NODE_PARALLEL. The manifest says `"check": true`. */
#define SERVICE_TYPE(service_name, type_name, node_flags)                                          \
    {                                                                                              \
        (uint32_t)sizeof(ops_node_type), OPS_NODE_PARALLEL | (node_flags), (type_name), 1u, 0u,    \
            service_name##_create, service_execute, NULL, service_destroy, service_check           \
    }

#endif
