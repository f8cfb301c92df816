/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <stdlib.h>

#include "lookup.h"
#include "service/url.h"

enum { UUID_BYTES = 36 };

/* What is to be fetched before all is tried again. */
enum want { WANT_NOTHING, WANT_LIST, WANT_STORY };

/* Of a task. Its fields are looked through from the first on as often as something was fetched. */
struct names {
    const struct names_field *fields;
    struct directory directory;
    ops_val values[NAMES_FIELDS]; /* by field; 0: none is given */
    ops_val workflow;             /* id of the one that the config names; 0: it names none */
    ops_val own_workflow;         /* id of the story's; 0: it is not known */
    enum want want;
    enum directory_kind kind; /* of WANT_LIST */
};

static struct names *names_of(const struct service_call *call)
{
    return call->user;
}

static ops_status want_list(struct names *names, enum directory_kind kind)
{
    names->want = WANT_LIST;
    names->kind = kind;
    return OPS_E_WOULD_BLOCK;
}

static int is_null(ops_val v)
{
    return ops.value->type(ops.h, v) == OPS_TYPE_NULL;
}

static int is_uuid(ops_str s)
{
    for (uint64_t i = 0; i < s.n; i++) {
        int is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        int is_hex = (s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f') ||
                     (s.p[i] >= 'A' && s.p[i] <= 'F');
        if (is_dash ? s.p[i] != '-' : !is_hex) {
            return 0;
        }
    }
    return s.n == UUID_BYTES;
}

static int has_uuids(enum directory_kind kind)
{
    return kind == DIRECTORY_TEAMS || kind == DIRECTORY_MEMBERS;
}

/* ---- One name ---- */

/* Several workflows have a state of that name: that of the story's own is meant, if one is. */
static ops_status find_in_own(struct service_call *call, const struct lookup *lookup,
                              struct lookup_found *found)
{
    struct names *names = names_of(call);
    struct lookup own = *lookup;
    struct lookup_found in_own = {0};
    if (names->own_workflow == 0) {
        names->want = WANT_STORY;
        return OPS_E_WOULD_BLOCK;
    }
    own.within = names->own_workflow;
    lookup_find(&own, &in_own);
    if (in_own.n == 1) {
        found->n = 1;
        found->entry = in_own.entry;
    }
    text_finish(&in_own.all);
    return OPS_OK;
}

/* `lookup` in the list of `kind`, which is fetched if it is not there, or if the name is not. */
static ops_status find_id(struct service_call *call, enum directory_kind kind,
                          struct lookup *lookup, ops_val *out)
{
    struct names *names = names_of(call);
    struct lookup_found found = {0};
    ops_status status = OPS_OK;
    lookup->list = directory_find(call, &names->directory, kind);
    if (lookup->list == 0) {
        return want_list(names, kind);
    }
    lookup_find(lookup, &found);
    int is_state = lookup->is_inside && kind == DIRECTORY_WORKFLOWS;
    if (found.n > 1 && is_state && lookup->within == 0 && ops_get(call->config, "story") != 0) {
        status = find_in_own(call, lookup, &found);
    }
    int is_kept = (names->directory.fetched & 1u << kind) == 0;
    if (status == OPS_OK && found.n != 1 && is_kept) {
        status = want_list(names, kind);
    } else if (status == OPS_OK && found.n != 1) {
        status = found.n == 0 ? lookup_fail_unknown(call, lookup)
                              : lookup_fail_ambiguous(call, lookup, &found);
    }
    text_finish(&found.all);
    *out = status == OPS_OK ? ops_get(found.entry, "id") : 0;
    return status;
}

/* An id, or a null, as it is; a name looked up. */
static ops_status find_value(struct service_call *call, const struct names_field *field,
                             ops_val given, ops_val *out)
{
    int is_state = (field->flags & NAMES_STATE) != 0;
    struct lookup lookup = {
        .noun = field->noun,
        .field = field->field,
        .hint = is_state ? "say which workflow with 'workflow', or give the id of the state"
                         : "give the id, or the mention name",
        .within = is_state ? names_of(call)->workflow : 0,
        .is_inside = is_state,
        .is_person = field->kind == DIRECTORY_MEMBERS,
    };
    int is_name = ops.value->get_str(ops.h, given, &lookup.name) == OPS_OK;
    *out = given;
    int is_id = !is_name || (has_uuids(field->kind) && is_uuid(lookup.name));
    return is_id ? OPS_OK : find_id(call, field->kind, &lookup, out);
}

/* ---- Several ---- */

/* {"Priority": "High"}: member `i` as {"field_id": ..., "value_id": ...}. */
static ops_status find_pair(struct service_call *call, const struct names_field *field,
                            ops_val given, uint64_t i, ops_val *out)
{
    struct lookup lookup = {.noun = field->noun, .field = field->field, .hint = "give the id"};
    struct ops_map pair = ops_map_begin(call->task);
    ops_val id = 0;
    ops_val value = 0;
    (void)ops.value->pair(ops.h, given, i, &lookup.name, &value); /* it is there */
    ops_status status = find_id(call, field->kind, &lookup, &id);
    if (status != OPS_OK) {
        return status;
    }
    lookup.noun = "value";
    lookup.is_inside = 1;
    lookup.within = id;
    lookup.name = url_scalar(value);
    status = find_id(call, field->kind, &lookup, &value);
    if (status != OPS_OK) {
        return status;
    }
    ops_map_val(&pair, "field_id", id);
    ops_map_val(&pair, "value_id", value);
    status = ops_map_end(&pair, out);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "the ids could not be kept");
    }
    return status;
}

