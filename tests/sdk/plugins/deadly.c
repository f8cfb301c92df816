/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A plugin that does at one stage what no plugin should. Which stage and what stands in the file as
 * "stage:deed": a test writes another one into its copy, and so has another file by its hash.
 */

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opstream/sdk.h"

/* Volatile: what the compiler sees there is not what is there. */
static const volatile char wish[32] = "@deadly=none:nothing";

static bool is_wished(const char *stage, char deed[32])
{
    char text[sizeof wish];
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = wish[i];
    }
    const char *rest = text + strlen("@deadly=");
    size_t n = strlen(stage);
    (void)snprintf(deed, 32, "%s", strlen(rest) > n ? rest + n + 1 : "");
    return strncmp(rest, stage, n) == 0 && rest[n] == ':';
}

/* Volatile, as a compiler knows what it leads to. */
static int *volatile nowhere;
static volatile int depth;

static int overflow(volatile char *caller)
{
    volatile char large[4096];
    large[0] = caller[0];
    return depth++ >= 0 ? overflow(large) + large[0] : 0;
}

static void *spin(void *user)
{
    for (;;) {
        (void)usleep(1000);
    }
    return user;
}

static void *crash_on_thread(void *user)
{
    *nowhere = 1;
    return user;
}

static void write_much(void)
{
    static char chunk[1 << 20];
    memset(chunk, 'x', sizeof chunk);
    for (int i = 0; i < 1024; i++) {
        (void)!write(STDOUT_FILENO, chunk, sizeof chunk);
    }
}

/* Two that stay: one in the group, one in a session of its own, with the pipes open. */
static void leave_children(void)
{
    for (int i = 0; i < 2; i++) {
        if (fork() == 0) {
            if (i == 1) {
                (void)setsid();
            }
            for (;;) {
                (void)pause();
            }
        }
    }
}

/* A report that all is well, by code that is not. */
static void lie(void)
{
    const struct {
        uint32_t bytes;
        uint32_t type;
        uint64_t number;
    } frame = {0, 2, 8};
    static const char garbage[] = "this is no frame, and it is too long for one: \xff\xff\xff\xff";
    (void)!write(3, &frame, sizeof frame);
    (void)!write(3, garbage, sizeof garbage);
}

static void do_it(const char *deed)
{
    pthread_t thread;
    volatile char start = 1;
    if (strcmp(deed, "segv") == 0) {
        *nowhere = 1;
    } else if (strcmp(deed, "overflow") == 0) {
        (void)overflow(&start);
    } else if (strcmp(deed, "abort") == 0) {
        abort();
    } else if (strcmp(deed, "kill") == 0) {
        (void)raise(SIGKILL);
    } else if (strcmp(deed, "exit") == 0) {
        exit(3);
    } else if (strcmp(deed, "_exit") == 0) {
        _exit(0);
    } else if (strcmp(deed, "hang") == 0) {
        (void)spin(NULL);
    } else if (strcmp(deed, "stand") == 0) {
        (void)!write(STDERR_FILENO, "stands\n", 7);
        (void)spin(NULL);
    } else if (strcmp(deed, "deaf") == 0) {
        (void)signal(SIGABRT, SIG_IGN);
        (void)spin(NULL);
    } else if (strcmp(deed, "thread") == 0) {
        (void)pthread_create(&thread, NULL, spin, NULL);
    } else if (strcmp(deed, "crashing") == 0) {
        (void)pthread_create(&thread, NULL, crash_on_thread, NULL);
        (void)pthread_join(thread, NULL);
    } else if (strcmp(deed, "write") == 0) {
        write_much();
    } else if (strcmp(deed, "say") == 0) {
        (void)puts("hello\x01 from inside");
        (void)fflush(stdout);
    } else if (strcmp(deed, "fork") == 0) {
        leave_children();
    } else if (strcmp(deed, "lie") == 0) {
        lie();
        _exit(0);
    }
}

static void reach(const char *stage)
{
    char deed[32];
    if (is_wished(stage, deed)) {
        do_it(deed);
    }
}

__attribute__((constructor)) static void load(void)
{
    reach("dlopen");
}

__attribute__((destructor)) static void unload(void)
{
    reach("exit");
}

static ops_status deadly_init(const ops_host *host, ops_plugin **out, ops_error *err)
{
    char deed[32];
    ops_status status = ops_default_init(host, out, err);
    reach("init");
    if (is_wished("init", deed) && strcmp(deed, "refuse") == 0) {
        return ops_error_fill(err, OPS_E_AUTH, "no licence was found");
    }
    return status;
}

static void deadly_shutdown(ops_plugin *plugin)
{
    (void)plugin;
    reach("shutdown");
}

static ops_status deadly_create(ops_plugin *plugin, ops_scope scope, ops_val settings,
                                ops_node **out, ops_error *err)
{
    static int node;
    char deed[32];
    (void)plugin;
    (void)scope;
    (void)settings;
    reach("create");
    if (is_wished("create", deed) && strcmp(deed, "refuse") == 0) {
        return ops_error_fill(err, OPS_E_CONFIG, "a key is missing");
    }
    *out = (ops_node *)&node;
    return OPS_OK;
}

static void deadly_destroy(ops_node *node)
{
    (void)node;
    reach("destroy");
}

static void deadly_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    (void)node;
    (void)config;
    reach("execute");
    ops_complete_map(task, &out);
}

static const ops_node_type deadly = {
    .size = sizeof(ops_node_type),
    .flags = OPS_NODE_PARALLEL,
    .name = "deadly",
    .config_version = 1,
    .create = deadly_create,
    .execute = deadly_execute,
    .destroy = deadly_destroy,
};

static const ops_node_type *const types[] = {&deadly};

struct ops_tables ops;

const ops_plugin_desc opstream_plugin_v1 = {
    .magic = OPS_ABI_MAGIC,
    .size = sizeof(ops_plugin_desc),
    .abi_epoch = OPS_ABI_EPOCH,
    .id = "deadly",
    .version = "1.0.0",
    .sdk_version = OPS_SDK_VERSION,
    .manifest_crc = OPS_MANIFEST_CRC,
    .init = deadly_init,
    .shutdown = deadly_shutdown,
    .types = types,
    .n_types = 1,
};
