/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting runs for clients: the definition comes as a bundle, as text, or from the library; the
 * answer comes when the run is durable. The same key again gives the same run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/control_definition.h"
#include "core/api/control_state.h"
#include "core/api/key_conflict.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/id.h"
#include "core/loop/loop.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

/* One start while it is put together. */
struct start {
    struct control *control;
    const struct document *body;           /* NULL: empty */
    const struct value *env;               /* values that the client brought; NULL: none */
    const struct definitions *definitions; /* of the control's list */
    struct loop_definition definition;
    const struct pipeline *pipeline;
    struct document *input;
    char missing[256]; /* the variable that was asked for last, and is not there; or "" */
    char request[DIGEST_HEX_SIZE];
    char id[ID_TEXT_SIZE];
    const struct loop_retry *retry; /* of another run; NULL: none */
    struct strbuf audit;
};

static void start_finish(struct start *start)
{
    document_unref(start->input);
    strbuf_finish(&start->audit);
    control_definitions_trim(&start->control->definitions);
}

static const struct value *member(const struct start *start, const char *name)
{
    return start->body != NULL ? value_get(document_root(start->body), str_from(name)) : NULL;
}

static struct str member_text(const struct start *start, const char *name)
{
    const struct value *value = member(start, name);
    return value_is(value, VALUE_STRING) ? value_str(value) : STR("");
}

/* ---- the definition ---- */

/* What the client brought comes first: it may have another environment. Secrets are the engine's.
 */
static const char *read_env(void *user, struct str name)
{
    struct start *start = user;
    const struct load_options *loading = start->control->options.loading;
    const struct value *value = start->env != NULL ? value_get(start->env, name) : NULL;
    bool is_secret = str_starts_with(name, STR(SECRETS_VARIABLE_PREFIX));
    if (!is_secret && value_is(value, VALUE_STRING)) {
        return value_str(value).p; /* strings of documents end with a NUL */
    }
    const char *own = loading->env(loading->user, name);
    if (own == NULL) {
        (void)snprintf(start->missing, sizeof(start->missing), "%.*s", STR_ARG(name));
    }
    return own;
}

/* loop_check_pipeline() looks for them, also for definitions that were loaded before. */
static int check_later(void *user, struct str name, struct strbuf *cure, struct error *err)
{
    (void)user;
    (void)name;
    (void)cure;
    (void)err;
    return 0;
}

static struct load_options options_of(struct start *start)
{
    static const struct load_secrets later = {.check = check_later};
    struct load_options options = *start->control->options.loading;
    options.catalogue = loop_catalogue(start->control->options.loop);
    options.env = read_env;
    options.user = start;
    options.secrets = &later;
    options.flags = LOAD_START;
    return options;
}

static int find_definition(struct start *start, struct control_definition_wish *wish,
                           struct error *err)
{
    struct load_options options = options_of(start);
    wish->options = &options;
    wish->program = start->control->options.version;
    const struct control_definition *found = NULL;
    int status = control_definition_find(&start->control->definitions, wish, &found, err);
    if (status == 0) {
        start->definitions = found->definitions;
        start->definition = (struct loop_definition){.digest = str_from(found->digest),
                                                     .source = found->bundle,
                                                     .compiled_by = found->compiled_by};
        return 0;
    }
    if (status == E_NOT_FOUND && start->missing[0] != '\0' &&
        strstr(err->message, start->missing) != NULL) { /* the definition is there */
        status = err->code = E_INVALID;
    }
    return status;
}

static int find_in_library(struct start *start, struct str workflow, struct error *err)
{
    const struct control_options *options = &start->control->options;
    struct strbuf bundle = STRBUF_INIT;
    if (options->find_workflow == NULL) {
        return error_set(err, E_NOT_FOUND, "there is no library with a pipeline '%.*s'",
                         STR_ARG(workflow));
    }
    int status = options->find_workflow(options->user, workflow, &bundle, err);
    if (status == 0) {
        struct control_definition_wish wish = {.text = strbuf_str(&bundle), .is_bundle = true};
        status = find_definition(start, &wish, err);
    }
    strbuf_finish(&bundle);
    return status;
}

static int load(struct start *start, struct str workflow, struct error *err)
{
    struct control_definition_wish wish = {.text = member_text(start, "bundle"), .is_bundle = true};
    if (workflow.n > 0) {
        return find_in_library(start, workflow, err);
    }
    if (wish.text.n == 0) {
        wish = (struct control_definition_wish){.text = member_text(start, "definition"),
                                                .id = member_text(start, "workflow")};
    }
    if (wish.text.n == 0) {
        return error_set(err, E_INVALID,
                         "the body has no 'definition', the text of a pipeline, and no 'bundle'");
    }
    return find_definition(start, &wish, err);
}

