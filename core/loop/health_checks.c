/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service lives as long as the process, unless another one needs its place, so that runs which
 * come and go do not have it asked more often. A wish is one run's interest in one service, in the
 * lists of both. A question's token is its service, with the lowest bit set: those of runs' tasks,
 * which are addresses too, have it clear.
 */
#include "core/loop/health_checks.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/engine/run.h"
#include "core/engine/service.h"
#include "core/loop/loop_state.h"
#include "core/loop/masking.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_tasks.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/policy/health.h"
#include "core/value/json.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

enum {
    SERVICE_MAGIC = 0x68656c74,
    TOKEN_BIT = 1,
    WHY_SIZE = 300,
    LINES_MOST = 10,          /* that one question may log */
    SHOWN_MS = 5 * 60 * 1000, /* after its last answer, when no run names it any more */
};

struct health_service {
    uint32_t magic;
    struct health health;
    struct loop *loop;
    struct health_service *next;
    const struct node_type *type; /* whose check() is called */
    const struct document *settings;
    struct health_wish *wishes;
    host_task task;     /* of the question that is out */
    int64_t asked_ns;   /* monotonic */
    int64_t since;      /* of the state; unix ms; 0: it is unknown */
    int64_t checked_at; /* the last answer; unix ms; 0: none came yet */
    int64_t took_ms;    /* until then */
    uint32_t lines;     /* that the question that is out has logged */
    bool was_skipped;   /* the question that is out is not put */
    bool was_given_up;  /* its task did not end */
    char why[WHY_SIZE]; /* of the last answer, if it was bad; as it may be shown */
    char origin[];      /* as it may be shown; empty: the settings alone say which service it is */
};

struct health_wish {
    struct health_service *service;
    struct loop_run *run;
    uint32_t node;
    int64_t interval_ms; /* its pipeline's, which may be gone when it is dropped */
    struct health_wish *next_of_run;
    struct health_wish *next; /* of the service */
    struct health_wish *previous;
};

static int64_t monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

static uint64_t token_of(const struct health_service *service)
{
    return (uint64_t)(uintptr_t)service | TOKEN_BIT;
}

bool health_checks_own(uint64_t token)
{
    return (token & TOKEN_BIT) != 0;
}

static struct health_service *service_of(uint64_t token)
{
    struct health_service *service =
        (struct health_service *)(uintptr_t)(token & ~(uint64_t)TOKEN_BIT);
    CHECK_MAGIC(service, SERVICE_MAGIC);
    return service;
}

/* ---- what is told ---- */

static void append_text_or_null(struct str text, struct strbuf *out)
{
    if (text.n > 0) {
        json_write_string(text, out);
    } else {
        strbuf_append_text(out, "null");
    }
}

static void append_time(const char *name, int64_t unix_ms, struct strbuf *out)
{
    char text[CLOCK_TEXT_SIZE];
    strbuf_append_format(out, ",\"%s\":", name);
    if (unix_ms == 0) {
        strbuf_append_text(out, "null");
        return;
    }
    clock_format_rfc3339(unix_ms, text);
    strbuf_append_format(out, "\"%s\"", text);
}

/* What a row and an event say of it. */
static void append_name(const struct health_service *service, struct strbuf *out)
{
    strbuf_append_text(out, "\"plugin\":");
    json_write_string(service->type->plugin, out);
    strbuf_append_text(out, ",\"origin\":");
    append_text_or_null(str_from(service->origin), out);
    strbuf_append_format(out, ",\"state\":\"%s\"", health_state_name(service->health.state));
    strbuf_append_text(out, ",\"why\":");
    append_text_or_null(str_from(service->why), out);
}

static void tell(const struct health_service *service)
{
    const struct loop *loop = service->loop;
    struct strbuf text = STRBUF_INIT;
    if (loop->on_service == NULL) {
        return;
    }
    strbuf_append_format(&text, "{\"at\":%lld,", (long long)service->checked_at);
    append_name(service, &text);
    strbuf_append_char(&text, '}');
    if (strbuf_status(&text) == 0) {
        loop->on_service(loop->service_user, strbuf_str(&text));
    }
    strbuf_finish(&text);
}

