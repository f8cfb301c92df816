/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that fail when they are told to, and count who calls them: by the Idempotency-Key of a
 * request, and how many were there at once. Only requests that were answered well did something.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/check.h"
#include "core/base/strmap.h"
#include "tests/support/http_server_conn.h"

enum { SERVICES = 10 };

/* What is known of one key. */
struct key_calls {
    uint32_t calls;
    uint32_t good;
};

struct http_service {
    int status; /* of its answers; 0: it hangs */
    int64_t delay_ms;
    uint64_t calls_left; /* until it answers with `then`; 0: it goes on as it does */
    int then;
    uint64_t calls;
    uint64_t good;
    uint32_t active;
    uint32_t most_active; /* since it was told the last time what to do */
    uint64_t again;       /* good ones of a key that had one */
    uint32_t most_of_key;
    struct strmap keys;
};

struct http_services {
    struct arena arena; /* the keys and what is known of them */
    struct http_service each[SERVICES];
};

struct http_services *http_services_create(void)
{
    struct http_services *services = calloc(1, sizeof(*services));
    CHECK(services != NULL);
    for (size_t i = 0; i < SERVICES; i++) {
        services->each[i].status = 200;
    }
    return services;
}

void http_services_destroy(struct http_services *services)
{
    for (size_t i = 0; services != NULL && i < SERVICES; i++) {
        strmap_finish(&services->each[i].keys);
    }
    if (services != NULL) {
        arena_finish(&services->arena);
    }
    free(services);
}

static struct http_service *service_at(const struct http_conn *conn, uint64_t number)
{
    return &http_conn_services(conn)->each[number % SERVICES];
}

void http_service_done(struct http_conn *conn)
{
    if (conn->service != NULL) {
        conn->service->active--;
        conn->service = NULL;
    }
}

static void count_key(struct http_services *services, struct http_service *service, struct str key)
{
    struct key_calls *known = strmap_get(&service->keys, key);
    if (known == NULL) {
        struct str kept = arena_dup_str(&services->arena, key);
        known = arena_calloc(&services->arena, 1, sizeof(*known));
        CHECK(kept.p != NULL && known != NULL && strmap_add(&service->keys, kept, known) == 0);
    }
    known->calls++;
    service->most_of_key = known->calls > service->most_of_key ? known->calls
                                                               : service->most_of_key;
    if (service->status == 200) {
        service->again += known->good > 0 ? 1u : 0u;
        known->good++;
    }
}

static void count_down(struct http_service *service)
{
    if (service->calls_left > 0 && --service->calls_left == 0) {
        service->status = service->then;
    }
}

static void put_answer(struct http_conn *conn, const struct http_service *service)
{
    if (service->status == 0) {
        conn->is_silent = true;
        return;
    }
    strbuf_append_format(&conn->out,
                         "HTTP/1.1 %d Test\r\nContent-Type: application/json\r\n"
                         "Content-Length: 2\r\n\r\n{}",
                         service->status);
    conn->due_ns = service->delay_ms > 0 ? http_server_now_ns() + service->delay_ms * 1000000 : 0;
}

void http_service_answer(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    struct http_service *service = service_at(conn, argument);
    struct str key = http_req_header(req, "idempotency-key");
    service->calls++;
    service->good += service->status == 200 ? 1u : 0u;
    service->active++;
    service->most_active = service->active > service->most_active ? service->active
                                                                  : service->most_active;
    conn->service = service;
    if (key.n > 0) {
        count_key(http_conn_services(conn), service, key);
    }
    put_answer(conn, service);
    count_down(service);
}

static void put_json(struct http_conn *conn, struct strbuf *json)
{
    strbuf_append_format(&conn->out,
                         "HTTP/1.1 200 Test\r\nContent-Type: application/json\r\n"
                         "Content-Length: %zu\r\n\r\n%.*s",
                         json->n, (int)json->n, json->p);
    strbuf_finish(json);
}

void http_service_answer_is(struct http_conn *conn, const struct http_req *req, uint64_t argument)
{
    struct http_service *service = service_at(conn, argument);
    struct strbuf json = STRBUF_INIT;
    char text[64] = {0};
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(req->query));
    service->delay_ms = 0;
    service->calls_left = 0;
    service->then = 200;
    (void)sscanf(text, "%d,%" SCNd64 ",%" SCNu64 ",%d", &service->status, &service->delay_ms,
                 &service->calls_left, &service->then);
    service->most_active = service->active;
    strbuf_append_text(&json, "{}");
    put_json(conn, &json);
}

void http_service_answer_counts(struct http_conn *conn, const struct http_req *req,
                                uint64_t argument)
{
    const struct http_service *service = service_at(conn, argument);
    struct strbuf json = STRBUF_INIT;
    (void)req;
    strbuf_append_format(
        &json,
        "{\"calls\":%llu,\"good\":%llu,\"again\":%llu,\"keys\":%zu,\"most_of_key\":%u,"
        "\"active\":%u,\"most_active\":%u}",
        (unsigned long long)service->calls, (unsigned long long)service->good,
        (unsigned long long)service->again, service->keys.count, service->most_of_key,
        service->active, service->most_active);
    put_json(conn, &json);
}
