/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node types `search.index`, `search.delete` and `search.query`: documents that later runs find
 * again, in a file of their own. All of them run on the host's job pool.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions.h"
#include "private/private.h"

#define FILE_NAME "index.db"

enum { WAIT_MS = 30000, MAX_SIZE_MB = 4096 };

/* The settings; texts are the settings' own. */
struct ops_node {
    ops_str file; /* absolute, or a name in the plugin's folder of the state; empty: FILE_NAME */
    int stems;
    int64_t max_bytes;
    int64_t wait_ms;
};

static ops_status create(ops_plugin *plugin, ops_scope scope, ops_val settings, ops_node **out,
                         ops_error *err)
{
    void *memory = NULL;
    (void)plugin;
    if (ops.value->alloc(ops.h, scope, sizeof(ops_node), &memory) != OPS_OK) {
        return ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
    }
    ops_node *node = memory;
    node->file = ops_get_str(settings, "file", NULL);
    node->stems = ops_equal(ops_get_str(settings, "stemming", "none"), "porter");
    node->max_bytes = ops_get_i64(settings, "max_size_mb", MAX_SIZE_MB) * 1024 * 1024;
    node->wait_ms = ops_get_i64(settings, "wait_ms", WAIT_MS);
    if (node->file.n > 0 && node->file.p[0] != '/' &&
        memchr(node->file.p, '/', (size_t)node->file.n) != NULL) {
        return ops_error_fill(err, OPS_E_CONFIG,
                              "'file' is neither an absolute path nor a name without '/'");
    }
    *out = node;
    return OPS_OK;
}

/* Only where it is not there; the state folder itself is. */
static int make_folder(const char *path, struct fault *fault)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ||
           fault_set(fault, OPS_E_UPSTREAM, "search.io", "cannot make the folder '%s': %s", path,
                     strerror(errno));
}

/* STATE/plugins/search, with the folder above it. */
static int make_state_folder(ops_str folder, struct fault *fault)
{
    char path[INDEX_PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%.*s", (int)folder.n, folder.p); /* fits: find_file() */
    char *last = strrchr(path, '/');
    *last = '\0';
    if (!make_folder(path, fault)) {
        return 0;
    }
    *last = '/';
    return make_folder(path, fault);
}

/* 0: the file or folder `path` is private; what is not there is not. */
static int check_opened(const char *path, int flags, const char *file, struct fault *fault)
{
    char folder[PATH_MAX];
    int fd = open(path, O_PATH | O_CLOEXEC | flags);
    if (fd < 0) {
        return 1; /* whoever uses it says why */
    }
    int status = private_look(fd, folder);
    (void)close(fd); /* it was only looked at */
    if (status < 0) {
        return fault_set(fault, OPS_E_UPSTREAM, "search.io", "cannot tell where '%s' is: %s", file,
                         strerror(-status));
    }
    if (status == 1) {
        (void)fault_set(fault, OPS_E_PERMISSION, "search.private", PRIVATE_MESSAGE, file, folder);
        fault->hint = PRIVATE_HINT;
    }
    return status == 0;
}

/* A file that a pipeline names is in no private folder, nor does a link lead there. */
static int check_private(const char *path, struct fault *fault)
{
    char folder[INDEX_PATH_BYTES];
    (void)snprintf(folder, sizeof(folder), "%s", path); /* fits: find_file() */
    *(strrchr(folder, '/') + 1) = '\0';
    return check_opened(folder, O_DIRECTORY, path, fault) && check_opened(path, 0, path, fault);
}

/* Where the index stands; empty: in memory, because this opstream keeps nothing. */
static int find_file(const ops_node *node, ops_task task, char path[INDEX_PATH_BYTES],
                     struct fault *fault)
{
    ops_task_info info = {.size = sizeof(info)};
    ops_str name = node->file.n > 0 ? node->file : ops_text(FILE_NAME);
    (void)ops.exec->info(ops.h, task, &info); /* without it nothing is kept */
    path[0] = '\0';
    if (memchr(name.p, '\0', (size_t)name.n) != NULL ||
        info.state_folder.n + name.n + 2 > INDEX_PATH_BYTES) {
        return fault_set(fault, OPS_E_CONFIG, "search.file", "'file' is too long, or no path");
    }
    if (name.p[0] == '/') {
        (void)snprintf(path, INDEX_PATH_BYTES, "%.*s", (int)name.n, name.p);
        return check_private(path, fault);
    }
    if (info.state_folder.n == 0) {
        return 1;
    }
    (void)snprintf(path, INDEX_PATH_BYTES, "%.*s/%.*s", (int)info.state_folder.n,
                   info.state_folder.p, (int)name.n, name.p);
    return make_state_folder(info.state_folder, fault);
}

typedef int (*action)(struct index *index, ops_task task, ops_val config, ops_val *out);

static void run(const ops_node *node, ops_task task, ops_val config, action act)
{
    char path[INDEX_PATH_BYTES];
    struct fault fault = {0};
    ops_val output = 0;
    uint64_t wait_ns = (uint64_t)node->wait_ms * 1000000u;
    struct index_options options = {
        .file = path,
        .stems = node->stems,
        .max_bytes = node->max_bytes,
        .wait = {task, ops.timer->now_ns(ops.h) + wait_ns},
    };
    struct index *index = NULL;
    int is_done = 0;
    if (find_file(node, task, path, &fault)) {
        index = index_take(&options, &fault);
    }
    if (index != NULL) {
        is_done = act(index, task, config, &output);
        index_give(index);
    }
    if (is_done) {
        ops_complete(task, output);
    } else {
        fault_tell(task, &fault);
    }
}

static void index_execute(ops_node *node, ops_task task, ops_val config)
{
    run(node, task, config, put_documents);
}

static void delete_execute(ops_node *node, ops_task task, ops_val config)
{
    run(node, task, config, put_deletion);
}

static void query_execute(ops_node *node, ops_task task, ops_val config)
{
    run(node, task, config, find_documents);
}

static void finish(ops_plugin *plugin)
{
    (void)plugin;
    places_finish();
}

#define TYPE(type_name, execute_function)                                                          \
    {                                                                                              \
        .size = sizeof(ops_node_type),                                                             \
        .flags = OPS_NODE_BLOCKING | OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT, .name = (type_name), \
        .config_version = 1, .create = create, .execute = (execute_function)                       \
    }

static const ops_node_type type_index = TYPE("search.index", index_execute);
static const ops_node_type type_delete = TYPE("search.delete", delete_execute);
static const ops_node_type type_query = TYPE("search.query", query_execute);

OPS_PLUGIN_WITH("search", "1.0.0", ops_default_init, finish, &type_index, &type_delete,
                &type_query);
