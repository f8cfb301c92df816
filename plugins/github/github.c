/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The node types `github.*`: the REST API of GitHub, and of GitHub Enterprise by `base_url`. What
 * is sent and what of the answers is given are the tables below; answers.c knows how GitHub says
 * no, files.c reads and writes files, which takes more than one request.
 */

#include "answers.h"
#include "app.h"
#include "files.h"
#include "service/call.h"
#include "service/service.h"

/* ---- What of the answers is given ---- */

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

static const struct pick label[] = {PICK("name"), PICK("color"), PICK("description"), PICK_END};
static const struct pick person[] = {PICK("login"), PICK("type"), PICK_END};
static const struct pick milestone[] = {PICK("number"), PICK("title"), PICK("state"),
                                        PICK("due_on"), PICK_END};
static const struct pick pull[] = {PICK_AT("url", "html_url"), PICK("merged_at"), PICK_END};

#define ISSUE_FIELDS                                                                               \
    PICK("number"), PICK("title"), PICK("state"), PICK("state_reason"),                            \
        PICK_AT("url", "html_url"), PICK("id"), PICK("node_id"), PICK_AT("author", "user.login"),  \
        PICK("author_association"), {"labels", NULL, label}, {"assignees", NULL, person},          \
        {"milestone", NULL, milestone}, PICK("comments"), PICK("locked"), PICK("created_at"),      \
        PICK("updated_at"), PICK("closed_at")

static const struct pick issue[] = {
    ISSUE_FIELDS, PICK("body"), {"pull_request", NULL, pull}, PICK_END};
/* Of what was written its text is not given back: it was known, and has the mark at its end. */
static const struct pick written_issue[] = {ISSUE_FIELDS, PICK_END};
static const struct pick comment[] = {PICK("id"),
                                      PICK("node_id"),
                                      PICK_AT("url", "html_url"),
                                      PICK_AT("author", "user.login"),
                                      PICK("created_at"),
                                      PICK("updated_at"),
                                      PICK_END};
static const struct pick labels_set[] = {{"labels", "", label}, PICK_END};
static const struct pick pull_request[] = {PICK("number"),
                                           PICK("title"),
                                           PICK("state"),
                                           PICK("draft"),
                                           PICK_AT("url", "html_url"),
                                           PICK("id"),
                                           PICK("node_id"),
                                           PICK_AT("author", "user.login"),
                                           PICK_AT("head", "head.ref"),
                                           PICK_AT("head_sha", "head.sha"),
                                           PICK_AT("base", "base.ref"),
                                           PICK("created_at"),
                                           PICK_END};
static const struct pick team[] = {PICK("slug"), PICK("name"), PICK_END};
static const struct pick reviewers[] = {PICK("number"),
                                        PICK_AT("url", "html_url"),
                                        {"reviewers", "requested_reviewers", person},
                                        {"teams", "requested_teams", team},
                                        PICK_END};
static const struct pick found[] = {PICK_AT("total", "total_count"),
                                    PICK_AT("incomplete", "incomplete_results"),
                                    {"items", NULL, issue},
                                    PICK_END};
static const struct pick check_run[] = {PICK("id"),
                                        PICK("name"),
                                        PICK("head_sha"),
                                        PICK("status"),
                                        PICK("conclusion"),
                                        PICK("external_id"),
                                        PICK_AT("url", "html_url"),
                                        PICK("started_at"),
                                        PICK("completed_at"),
                                        PICK_END};
static const struct pick release[] = {PICK("id"),           PICK("tag_name"),
                                      PICK("name"),         PICK("draft"),
                                      PICK("prerelease"),   PICK_AT("url", "html_url"),
                                      PICK("upload_url"),   PICK("created_at"),
                                      PICK("published_at"), PICK_END};

/* ---- What is sent ---- */

#define REPO "/repos/{+repo}"

static const char *const list_query[] = {"state",     "labels",       "since",     "assignee",
                                         "creator",   "mentioned",    "milestone", "sort",
                                         "direction", "per_page|100", NULL};
static const char *const search_query[] = {"q=query", "sort", "order", "per_page=limit", NULL};
static const char *const issue_body[] = {"title", "body", "assignees", "labels", "milestone", NULL};
static const char *const issue_update[] = {"title",     "body",   "state",     "state_reason",
                                           "assignees", "labels", "milestone", NULL};