static void log_news(const struct health_service *service, enum health_news news)
{
    static const char *const messages[] = {
        [HEALTH_HAS_COME] = "service up",
        [HEALTH_HAS_GONE] = "service down",
        [HEALTH_IS_LOST] = "the check of a service did not end: it is not checked any more",
    };
    struct log_field fields[3] = {log_str("plugin", service->type->plugin)};
    size_t count = 1;
    if (service->origin[0] != '\0') {
        fields[count++] = log_text("origin", service->origin);
    }
    if (service->why[0] != '\0') {
        fields[count++] = log_text("why", service->why);
    }
    log_write(news == HEALTH_HAS_COME ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, messages[news], fields,
              count);
}

/* ---- asking ---- */

static void look(struct health_checks *checks);

static void on_timer(uv_timer_t *timer)
{
    look(timer->data);
}

/* Never from inside of what asks for it: the timer comes with a later turn. */
static void arm(struct health_checks *checks)
{
    int64_t due = INT64_MAX;
    for (const struct health_service *s = checks->services; s != NULL; s = s->next) {
        int64_t next = health_due(&s->health);
        due = next < due ? next : due;
    }
    if (due == INT64_MAX || checks->is_over || checks->loop->is_draining) {
        (void)uv_timer_stop(&checks->timer); /* cannot fail */
        return;
    }
    int64_t now = monotonic_ms();
    uv_update_time(&checks->loop->uv);
    /* The two clocks do not tick together: a moment later it is due by both. */
    (void)uv_timer_start(&checks->timer, on_timer, due > now ? (uint64_t)(due - now) + 1 : 0, 0);
}

/* A text that people read, in one line and without secrets. */
static void keep_why(struct health_service *service, struct str text)
{
    struct strbuf buffer = STRBUF_INIT;
    struct str shown = masking_text(secrets_mask(service->loop->secrets), text, &buffer);
    size_t n = shown.n < WHY_SIZE - 1 ? shown.n : WHY_SIZE - 1;
    while (n > 0 && n < shown.n && ((unsigned char)shown.p[n] & 0xC0) == 0x80) {
        n--; /* no half of a character */
    }
    for (size_t i = 0; i < n; i++) {
        service->why[i] = (unsigned char)shown.p[i] < ' ' ? ' ' : shown.p[i];
    }
    service->why[n] = '\0';
    strbuf_finish(&buffer);
}

static void keep_failure(struct health_service *service, const struct document *error)
{
    const struct value *code = value_get(document_root(error), STR("code"));
    const struct value *message = value_get(document_root(error), STR("message"));
    struct strbuf text = STRBUF_INIT;
    strbuf_append_str(&text, value_is(code, VALUE_STRING) ? value_str(code) : STR("INTERNAL"));
    if (value_is(message, VALUE_STRING) && value_str(message).n > 0) {
        strbuf_append_text(&text, ": ");
        strbuf_append_str(&text, value_str(message));
    }
    keep_why(service, strbuf_status(&text) == 0 ? strbuf_str(&text) : STR("out of memory"));
    strbuf_finish(&text);
}

/* Its settings name nothing that could be asked. */
static bool is_unsupported(const struct document *error)
{
    const struct value *code = error != NULL ? value_get(document_root(error), STR("code")) : NULL;
    return value_is(code, VALUE_STRING) && str_equal(value_str(code), STR("UNSUPPORTED"));
}

static void end_question(struct health_service *service, enum health_answer answer)
{
    enum health_state before = service->health.state;
    int64_t now = clock_unix_ms();
    if (answer != HEALTH_NO_ANSWER) {
        service->checked_at = now;
        service->took_ms = (clock_monotonic_ns() - service->asked_ns) / 1000000;
    }
    enum health_news news = health_answer(&service->health, answer);
    if (service->health.state != before) {
        service->since = now;
    }
    if (news != HEALTH_SAME) {
        log_news(service, news);
        tell(service);
    }
    arm(&service->loop->health);
}

static void ask(struct health_service *service)
{
    struct error err = {0};
    int64_t wait_ms = health_timeout_ms(&service->health);
    const struct host_check_spec spec = {
        .type = service->type,
        .settings = service->settings,
        .origin = str_from(service->origin),
        .deadline_unix_ms = clock_unix_ms() + wait_ms,
        .token = token_of(service),
    };
    service->was_skipped = false;
    service->was_given_up = false;
    service->lines = 0;
    service->asked_ns = clock_monotonic_ns();
    int status = host_check_start(service->loop->host, &spec, &service->task, &err);
    if (status == E_NOMEM || status == E_CANCELED || status == HOST_WAITS) {
        end_question(service, HEALTH_NO_ANSWER);
    } else if (status != 0) {
        keep_why(service, str_from(err.message)); /* of create(), or of the library */
        end_question(service, HEALTH_BAD);
    }
}