static ops_status find_values(struct service_call *call, const struct names_field *field,
                              ops_val given, ops_val *out)
{
    uint64_t n = ops.value->count(ops.h, given);
    ops_val *ids = calloc((size_t)n + 1, sizeof *ids);
    ops_status status = OPS_OK;
    if (ids == NULL) {
        ops_fail_text(call->task, OPS_E_RESOURCE, "out of memory");
        return OPS_E_RESOURCE;
    }
    for (uint64_t i = 0; i < n && status == OPS_OK; i++) {
        ops_val item = 0;
        if ((field->flags & NAMES_VALUES) != 0) {
            status = find_pair(call, field, given, i, &ids[i]);
        } else {
            (void)ops.value->at(ops.h, given, i, &item); /* it is there */
            status = find_value(call, field, item, &ids[i]);
        }
    }
    if (status == OPS_OK) {
        status = ops.value->new_list(ops.h, call->task, ids, n, out);
        if (status != OPS_OK) {
            ops_fail_text(call->task, status, "the ids could not be kept");
        }
    }
    free(ids);
    return status;
}

/* ---- The state of who names none ---- */

/* What the entry with this id has at `key`; 0: nothing. */
static ops_val find_at(ops_val list, ops_val id, const char *key)
{
    struct directory_walk walk = {0, 0, 0, 0};
    while (directory_next(list, 0, &walk)) {
        ops_val found = ops_get(walk.entry, key);
        ops_str other = url_scalar(ops_get(walk.entry, "id"));
        if (lookup_is_same(other, url_scalar(id)) && !is_null(found)) {
            return found;
        }
    }
    return 0;
}

/* The workflow of the team, else that of the workspace. */
static ops_status find_default_workflow(struct service_call *call, ops_val team, ops_val *out)
{
    struct names *names = names_of(call);
    if (team != 0) {
        ops_val teams = directory_find(call, &names->directory, DIRECTORY_TEAMS);
        if (teams == 0) {
            return want_list(names, DIRECTORY_TEAMS);
        }
        *out = find_at(teams, team, "default_workflow_id");
    }
    if (*out == 0) {
        ops_val workspace = directory_find(call, &names->directory, DIRECTORY_WORKSPACE);
        if (workspace == 0) {
            return want_list(names, DIRECTORY_WORKSPACE);
        }
        *out = ops_get(workspace, "default_workflow_id");
    }
    return OPS_OK;
}

