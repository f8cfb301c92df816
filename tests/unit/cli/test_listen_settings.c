/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/listen_settings.h"

const struct command *const command_table[] = {NULL};

static const struct command_option options[] = {LISTEN_OPTIONS, {NULL, 0, NULL, NULL, false}};
static const struct command serve = {.name = "serve", .options = options};

struct given {
    const char *port_option;
    const char *host_option;
    const char *port;
    const char *host;
};

static void set(const char *name, const char *value)
{
    assert_int_equal(value != NULL ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void give(struct command_args *args, size_t option, const char *value)
{
    if (value != NULL) {
        args->given[args->given_count].option = option;
        args->given[args->given_count++].value = value;
    }
}

static int read_given(const struct given *given, struct listen_settings *settings,
                      struct error *err)
{
    struct command_args args = {.command = &serve};
    set("PORT", given->port);
    set("HOST", given->host);
    give(&args, 0, given->port_option);
    give(&args, 1, given->host_option);
    return listen_settings_read(settings, &args, err);
}

static int tear_down(void **state)
{
    (void)state;
    set("PORT", NULL);
    set("HOST", NULL);
    return 0;
}

static void test_listen_settings__a_port_makes_it_listen(void **state)
{
    static const struct {
        struct given given;
        bool is_wanted;
        const char *host;
        uint16_t port;
    } cases[] = {
        {{NULL, NULL, NULL, NULL}, false, "127.0.0.1", 0},
        {{NULL, NULL, "", ""}, false, "127.0.0.1", 0},
        {{NULL, NULL, NULL, "my-laptop"}, false, "my-laptop", 0},
        {{"8001", NULL, NULL, "my-laptop"}, true, "127.0.0.1", 8001},
        {{NULL, "::1", "8001", "my-laptop"}, true, "::1", 8001},
        {{NULL, NULL, "8001", NULL}, true, "127.0.0.1", 8001},
        {{NULL, NULL, "8001", "::1"}, true, "::1", 8001},
        {{"0", NULL, "8001", NULL}, true, "127.0.0.1", 0},
        {{"65535", "localhost", NULL, "::1"}, true, "localhost", 65535},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct listen_settings settings;
        assert_int_equal(read_given(&cases[i].given, &settings, NULL), 0);
        assert_int_equal(settings.is_wanted, cases[i].is_wanted);
        assert_string_equal(settings.host, cases[i].host);
        assert_int_equal(settings.port, cases[i].port);
    }
}

static void test_listen_settings__refuses_what_is_no_port(void **state)
{
    static const struct {
        struct given given;
        const char *why;
    } cases[] = {
        {{"", NULL, NULL, NULL}, "--port must be a port, 0 to 65535, not ''"},
        {{"65536", NULL, NULL, NULL}, "--port must be a port, 0 to 65535, not '65536'"},
        {{"-1", NULL, NULL, NULL}, "--port must be a port, 0 to 65535, not '-1'"},
        {{NULL, NULL, "tcp://10.0.0.1:80", NULL},
         "PORT must be a port, 0 to 65535, not 'tcp://10.0.0.1:80'"},
        {{NULL, "127.0.0.1", NULL, NULL}, "--host needs --port"},
        {{NULL, "127.0.0.1", NULL, "::1"}, "--host needs --port"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct listen_settings settings;
        struct error err = {0};
        assert_int_equal(read_given(&cases[i].given, &settings, &err), E_INVALID);
        assert_string_equal(err.message, cases[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_listen_settings__a_port_makes_it_listen, tear_down),
        cmocka_unit_test_teardown(test_listen_settings__refuses_what_is_no_port, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