/* One that waited all the time for a task of the same node to end says nothing of the service. */
static void stop(struct health_service *service)
{
    struct host *host = service->loop->host;
    host_task_cancel(host, service->task, HOST_CANCEL_TIMEOUT);
    service->was_skipped = service->was_skipped || !host_task_has_begun(host, service->task);
}

static void look(struct health_checks *checks)
{
    int64_t now = monotonic_ms();
    bool is_over = checks->is_over || checks->loop->is_draining;
    for (struct health_service *s = checks->services; s != NULL && !is_over; s = s->next) {
        switch (health_step(&s->health, now)) {
        case HEALTH_REST:
            break;
        case HEALTH_ASK:
            ask(s);
            break;
        case HEALTH_STOP:
            stop(s);
            break;
        }
    }
    arm(checks);
}

/* ---- of the host ---- */

void health_checks_answer(uint64_t token, const struct document *error)
{
    struct health_service *service = service_of(token);
    bool is_late = service->health.is_stopped;
    service->task = 0;
    if (service->loop->health.is_over) {
        (void)health_answer(&service->health, HEALTH_NO_ANSWER);
        return;
    }
    bool is_unasked = service->was_skipped || (is_unsupported(error) && !is_late);
    if (is_unasked && !service->was_given_up) {
        end_question(service, HEALTH_NO_ANSWER);
        return;
    }
    service->why[0] = '\0';
    if (is_late) {
        keep_why(service, STR("TIMEOUT: its check took too long"));
    } else if (error != NULL) {
        keep_failure(service, error);
    }
    end_question(service, service->was_given_up ? HEALTH_NO_END
                          : error != NULL       ? HEALTH_BAD
                                                : HEALTH_GOOD);
}

void health_checks_give_up(uint64_t token)
{
    service_of(token)->was_given_up = true;
}

void health_checks_log(uint64_t token, int level, struct str line)
{
    struct health_service *service = service_of(token);
    struct strbuf masked = STRBUF_INIT;
    if (service->lines++ >= LINES_MOST) {
        return;
    }
    struct str shown = masking_text(secrets_mask(service->loop->secrets), line, &masked);
    log_write((enum log_level)level, "the check of a service says",
              LOG_FIELDS(log_str("plugin", service->type->plugin), log_str("line", shown)));
    strbuf_finish(&masked);
}

bool health_checks_place(uint64_t token, struct run_place *out_place)
{
    struct health_service *service = service_of(token);
    if (service->wishes == NULL) {
        service->was_skipped = true;
        return false;
    }
    *out_place =
        (struct run_place){.run = service->wishes->run->run, .node = service->wishes->node};
    return true;
}

void health_checks_skip(uint64_t token)
{
    service_of(token)->was_skipped = true;
}

/* ---- services ---- */

static void free_service(struct health_service *service)
{
    document_unref(service->settings);
    service->magic = 0;
    free(service);
}

static bool is_same(const struct health_service *service, const struct node_type *type,
                    const struct document *settings, struct str origin)
{
    return str_equal(service->type->plugin, type->plugin) &&
           str_equal(str_from(service->origin), origin) &&
           (service->settings == settings ||
            value_equal(document_root(service->settings), document_root(settings)));
}

/* The one that no run has named for the longest time gives its place up. */
static bool make_room(struct health_checks *checks)
{
    struct health_service **oldest = NULL;
    if (checks->count < HEALTH_SERVICES_MOST) {
        return true;
    }
    for (struct health_service **at = &checks->services; *at != NULL; at = &(*at)->next) {
        bool is_free = (*at)->wishes == NULL && !(*at)->health.is_asking &&
                       (*at)->health.state != HEALTH_GIVEN_UP; /* else it would be asked again */
        if (is_free && (oldest == NULL || (*at)->checked_at < (*oldest)->checked_at)) {
            oldest = at;
        }
    }
    if (oldest != NULL) {
        struct health_service *service = *oldest;
        *oldest = service->next;
        free_service(service);
        checks->count--;
    } else if (!checks->is_full_told) {
        checks->is_full_told = true;
        log_write(LOG_LEVEL_WARN, "runs name too many services: some are not checked",
                  LOG_FIELDS(log_int("services", HEALTH_SERVICES_MOST)));
    }
    return oldest != NULL;
}