static ops_status find_default_state(struct service_call *call, ops_val team, ops_val *out)
{
    struct names *names = names_of(call);
    ops_val workflow = names->workflow;
    ops_status status = workflow != 0 ? OPS_OK : find_default_workflow(call, team, &workflow);
    if (status != OPS_OK) {
        return status;
    }
    ops_val workflows = directory_find(call, &names->directory, DIRECTORY_WORKFLOWS);
    if (workflows == 0) {
        return want_list(names, DIRECTORY_WORKFLOWS);
    }
    *out = find_at(workflows, workflow, "default_state_id");
    if (*out == 0) {
        problem_fail_config(
            call, "state", "is needed: the workflow is not there, or has no state for new stories");
        return OPS_E_CONFIG;
    }
    return OPS_OK;
}

/* ---- All fields ---- */

static ops_status find_field(struct service_call *call, const struct names_field *field,
                             ops_val given, ops_val *out)
{
    return (field->flags & (NAMES_MANY | NAMES_VALUES)) != 0 ? find_values(call, field, given, out)
                                                             : find_value(call, field, given, out);
}

static ops_status find_all(struct service_call *call)
{
    struct names *names = names_of(call);
    int needs_state = ops_get(call->config, "story") == 0 && ops_get(call->config, "project") == 0;
    ops_val *state = NULL; /* where the default goes */
    ops_val team = 0;
    ops_status status = OPS_OK;
    names->want = WANT_NOTHING;
    for (size_t i = 0; names->fields[i].field != NULL && status == OPS_OK; i++) {
        const struct names_field *field = &names->fields[i];
        ops_val given = ops_get(call->config, field->field);
        if (given != 0) {
            status = find_field(call, field, given, &names->values[i]);
        } else if ((field->flags & NAMES_STATE) != 0 && needs_state) {
            state = &names->values[i];
        }
        if (strcmp(field->field, "workflow") == 0) {
            names->workflow = names->values[i];
        } else if (strcmp(field->field, "team") == 0) {
            team = names->values[i];
        }
    }
    return status == OPS_OK && state != NULL ? find_default_state(call, team, state) : status;
}

static void go_on(struct service_call *call);

static void on_story(struct service_call *call, const struct service_answer *answer)
{
    struct names *names = names_of(call);
    names->own_workflow = ops_get(answer->value, "workflow_id");
    if (names->own_workflow == 0) {
        problem_fail_body(call, answer, "bad_body", " answered something else than is expected");
        return;
    }
    go_on(call);
}

static void go_on(struct service_call *call)
{
    static const struct service_request get_story = {.method = "GET",
                                                     .path = "/api/v3/stories/{story}"};
    struct names *names = names_of(call);
    ops_status status = find_all(call);
    if (status == OPS_OK) {
        call_begin(call);
    } else if (names->want == WANT_LIST) {
        directory_fetch(call, &names->directory, names->kind, go_on);
    } else if (names->want == WANT_STORY) {
        call_send(call, &(struct call_request){.request = &get_story, .on_answer = on_story});
    } /* else the task has failed */
}

void names_begin(struct service_call *call, const struct names_field *fields)
{
    struct names *names = ops_task_alloc(call->task, sizeof *names);
    if (names == NULL) {
        return;
    }
    names->fields = fields;
    call->user = names;
    go_on(call);
}

void names_add_body(struct service_call *call, struct ops_map *body)
{
    const struct names *names = names_of(call);
    for (size_t i = 0; names->fields[i].field != NULL; i++) {
        if (names->values[i] != 0 && names->fields[i].sent != NULL) {
            ops_map_val(body, names->fields[i].sent, names->values[i]);
        }
    }
}
