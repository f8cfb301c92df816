/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <stdio.h>
#include <stdlib.h>

#include "service/url.h"

enum { NAMES_FIELDS = 12, KNOWN_BYTES = 700, NAME_BYTES = 100, UUID_BYTES = 36 };

/* What is still to be fetched, before all is tried again. */
enum want { WANT_NOTHING, WANT_LIST, WANT_STORY };

/* Of a task. */
struct names {
    const struct names_field *fields;
    struct directory directory;
    ops_val values[NAMES_FIELDS]; /* by field; 0: none is given */
    ops_val state;                /* that of the workflow, where none is given */
    ops_val own_workflow;         /* id of the story's; 0: it is not known */
    enum want want;
    enum directory_kind kind; /* of WANT_LIST */
};

/* The entries that a name may mean. */
struct match {
    uint32_t n;
    ops_val entry;      /* the first */
    struct text others; /* how to tell them apart, for people */
};

static ops_status want_list(struct names *names, enum directory_kind kind)
{
    names->want = WANT_LIST;
    names->kind = kind;
    return OPS_E_WOULD_BLOCK;
}

static int is_same(ops_str a, ops_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, (size_t)a.n) == 0);
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

/* ---- Finding ---- */

static int is_equal(ops_str found, ops_str name, int is_loose)
{
    char text[256];
    if (!is_loose || found.n != name.n || name.n >= sizeof text) {
        return is_same(found, name) && name.n > 0;
    }
    (void)snprintf(text, sizeof text, "%.*s", (int)name.n, name.p);
    return text_equal_nocase(found, text);
}

static int is_called(ops_val entry, ops_str name, int is_loose)
{
    ops_str mention = name;
    if (mention.n > 1 && mention.p[0] == '@') {
        mention = ops_slice(name.p + 1, name.n - 1);
    }
    return is_same(url_scalar(ops_get(entry, "id")), name) ||
           is_equal(ops_get_str(entry, "name", NULL), name, is_loose) ||
           is_equal(ops_get_str(entry, "mention", NULL), mention, is_loose) ||
           is_equal(ops_get_str(entry, "mail", NULL), name, is_loose);
}

static int is_within(const struct directory_walk *walk, ops_val workflow)
{
    return workflow == 0 || walk->around == 0 ||
           is_same(url_scalar(ops_get(walk->around, "id")), url_scalar(workflow));
}

static void note_match(struct match *match, const struct directory_walk *walk)
{
    ops_str mention = ops_get_str(walk->entry, "mention", NULL);
    text_append_literal(&match->others, match->n > 0 ? ", " : "");
    text_append_line(&match->others,
                     mention.n > 0 ? mention : url_scalar(ops_get(walk->entry, "id")), NAME_BYTES);
    if (walk->around != 0) {
        text_append_literal(&match->others, " in ");
        text_append_line(&match->others, ops_get_str(walk->around, "name", ""), 64);
    }
    match->entry = match->n == 0 ? walk->entry : match->entry;
    match->n++;
}

/* The entries of that name; those with other cases count where there is none without. */
static void find_name(ops_val list, const struct names_field *field, ops_val workflow, ops_str name,
                      struct match *match)
{
    for (int is_loose = 0; is_loose <= 1 && match->n == 0; is_loose++) {
        struct directory_walk walk = {0, 0, 0, 0};
        while (directory_next(list, (field->flags & NAMES_INSIDE) != 0, &walk)) {
            if (!ops_get_bool(walk.entry, "gone", 0) && is_within(&walk, workflow) &&
                is_called(walk.entry, name, is_loose)) {
                note_match(match, &walk);
            }
        }
    }
}

/* ---- Failing ---- */

/* What of an entry people would write. */
static ops_str shown_of(const struct names_field *field, ops_val entry)
{
    ops_str mention = ops_get_str(entry, "mention", NULL);
    return field->kind == DIRECTORY_MEMBERS && mention.n > 0 ? mention
                                                             : ops_get_str(entry, "name", "");
}