/* The pipeline that is meant: the one named, or the only one. */
static int pick(struct start *start, struct str workflow, struct error *err)
{
    struct str wanted = workflow.n > 0 ? workflow : member_text(start, "workflow");
    const struct definitions *all = start->definitions;
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        bool is_meant = wanted.n == 0 || str_equal(all->ids[i], wanted);
        if (all->pipelines[i] != NULL && is_meant) {
            start->pipeline = all->pipelines[i];
            count++;
        }
    }
    if (count == 1) {
        return 0;
    }
    return wanted.n > 0
               ? error_set(err, E_NOT_FOUND, "the definition has no pipeline '%.*s'",
                           STR_ARG(wanted))
               : error_set(err, E_INVALID,
                           "the definition has %zu pipelines: name one by 'workflow'", count);
}

/* ---- the input ---- */

static int given_input(const struct start *start, struct document **out, struct error *err)
{
    const struct value *input = member(start, "input");
    if (input == NULL) {
        *out = document_empty_map();
        return 0;
    }
    if (!value_is(input, VALUE_MAP)) {
        return error_set(err, E_INVALID, "'input' is no map");
    }
    struct builder *b = builder_create();
    builder_embed(b, start->body, input);
    return builder_finish(b, out, err);
}

/* With the defaults of the schema, which it fits. */
static int check_input(struct start *start, const struct document *given, struct error *err)
{
    const struct schema *schema = start->pipeline->input_schema;
    if (schema == NULL) {
        start->input = document_ref(given);
        return 0;
    }
    int status = schema_fill_defaults(schema, given, &start->input, err);
    if (status == 0) {
        status = schema_validate(schema, document_root(start->input), NULL, err);
    }
    if (status == E_INVALID) {
        error_prefix(err, "input: ");
    }
    return status;
}

static int read_input(struct start *start, struct error *err)
{
    cleanup_document struct document *given = NULL;
    int status = given_input(start, &given, err);
    return status == 0 ? check_input(start, given, err) : status;
}

/* ---- identity ---- */

/* What was asked for: the same key with something else is a conflict. */
static int digest_request(struct start *start, struct error *err)
{
    struct strbuf text = STRBUF_INIT;
    unsigned char bytes[DIGEST_BYTES];
    strbuf_append_format(&text, "%.*s\n%.*s\n", STR_ARG(start->definition.digest),
                         STR_ARG(start->pipeline->id));
    value_write_canonical(document_root(start->input), &text);
    int status = strbuf_status(&text) != 0 ? error_nomem(err) : 0;
    digest_sha256(strbuf_str(&text), bytes);
    digest_format_hex(bytes, sizeof(bytes), start->request);
    strbuf_finish(&text);
    return status;
}

/* ---- the answer ---- */

static void answer_started(struct control_call *call)
{
    struct error err = {0};
    struct document *document = NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("id"), str_from(call->id));
    builder_member_bool(b, STR("created"), !call->is_known);
    builder_map_end(b);
    if (builder_finish(b, &document, &err) != 0) {
        control_call_fail(call, &err);
        return;
    }
    control_call_document(call, call->is_known ? ANSWER_OK : ANSWER_CREATED, document);
    document_unref(document);
}

static void on_started(void *user, int status)
{
    struct control_call *call = user;
    if (status != 0) {
        struct error err = {0};
        (void)error_set(&err, status,
                        "nothing was started: there was no room to keep it before the engine "
                        "ended");
        control_call_fail(call, &err);
        return;
    }
    answer_started(call);
}

/* Whether the key is known: then the call is answered, now or when its run is durable. */
static bool answer_known(struct control_call *call, const struct start *start, struct str key)
{
    struct error err = {0};
    struct loop_key known;
    int status = loop_find_key(call->control->options.loop, key, &known, &err);
    if (status == E_NOT_FOUND) {
        return false;
    }
    if (status == 0 && strcmp(known.request, start->request) != 0) {
        const struct key_request asked = {.key = key,
                                          .definition = start->definition.digest,
                                          .workflow = start->pipeline->id,
                                          .input = start->input};
        status = key_conflict(loop_reader(call->control->options.loop), &known, &asked, &err);
    }
    call->id = status == 0 ? str_dup(str_from(known.id)) : NULL;
    call->is_known = true;
    if (status != 0) {
        control_call_fail(call, &err);
    } else if (call->id == NULL) {
        control_call_answer(call, NULL);
    } else if (known.is_durable) {
        answer_started(call);
    } else {
        loop_when_durable(call->control->options.loop, on_started, call);
    }
    return true;
}

/* [{"name": ..., "data": ...}]: sent as the run starts. `*out_events` is owned. */
static int read_events(const struct start *start, struct loop_event **out_events, size_t *out_count,
                       struct error *err)
{
    const struct value *list = member(start, "events");
    size_t count = value_is(list, VALUE_LIST) ? value_count(list) : 0;
    struct loop_event *events = calloc(count + 1, sizeof(*events));
    *out_events = events;
    if (events == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        const struct value *name = value_get(value_at(list, i), STR("name"));
        const struct value *data = value_get(value_at(list, i), STR("data"));
        struct document *document = NULL;
        if (!value_is(name, VALUE_STRING) || value_count(name) == 0) {
            return error_set(err, E_INVALID, "event %zu of 'events' has no name", i + 1);
        }
        struct builder *b = builder_create();
        if (data != NULL) {
            builder_embed(b, start->body, data);
        } else {
            builder_null(b);
        }
        int status = builder_finish(b, &document, err);
        if (status != 0) {
            return status;
        }
        events[i] = (struct loop_event){.name = value_str(name), .data = document};
        *out_count = i + 1;
    }
    return 0;
}

