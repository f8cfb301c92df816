/* SPDX-License-Identifier: Apache-2.0 */
#include "directory.h"

#include <stdio.h>
#include <stdlib.h>

#define PICK(name)                                                                                 \
    {                                                                                              \
        (name), NULL, NULL                                                                         \
    }
#define PICK_AT(name, path)                                                                        \
    {                                                                                              \
        (name), (path), NULL                                                                       \
    }
#define PICK_END                                                                                   \
    {                                                                                              \
        NULL, NULL, NULL                                                                           \
    }

static const struct pick named[] = {PICK("id"), PICK("name"), PICK_END};
static const struct pick archivable[] = {PICK("id"), PICK("name"), PICK_AT("gone", "archived"),
                                         PICK_END};
static const struct pick workflow[] = {
    PICK("id"), PICK("name"), PICK("default_state_id"), {"inside", "states", named}, PICK_END};
static const struct pick team[] = {PICK("id"),
                                   PICK("name"),
                                   PICK_AT("mention", "mention_name"),
                                   PICK_AT("gone", "archived"),
                                   PICK("default_workflow_id"),
                                   PICK_END};
static const struct pick member[] = {PICK("id"),
                                     PICK_AT("name", "profile.name"),
                                     PICK_AT("mention", "profile.mention_name"),
                                     PICK_AT("mail", "profile.email_address"),
                                     PICK_AT("gone", "disabled"),
                                     PICK_END};
static const struct pick value[] = {PICK("id"), PICK_AT("name", "value"), PICK("enabled"),
                                    PICK_END};
static const struct pick custom_field[] = {
    PICK("id"), PICK("name"), PICK("enabled"), {"inside", "values", value}, PICK_END};
static const struct pick workspace[] = {
    PICK_AT("default_workflow_id", "workspace2.default_workflow_id"), PICK_END};

#define GET(path)                                                                                  \
    {                                                                                              \
        "GET", "/api/v3" path, NULL, NULL                                                          \
    }

/* Where each list comes from, and what of it is kept. */
static const struct {
    struct service_request request;
    const char *list; /* where in the answer; "": all of it */
    const struct pick *slim;
    const char *subject;
} sources[DIRECTORY_KINDS] = {
    [DIRECTORY_WORKFLOWS] = {GET("/workflows"), "", workflow, "the list of workflows"},
    [DIRECTORY_TEAMS] = {GET("/groups"), "", team, "the list of teams"},
    [DIRECTORY_MEMBERS] = {GET("/members"), "", member, "the list of members"},
    [DIRECTORY_PROJECTS] = {GET("/projects"), "", archivable, "the list of projects"},
    [DIRECTORY_EPICS] = {GET("/epics?includes_description=false"), "", archivable,
                         "the list of epics"},
    [DIRECTORY_EPIC_STATES] = {GET("/epic-workflow"), "epic_states", named,
                               "the workflow of epics"},
    [DIRECTORY_ITERATIONS] = {GET("/iterations"), "", named, "the list of iterations"},
    [DIRECTORY_CUSTOM_FIELDS] = {GET("/custom-fields"), "", custom_field,
                                 "the list of custom fields"},
    [DIRECTORY_WORKSPACE] = {GET("/member"), "", workspace, "the workspace"},
};

/* ---- Kept ---- */

static ops_str key_of(enum directory_kind kind)
{
    return ops_text(sources[kind].subject);
}

/* The stamp is when it was fetched. */
static int is_fresh(ops_str stamp)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.*s", (int)stamp.n, stamp.p);
    int64_t age_ms = ops.timer->unix_ms(ops.h) - strtoll(text, NULL, 10);
    return age_ms >= 0 && age_ms < DIRECTORY_KEPT_MS;
}

static void keep(struct service_call *call, enum directory_kind kind, ops_str json)
{
    char stamp[32];
    (void)snprintf(stamp, sizeof stamp, "%lld", (long long)ops.timer->unix_ms(ops.h));
    kept_put(call->node->kept, key_of(kind), ops_text(stamp), json);
}