/* "Backlog, Done (Engineering); New, Done (Support)", "Ada, Bob and 12 more" */
static void append_known(struct text *out, ops_val list, const struct names_field *field,
                         ops_val workflow)
{
    struct directory_walk walk = {0, 0, 0, 0};
    ops_val around = 0;
    size_t start = out->n;
    char more[32];
    unsigned left = 0;
    while (directory_next(list, (field->flags & NAMES_INSIDE) != 0, &walk)) {
        if (ops_get_bool(walk.entry, "gone", 0) || !is_within(&walk, workflow)) {
            continue;
        }
        if (out->n - start > KNOWN_BYTES) {
            left++;
            continue;
        }
        int is_next = walk.inside == 1 && around != 0;
        if (is_next) {
            text_append_literal(out, " (");
            text_append_line(out, ops_get_str(around, "name", ""), 64);
            text_append_literal(out, ")");
        }
        text_append_literal(out, out->n == start ? "" : is_next ? "; " : ", ");
        text_append_line(out, shown_of(field, walk.entry), 64);
        around = walk.around;
    }
    if (around != 0) {
        text_append_literal(out, " (");
        text_append_line(out, ops_get_str(around, "name", ""), 64);
        text_append_literal(out, ")");
    }
    (void)snprintf(more, sizeof more, " and %u more", left);
    text_append_literal(out, left > 0 ? more : out->n == start ? "none" : "");
}

static ops_status fail(struct service_call *call, const struct names_field *field, ops_error *e,
                       struct text *message)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/%s", field->field);
    e->message = message->failed ? ops_text("a name could not be found") : text_str(message);
    e->path = ops_text(path);
    (void)ops.exec->fail(ops.h, call->task, e); /* STALE: it has ended already */
    text_finish(message);
    return e->code;
}

static ops_status fail_unknown(struct service_call *call, const struct names_field *field,
                               ops_val list, ops_val workflow, ops_str name)
{
    struct text message = {NULL, 0, 0, 0};
    ops_error e = ops_error_make(OPS_E_NOT_FOUND, NULL);
    e.symbol = ops_text("shortcut.unknown_name");
    text_append_literal(&message, "Shortcut: there is no ");
    text_append_literal(&message, field->noun);
    text_append_literal(&message, " '");
    text_append_line(&message, name, NAME_BYTES);
    text_append_literal(&message, "'; there are: ");
    append_known(&message, list, field, workflow);
    return fail(call, field, &e, &message);
}

static ops_status fail_ambiguous(struct service_call *call, const struct names_field *field,
                                 const struct match *match, ops_str name)
{
    struct text message = {NULL, 0, 0, 0};
    char count[48];
    ops_error e = ops_error_make(OPS_E_INPUT, NULL);
    e.symbol = ops_text("shortcut.ambiguous_name");
    e.hint = ops_text((field->flags & NAMES_INSIDE) != 0
                          ? "say which workflow with 'workflow', or give the id of the state"
                          : "give the id, or the mention name");
    (void)snprintf(count, sizeof count, "Shortcut: %u %ss are called '", match->n, field->noun);
    text_append_literal(&message, count);
    text_append_line(&message, name, NAME_BYTES);
    text_append_literal(&message, "': ");
    text_append_line(&message, text_str(&match->others), KNOWN_BYTES);
    return fail(call, field, &e, &message);
}

/* ---- One field ---- */

static struct names *names_of(const struct service_call *call)
{
    return call->user;
}

/* The id of the workflow that the config names; 0: it names none. */
static ops_val workflow_of(const struct names *names)
{
    for (size_t i = 0; names->fields[i].field != NULL; i++) {
        if (strcmp(names->fields[i].field, "workflow") == 0) {
            return names->values[i];
        }
    }
    return 0;
}

/* Several workflows have a state of that name: that of the story's own is meant, if one is. */
static ops_status find_in_own(struct service_call *call, const struct names_field *field,
                              ops_val list, ops_str name, struct match *match)
{
    struct names *names = names_of(call);
    int has_story = ops_get(call->config, "story") != 0;
    struct match own = {0};
    if ((field->flags & NAMES_INSIDE) == 0 || !has_story || workflow_of(names) != 0) {
        return OPS_OK;
    }
    if (names->own_workflow == 0) {
        names->want = WANT_STORY;
        return OPS_E_WOULD_BLOCK;
    }
    find_name(list, field, names->own_workflow, name, &own);
    if (own.n == 1) {
        match->n = 1;
        match->entry = own.entry;
    }
    text_finish(&own.others);
    return OPS_OK;
}

static ops_status find_id(struct service_call *call, const struct names_field *field, ops_str name,
                          ops_val *out)
{
    struct names *names = names_of(call);
    ops_val workflow = (field->flags & NAMES_INSIDE) != 0 ? workflow_of(names) : 0;
    ops_val list = directory_find(call, &names->directory, field->kind);
    struct match match = {0};
    ops_status status = OPS_OK;
    if (list == 0) {
        return want_list(names, field->kind);
    }
    find_name(list, field, workflow, name, &match);
    if (match.n > 1) {
        status = find_in_own(call, field, list, name, &match);
    }
    int is_kept = (names->directory.fetched & 1u << field->kind) == 0;
    if (match.n != 1 && status == OPS_OK && is_kept) { /* it may be new */
        status = want_list(names, field->kind);
    } else if (match.n == 0 && status == OPS_OK) {
        status = fail_unknown(call, field, list, workflow, name);
    } else if (match.n > 1 && status == OPS_OK) {
        status = fail_ambiguous(call, field, &match, name);
    }
    text_finish(&match.others);
    *out = status == OPS_OK ? ops_get(match.entry, "id") : 0;
    return status;
}

