/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/testkit/kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

ops_test_host *kit_open(const char *path, const ops_test_options *options)
{
    ops_test_problem why = {""};
    ops_test_host *host = NULL;
    if (ops_test_open(path, options, &host, &why) != OPS_OK) {
        fail_msg("'%s' does not open: %s", path, why.text);
    }
    return host;
}

void kit_close(ops_test_host *host)
{
    assert_int_equal(ops_test_close(host), OPS_OK);
}

ops_test_task kit_start(ops_test_host *host, const char *type, const char *config)
{
    const ops_test_spec spec = {.type = type, .config = config};
    ops_test_problem why = {""};
    ops_test_task task = 0;
    if (ops_test_start(host, &spec, &task, &why) != OPS_OK) {
        fail_msg("'%s' does not start: %s", type, why.text);
    }
    return task;
}

const ops_test_result *kit_run(ops_test_host *host, const char *type, const char *config)
{
    ops_test_task task = kit_start(host, type, config);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    return ops_test_end(host, task);
}

struct kit_lost kit_lose(ops_test_host *host)
{
    struct kit_lost lost = {.socket = -1};
    int ends[2];
    char config[64];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    lost.socket = ends[0];
    lost.plugin_end = ends[1];
    (void)snprintf(config, sizeof config, "{\"do\":\"until_told\",\"fd\":%d}", ends[1]);
    lost.task = kit_start(host, "deeds.blocking", config);
    while (ops_test_progress_count(host, lost.task) == 0) { /* its thread says that it has begun */
        assert_int_equal(ops_test_idle(host), OPS_E_TIMEOUT);
    }
    assert_int_equal(ops_test_cancel(host, lost.task, OPS_CANCEL_REQUESTED | OPS_TEST_KILL),
                     OPS_OK);
    assert_int_equal(ops_test_run(host, lost.task), OPS_OK);
    assert_int_equal(ops_test_end(host, lost.task)->is_given_up, 1);
    return lost;
}

void kit_let_end(struct kit_lost *lost)
{
    char byte = 'x';
    assert_int_equal(send(lost->socket, &byte, 1, MSG_NOSIGNAL), 1);
    assert_int_equal(read(lost->socket, &byte, 1), 1);
    (void)close(lost->socket);
    (void)close(lost->plugin_end);
}

void kit_expect_part(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("'%s' is not in '%s'", part, text);
    }
}

size_t kit_complaints(ops_test_host *host, uint32_t kind)
{
    size_t count = 0;
    const ops_test_complaint *complaint = NULL;
    for (size_t i = 0; (complaint = ops_test_complaint_at(host, i)) != NULL; i++) {
        count += complaint->kind == kind ? 1 : 0;
    }
    return count;
}