static const char *const comment_body[] = {"body", NULL};
static const char *const labels_body[] = {"labels", NULL};
static const char *const pull_body[] = {
    "title", "head", "base", "body", "draft", "maintainer_can_modify", NULL};
static const char *const reviewers_body[] = {"reviewers", "team_reviewers=teams", NULL};
static const char *const check_body[] = {"name",        "head_sha",    "status",     "conclusion",
                                         "details_url", "external_id", "started_at", "completed_at",
                                         "output",      NULL};
static const char *const check_query[] = {"check_name=name", NULL};
static const char *const release_body[] = {
    "tag_name",    "target_commitish",       "name", "body", "draft", "prerelease",
    "make_latest", "generate_release_notes", NULL};

static const struct service_pages issue_pages = {.list = "",
                                                 .items = issue,
                                                 .limit = "limit",
                                                 .wants = answers_wants,
                                                 .unique = "number",
                                                 .latest = "updated_at"};

/* GitHub lists new ones first where it can; an issue has at most 2,500 comments, oldest first. */
static const struct service_marker issue_marker = {
    .mark = SERVICE_MARK_COMMENT,
    .into = "body",
    .look = {.method = "GET",
             .path = REPO "/issues?state=all&sort=created&direction=desc&per_page=100"},
    .list = "",
    .at = "body",
    .most_pages = 10};
static const struct service_marker comment_marker = {
    .mark = SERVICE_MARK_COMMENT,
    .into = "body",
    .look = {.method = "GET", .path = REPO "/issues/{number}/comments?per_page=100"},
    .list = "",
    .at = "body",
    .most_pages = 25};
static const struct service_marker pull_marker = {
    .mark = SERVICE_MARK_COMMENT,
    .into = "body",
    .look = {.method = "GET",
             .path = REPO "/pulls?state=all&sort=created&direction=desc&per_page=100"},
    .list = "",
    .at = "body",
    .most_pages = 10};
static const struct service_marker release_marker = {
    .mark = SERVICE_MARK_COMMENT,
    .into = "body",
    .look = {.method = "GET", .path = REPO "/releases?per_page=100"},
    .list = "",
    .at = "body",
    .most_pages = 10};
static const struct service_marker check_marker = {
    .mark = SERVICE_MARK_VALUE,
    .into = "external_id",
    .look = {.method = "GET",
             .path = REPO "/commits/{head_sha}/check-runs?filter=all&per_page=100",
             .query = check_query},
    .list = "check_runs",
    .at = "external_id",
    .most_pages = 10};

static const struct service_operation operations[] = {
    {.type = "github.fetch_issues",
     .request = {.method = "GET", .path = REPO "/issues", .query = list_query},
     .output = issue,
     .subject = "the repository {repo}",
     .pages = &issue_pages,
     .flags = SERVICE_CONDITIONAL},
    {.type = "github.get_issue",
     .request = {.method = "GET", .path = REPO "/issues/{number}"},
     .output = issue,
     .subject = "issue {number} of {repo}",
     .flags = SERVICE_CONDITIONAL},
    {.type = "github.create_issue",
     .request = {.method = "POST", .path = REPO "/issues", .body = issue_body},
     .output = written_issue,
     .subject = "the repository {repo}",
     .marker = &issue_marker},
    {.type = "github.update_issue",
     .request = {.method = "PATCH", .path = REPO "/issues/{number}", .body = issue_update},
     .output = written_issue,
     .subject = "issue {number} of {repo}",
     .flags = SERVICE_REPEATABLE},
    {.type = "github.add_comment",
     .request = {.method = "POST", .path = REPO "/issues/{number}/comments", .body = comment_body},
     .output = comment,
     .subject = "issue {number} of {repo}",
     .marker = &comment_marker},
    {.type = "github.add_labels",
     .request = {.method = "POST", .path = REPO "/issues/{number}/labels", .body = labels_body},
     .output = labels_set,
     .subject = "issue {number} of {repo}",
     .flags = SERVICE_REPEATABLE},
    {.type = "github.create_pr",
     .request = {.method = "POST", .path = REPO "/pulls", .body = pull_body},
     .output = pull_request,
     .subject = "the repository {repo}",
     .marker = &pull_marker},
    {.type = "github.assign_reviewer",
     .request = {.method = "POST",
                 .path = REPO "/pulls/{number}/requested_reviewers",
                 .body = reviewers_body},
     .output = reviewers,
     .subject = "pull request {number} of {repo}",
     .flags = SERVICE_REPEATABLE},
    {.type = "github.search_issues",
     .request = {.method = "GET", .path = "/search/issues", .query = search_query},
     .output = found},
    {.type = "github.get_file",
     .request = {.method = "GET", .path = FILES_PATH, .query = files_query},
     .output = files_read,
     .subject = "the file {path} of {repo}",
     .execute = files_get},
    {.type = "github.create_or_update_file",
     .request = {.method = "PUT", .path = FILES_PATH, .body = files_body},
     .output = files_written,
     .subject = "the repository {repo}, or its branch,",
     .add_body = files_add_body,
     .execute = files_put},
    {.type = "github.create_check",
     .request = {.method = "POST", .path = REPO "/check-runs", .body = check_body},
     .output = check_run,
     .subject = "the repository {repo}",
     .marker = &check_marker},
    {.type = "github.create_release",
     .request = {.method = "POST", .path = REPO "/releases", .body = release_body},
     .output = release,
     .subject = "the repository {repo}",
     .marker = &release_marker},
    {.type = NULL},
};