/* An id, or a null, as it is; a name looked up. */
static ops_status find_value(struct service_call *call, const struct names_field *field,
                             ops_val given, ops_val *out)
{
    ops_str name = {NULL, 0};
    int is_name = ops.value->get_str(ops.h, given, &name) == OPS_OK;
    *out = given;
    return is_name && !is_uuid(name) ? find_id(call, field, name, out) : OPS_OK;
}

static ops_status find_values(struct service_call *call, const struct names_field *field,
                              ops_val given, ops_val *out)
{
    uint64_t n = ops.value->count(ops.h, given);
    ops_val *ids = calloc((size_t)n + 1, sizeof *ids);
    ops_status status = ids != NULL ? OPS_OK : OPS_E_RESOURCE;
    for (uint64_t i = 0; i < n && status == OPS_OK; i++) {
        ops_val item = 0;
        (void)ops.value->at(ops.h, given, i, &item); /* it is there */
        status = find_value(call, field, item, &ids[i]);
    }
    if (ids == NULL || status == OPS_OK) {
        status = ids != NULL ? ops.value->new_list(ops.h, call->task, ids, n, out) : status;
        if (status != OPS_OK) {
            ops_fail_text(call->task, status, "the ids could not be kept");
        }
    }
    free(ids);
    return status;
}

/* ---- The state of who names none ---- */

/* The id that an entry of the list has at `key`, the entry by its id; 0: there is none. */
static ops_val find_at(ops_val list, ops_val id, const char *key)
{
    struct directory_walk walk = {0, 0, 0, 0};
    while (directory_next(list, 0, &walk)) {
        ops_val found = ops_get(walk.entry, key);
        if (is_same(url_scalar(ops_get(walk.entry, "id")), url_scalar(id)) && !is_null(found)) {
            return found;
        }
    }
    return 0;
}

/* The workflow of the team, else that of the workspace. */
static ops_status find_default_workflow(struct service_call *call, ops_val team, ops_val *out)
{
    struct names *names = names_of(call);
    if (team != 0 && !is_null(team)) {
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

static ops_status find_default_state(struct service_call *call, ops_val team)
{
    struct names *names = names_of(call);
    ops_val workflow = workflow_of(names);
    ops_val workflows = 0;
    ops_status status = workflow != 0 ? OPS_OK : find_default_workflow(call, team, &workflow);
    if (status != OPS_OK) {
        return status;
    }
    workflows = directory_find(call, &names->directory, DIRECTORY_WORKFLOWS);
    if (workflows == 0) {
        return want_list(names, DIRECTORY_WORKFLOWS);
    }
    names->state = find_at(workflows, workflow, "default_state_id");
    if (names->state == 0) {
        problem_fail_config(call, "state", "is needed: the workspace names no default workflow");
        return OPS_E_CONFIG;
    }
    return OPS_OK;
}

/* ---- All fields ---- */

static ops_status find_all(struct service_call *call)
{
    struct names *names = names_of(call);
    int needs_state = 0;
    ops_val project = ops_get(call->config, "project");
    ops_val team = 0;
    ops_status status = OPS_OK;
    names->want = WANT_NOTHING;
    for (size_t i = 0; names->fields[i].field != NULL && status == OPS_OK; i++) {
        const struct names_field *field = &names->fields[i];
        ops_val given = ops_get(call->config, field->field);
        if (given != 0) {
            status = (field->flags & NAMES_MANY) != 0
                         ? find_values(call, field, given, &names->values[i])
                         : find_value(call, field, given, &names->values[i]);
        }
        needs_state = needs_state || ((field->flags & NAMES_DEFAULT) != 0 && given == 0);
        team = strcmp(field->field, "team") == 0 ? names->values[i] : team;
    }
    int is_in_project = project != 0 && !is_null(project);
    return status == OPS_OK && needs_state && !is_in_project ? find_default_state(call, team)
                                                             : status;
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
    }
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
        const struct names_field *field = &names->fields[i];
        ops_val id = names->values[i];
        if ((field->flags & NAMES_DEFAULT) != 0 && id == 0) {
            id = names->state;
        }
        if (id != 0 && field->sent != NULL) {
            ops_map_val(body, field->sent, id);
        }
    }
}