/* NULL: out of memory, or there are too many. */
static struct health_service *find_service(struct health_checks *checks,
                                           const struct node_type *type,
                                           const struct document *settings, struct str origin)
{
    struct health_service *service = checks->services;
    while (service != NULL && !is_same(service, type, settings, origin)) {
        service = service->next;
    }
    if (service != NULL) {
        return service;
    }
    service = make_room(checks) ? calloc(1, sizeof(*service) + origin.n + 1) : NULL;
    if (service == NULL) {
        return NULL;
    }
    service->magic = SERVICE_MAGIC;
    service->loop = checks->loop;
    service->type = type;
    service->settings = document_ref(settings);
    memcpy(service->origin, origin.p, origin.n);
    service->next = checks->services;
    checks->services = service;
    checks->count++;
    return service;
}

/* ---- wishes ---- */

static int64_t interval_of(const struct loop_run *run)
{
    return run_pipeline(run->run)->monitoring.health_check_interval_ms;
}

/* The shortest wins; most runs that name a service have the same. */
static void set_interval(struct health_service *service)
{
    int64_t shortest = 0;
    int64_t before = service->health.interval_ms;
    for (const struct health_wish *wish = service->wishes; wish != NULL; wish = wish->next) {
        bool is_shorter = shortest == 0 || wish->interval_ms < shortest;
        shortest = is_shorter ? wish->interval_ms : shortest;
        if (shortest == before) {
            return;
        }
    }
    health_want(&service->health, shortest);
    arm(&service->loop->health);
}

static bool has_wish(const struct loop_run *run, const struct health_service *service)
{
    const struct health_wish *wish = run->wishes;
    while (wish != NULL && wish->service != service) {
        wish = wish->next_of_run;
    }
    return wish != NULL;
}

static void add_wish(struct loop_run *run, uint32_t node, struct health_service *service)
{
    int64_t interval = interval_of(run);
    struct health_wish *wish = calloc(1, sizeof(*wish));
    if (wish == NULL) {
        return; /* without memory it does not count */
    }
    *wish = (struct health_wish){.service = service,
                                 .run = run,
                                 .node = node,
                                 .interval_ms = interval,
                                 .next_of_run = run->wishes,
                                 .next = service->wishes};
    if (service->wishes != NULL) {
        service->wishes->previous = wish;
    }
    service->wishes = wish;
    run->wishes = wish;
    if (service->health.interval_ms == 0 || interval < service->health.interval_ms) {
        health_want(&service->health, interval);
        arm(&service->loop->health);
    }
}

static void drop_wish(struct health_wish *wish)
{
    struct health_service *service = wish->service;
    if (wish->previous != NULL) {
        wish->previous->next = wish->next;
    } else {
        service->wishes = wish->next;
    }
    if (wish->next != NULL) {
        wish->next->previous = wish->previous;
    }
    if (wish->interval_ms == service->health.interval_ms) {
        set_interval(service);
    }
    free(wish);
}

static bool is_checked(const struct loop_run *run)
{
    const struct loop *loop = run->loop;
    return interval_of(run) > 0 && !run->is_ended && !loop->holds_starts && !loop->health.is_over;
}

static void want(struct loop_run *run, uint32_t node, const struct document *settings,
                 struct str origin)
{
    const struct node_type *type = run_pipeline(run->run)->nodes[node].type;
    struct strbuf buffer = STRBUF_INIT;
    struct str shown = masking_text(secrets_mask(run->loop->secrets), origin, &buffer);
    bool is_named = type->origin_key.n == 0 || (origin.n > 0 && str_equal(shown, origin));
    struct health_service *service =
        is_named ? find_service(&run->loop->health, type, settings, origin) : NULL;
    if (service != NULL && !has_wish(run, service)) {
        add_wish(run, node, service);
    }
    strbuf_finish(&buffer);
}

static void note_node(struct loop_run *run, uint32_t index)
{
    const struct node *node = &run_pipeline(run->run)->nodes[index];
    const struct document *settings = NULL;
    struct error unused = {0}; /* the node says it when it starts */
    struct strbuf origin = STRBUF_INIT;
    service_append_fixed_origin(node, &origin);
    bool is_known = node->type->origin_key.n == 0 || service_is_set(node) ||
                    strbuf_str(&origin).n > 0;
    if (is_known && run_tasks_settings(run, node->type->plugin, &settings, &unused) == 0) {
        if (service_is_set(node)) {
            service_append_origin_of(node->type, settings, &origin);
        }
        if (strbuf_status(&origin) == 0) {
            want(run, index, settings, strbuf_str(&origin));
        }
    }
    strbuf_finish(&origin);
}