ops_val directory_find(struct service_call *call, struct directory *directory,
                       enum directory_kind kind)
{
    struct kept_text kept = {{0}, {0}};
    if (directory->lists[kind] == 0 && kept_find(call->node->kept, key_of(kind), &kept) &&
        is_fresh(text_str(&kept.stamp))) {
        (void)ops.value->from_json(ops.h, call->task, text_str(&kept.body), &directory->lists[kind],
                                   NULL); /* 0 stays: it is fetched */
    }
    kept_text_finish(&kept);
    return directory->lists[kind];
}

/* ---- Fetching ---- */

/* What on_list() needs; one fetch at a time. */
struct fetch {
    struct directory *directory;
    enum directory_kind kind;
    void (*go_on)(struct service_call *call);
    void *user; /* what call->user was before, and is again */
};

/* Only what is kept stays with the task. */
static ops_status take_list(struct service_call *call, const struct service_answer *answer,
                            const struct fetch *fetch)
{
    const struct pick table[] = {{"list", sources[fetch->kind].list, sources[fetch->kind].slim},
                                 PICK_END};
    ops_val picked = 0;
    ops_str json = {NULL, 0};
    ops_status status = pick_make(call->page, answer->value, table, &picked);
    if (status == OPS_OK) {
        status = ops.value->to_json(ops.h, ops_get(picked, "list"), &json);
    }
    if (status == OPS_OK) {
        status = ops.value->from_json(ops.h, call->task, json,
                                      &fetch->directory->lists[fetch->kind], NULL);
    }
    if (status == OPS_OK) {
        keep(call, fetch->kind, json);
    }
    return status;
}

static void on_list(struct service_call *call, const struct service_answer *answer)
{
    const struct fetch *fetch = call->user;
    uint32_t wanted = fetch->kind == DIRECTORY_WORKSPACE ? OPS_TYPE_MAP : OPS_TYPE_LIST;
    ops_val list = pick_find(answer->value, sources[fetch->kind].list);
    if (ops.value->type(ops.h, list) != wanted) {
        problem_fail_body(call, answer, "bad_body", " answered something else than is expected");
        return;
    }
    ops_status status = take_list(call, answer, fetch);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "what the workspace has could not be kept");
        return;
    }
    (void)ops.value->scope_close(ops.h, call->page); /* or it ends with the task */
    call->page = 0;
    fetch->directory->fetched |= 1u << fetch->kind;
    call->user = fetch->user;
    fetch->go_on(call);
}

void directory_fetch(struct service_call *call, struct directory *directory,
                     enum directory_kind kind, void (*go_on)(struct service_call *call))
{
    struct fetch *fetch = ops_task_alloc(call->task, sizeof *fetch);
    if (fetch == NULL) {
        return;
    }
    ops_status status = ops.value->scope_open(ops.h, call->task, &call->page);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "no list could be begun");
        return;
    }
    *fetch = (struct fetch){directory, kind, go_on, call->user};
    call->user = fetch;
    call_send(call, &(struct call_request){.request = &sources[kind].request,
                                           .subject = sources[kind].subject,
                                           .scope = call->page,
                                           .on_answer = on_list});
}

/* ---- Walking ---- */

static int is_gone(ops_val entry)
{
    return ops_get_bool(entry, "gone", 0) || !ops_get_bool(entry, "enabled", 1);
}

/* The next of a list that is not gone; 0: the end. */
static ops_val next_of(ops_val list, uint64_t *at)
{
    ops_val entry = 0;
    while (ops.value->at(ops.h, list, *at, &entry) == OPS_OK) {
        *at += 1;
        if (!is_gone(entry)) {
            return entry;
        }
    }
    return 0;
}

int directory_next(ops_val list, int is_inside, struct directory_walk *walk)
{
    if (!is_inside) {
        walk->entry = next_of(list, &walk->at);
        return walk->entry != 0;
    }
    while (walk->around != 0 || (walk->around = next_of(list, &walk->at)) != 0) {
        walk->entry = next_of(ops_get(walk->around, "inside"), &walk->inside);
        if (walk->entry != 0) {
            return 1;
        }
        walk->around = 0;
        walk->inside = 0;
    }
    return 0;
}