static void free_events(struct loop_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        document_unref(events[i].data);
    }
    free(events);
}

static void take_env(struct start *start)
{
    const struct value *env = member(start, "env");
    start->env = value_is(env, VALUE_MAP) ? env : NULL;
}

/* For the time when the run is loaded again. Owned; NULL: the client brought none. */
static int keep_env(const struct start *start, struct document **out_env, struct error *err)
{
    if (start->env == NULL || value_count(start->env) == 0) {
        return 0;
    }
    struct builder *b = builder_create();
    builder_embed(b, start->body, start->env);
    return builder_finish(b, out_env, err);
}

static int go(struct control_call *call, const struct control_question *request,
              struct start *start, struct str key)
{
    struct error err = {0};
    struct loop_run *run = NULL;
    struct loop_event *events = NULL;
    size_t event_count = 0;
    cleanup_document struct document *env = NULL;
    int status = id_create(clock_unix_ms(), start->id, &err);
    if (status == 0) {
        status = read_events(start, &events, &event_count, &err);
    }
    if (status == 0 && start->retry != NULL) {
        env = start->retry->env != NULL ? document_ref(start->retry->env) : NULL;
    } else if (status == 0) {
        status = keep_env(start, &env, &err);
    }
    struct loop_run_options options = {
        .pipeline = start->pipeline,
        .definition = start->definition,
        .key = key,
        .request = str_from(start->request),
        .who = request->who,
        .on_started = on_started,
        .user = call,
        .input = start->input,
        .id = str_from(start->id),
        .triggered_by = start->retry != NULL ? STR("retry") : STR("api"),
        .audit = strbuf_str(&start->audit),
        .reuse = start->retry != NULL ? start->retry->reuse : NULL,
        .events = events,
        .event_count = event_count,
        .env = env,
    };
    call->id = status == 0 ? str_dup(str_from(start->id)) : NULL;
    if (status == 0 && call->id == NULL) {
        status = error_nomem(&err);
    }
    if (status == 0) {
        status = loop_run_start(call->control->options.loop, &options, &run, &err);
    }
    free_events(events, event_count);
    if (status != 0) {
        control_call_fail(call, &err);
        return status;
    }
    loop_run_detach(run);
    return 0;
}

void control_start(struct control_call *call, const struct control_question *request,
                   const struct document *body, struct str workflow)
{
    struct error err = {0};
    struct start start = {.control = call->control, .body = body};
    take_env(&start);
    struct str key = request->key.n > 0 ? request->key : member_text(&start, "key");
    int status = load(&start, workflow, &err);
    if (status == 0) {
        status = pick(&start, workflow, &err);
    }
    if (status == 0) {
        status = loop_check_pipeline(call->control->options.loop, start.pipeline, &err);
    }
    if (status == 0) {
        status = read_input(&start, &err);
    }
    if (status == 0) {
        status = digest_request(&start, &err);
    }
    if (status != 0) {
        control_call_fail(call, &err);
    } else if ((key.n == 0 || !answer_known(call, &start, key)) && !control_refuse_start(call)) {
        (void)go(call, request, &start, key);
    }
    start_finish(&start);
}

/* ---- again ---- */

static int prepare_retry(struct start *start, const struct loop_retry *retry, struct error *err)
{
    start->pipeline = retry->pipeline;
    start->definition.digest = str_from(retry->definition);
    if (member(start, "input") == NULL) {
        start->input = document_ref(retry->input);
        return 0;
    }
    return read_input(start, err);
}

void control_retry(struct control_call *call, const struct control_question *request,
                   const struct document *body, uint64_t number)
{
    struct error err = {0};
    struct start start = {.control = call->control, .body = body};
    struct loop_retry retry = {0};
    cleanup_document struct document *env = NULL;
    /* A new input begins anew, unless it is said from where on it counts. */
    struct loop_retry_wish wish = {.number = number, .from = member_text(&start, "from")};
    const struct value *force = member(&start, "force");
    wish.takes_nothing = member(&start, "input") != NULL && wish.from.n == 0;
    wish.may_double = value_is(force, VALUE_BOOL) && value_bool(force);
    take_env(&start);
    int status = keep_env(&start, &env, &err);
    if (status == 0) {
        wish.env = env;
        status = loop_retry_read(call->control->options.loop, &wish, &retry, &err);
    }
    if (status == 0) {
        status = prepare_retry(&start, &retry, &err);
    }
    if (status != 0) {
        control_call_fail(call, &err);
    } else {
        start.retry = &retry;
        strbuf_append_format(&start.audit, "{\"retry_of\":\"%s\"}", call->id);
        free(call->id);
        call->id = NULL;
        (void)go(call, request, &start, STR(""));
    }
    loop_retry_finish(&retry);
    start_finish(&start);
}