/* What cannot be known before a node runs is left to that. */
void health_checks_note_run(struct loop_run *run)
{
    const struct pipeline *pipeline = run_pipeline(run->run);
    bool is_new = is_checked(run) && !run->has_wished;
    for (uint32_t i = 0; is_new && i < pipeline->node_count; i++) {
        const struct node *node = &pipeline->nodes[i];
        if ((node->type->flags & NODE_TYPE_CHECKS) != 0) {
            note_node(run, i);
        }
    }
    run->has_wished = run->has_wished || is_new;
}

void health_checks_note_task(struct loop_run *run, uint32_t node, const struct document *settings,
                             const struct document *config)
{
    const struct node_type *type = run_pipeline(run->run)->nodes[node].type;
    struct strbuf origin = STRBUF_INIT;
    if ((type->flags & NODE_TYPE_CHECKS) == 0 || !is_checked(run)) {
        return;
    }
    bool is_set = (type->flags & NODE_TYPE_SET_ORIGIN) != 0;
    bool is_named = (type->flags & NODE_TYPE_NAMED_ORIGIN) != 0;
    struct document *named = NULL;
    if (is_named && service_find_named(type, settings, config, &named) != 0) {
        return; /* the next task asks again */
    }
    service_append_origin_of(type, is_named ? named : is_set ? settings : config, &origin);
    if (strbuf_status(&origin) == 0) {
        want(run, node, settings, strbuf_str(&origin));
    }
    strbuf_finish(&origin);
    document_unref(named);
}

void health_checks_drop_run(struct loop_run *run)
{
    while (run->wishes != NULL) {
        struct health_wish *wish = run->wishes;
        run->wishes = wish->next_of_run;
        drop_wish(wish);
    }
}

/* ---- for who looks ---- */

/* When no run names it any more, what was known is shown for a while. */
static bool is_shown(const struct health_service *service, int64_t now)
{
    return service->wishes != NULL ||
           (service->checked_at > 0 && now - service->checked_at < SHOWN_MS);
}

static void append_row(const struct health_service *service, struct strbuf *out)
{
    strbuf_append_char(out, '{');
    append_name(service, out);
    append_time("since", service->since, out);
    append_time("checked_at", service->checked_at, out);
    strbuf_append_format(out, ",\"took_ms\":%lld,\"interval_ms\":%lld}",
                         (long long)service->took_ms, (long long)service->health.interval_ms);
}

void health_checks_append(const struct health_checks *checks, struct strbuf *out)
{
    int64_t now = clock_unix_ms();
    bool is_first = true;
    strbuf_append_char(out, '[');
    for (const struct health_service *s = checks->services; s != NULL; s = s->next) {
        if (is_shown(s, now)) {
            strbuf_append_text(out, is_first ? "" : ",");
            append_row(s, out);
            is_first = false;
        }
    }
    strbuf_append_char(out, ']');
}

void loop_watch_services(struct loop *loop, loop_service_cb cb, void *user)
{
    loop->on_service = cb;
    loop->service_user = user;
}

/* ---- lifecycle ---- */

void health_checks_init(struct health_checks *checks, struct loop *loop)
{
    checks->loop = loop;
    (void)uv_timer_init(&loop->uv, &checks->timer); /* always succeeds */
    uv_unref((uv_handle_t *)&checks->timer);        /* no reason to stay */
    checks->timer.data = checks;
}

void health_checks_stop(struct health_checks *checks)
{
    checks->is_over = true;
    for (struct health_service *s = checks->services; s != NULL; s = s->next) {
        if (s->health.is_asking) {
            host_task_kill(checks->loop->host, s->task, HOST_CANCEL_SHUTDOWN);
        }
    }
    (void)uv_timer_stop(&checks->timer); /* cannot fail */
}

void health_checks_close(struct health_checks *checks)
{
    uv_close((uv_handle_t *)&checks->timer, NULL);
}

void health_checks_finish(struct health_checks *checks)
{
    while (checks->services != NULL) {
        struct health_service *service = checks->services;
        checks->services = service->next;
        free_service(service);
    }
}