/* ---- The service ---- */

static const struct service_header headers[] = {
    {"Accept", "application/vnd.github+json, application/json;q=0.9"},
    {"X-GitHub-Api-Version", "2022-11-28"},
    {NULL, NULL}};

static const struct service github = {
    .id = "github",
    .name = "GitHub",
    .base_url = "https://api.github.com",
    .auth_header = "Authorization",
    .auth_prefix = "Bearer ",
    .credential = &app_credential,
    .headers = headers,
    .operations = operations,
    .check_path = "/rate_limit",
    .token_hint = "GitHub makes tokens under Settings, Developer settings, Personal access tokens",
    .judge = answers_judge,
    .add_words = answers_add_words,
};

static void destroy(ops_node *node)
{
    app_close(node);
    service_destroy(node);
}

static ops_status create(ops_plugin *plugin, ops_scope scope, ops_val settings, ops_node **out,
                         ops_error *err)
{
    ops_node *node = NULL;
    (void)plugin;
    ops_status status = service_create(&github, scope, settings, &node, err);
    if (status == OPS_OK) {
        status = app_open(node, scope, settings, err);
    }
    if (status != OPS_OK) {
        destroy(node);
        return status;
    }
    *out = node;
    return OPS_OK;
}

#define TYPE(variable, name, flags)                                                                \
    static const ops_node_type variable = {(uint32_t)sizeof(ops_node_type),                        \
                                           OPS_NODE_PARALLEL | (flags),                            \
                                           "github." name,                                         \
                                           1u,                                                     \
                                           0u,                                                     \
                                           create,                                                 \
                                           service_execute,                                        \
                                           NULL,                                                   \
                                           destroy,                                                \
                                           service_check}

TYPE(fetch_issues, "fetch_issues", OPS_NODE_IDEMPOTENT);
TYPE(get_issue, "get_issue", OPS_NODE_IDEMPOTENT);
TYPE(create_issue, "create_issue", OPS_NODE_IDEMPOTENT);
TYPE(update_issue, "update_issue", OPS_NODE_IDEMPOTENT);
TYPE(add_comment, "add_comment", OPS_NODE_IDEMPOTENT);
TYPE(add_labels, "add_labels", OPS_NODE_IDEMPOTENT);
TYPE(create_pr, "create_pr", OPS_NODE_IDEMPOTENT);
TYPE(assign_reviewer, "assign_reviewer", OPS_NODE_IDEMPOTENT);
TYPE(search_issues, "search_issues", OPS_NODE_IDEMPOTENT);
TYPE(get_file, "get_file", OPS_NODE_IDEMPOTENT);
TYPE(create_or_update_file, "create_or_update_file", OPS_NODE_IDEMPOTENT);
TYPE(create_check, "create_check", OPS_NODE_IDEMPOTENT);
TYPE(create_release, "create_release", OPS_NODE_IDEMPOTENT);

OPS_PLUGIN("github", "1.0.0", &fetch_issues, &get_issue, &create_issue, &update_issue, &add_comment,
           &add_labels, &create_pr, &assign_reviewer, &search_issues, &get_file,
           &create_or_update_file, &create_check, &create_release);
