/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The node types `shortcut.*`: the REST API v3 of Shortcut. What is sent and what of the answers is
 * given are the tables below; names.c finds the ids of what configs call by name, links.c adds to a
 * list that Shortcut takes only as a whole, answers.c knows how Shortcut says no.
 */

#include "answers.h"
#include "links.h"
#include "names.h"
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

#define STORY_FIELDS                                                                               \
    PICK("id"), PICK("name"), PICK_AT("url", "app_url"), PICK("story_type"), PICK("workflow_id"),  \
        PICK("workflow_state_id"), PICK("project_id"), PICK("epic_id"), PICK("iteration_id"),      \
        PICK("group_id"), PICK("owner_ids"), PICK("requested_by_id"), {"labels", NULL, label},     \
        PICK("estimate"), PICK("deadline"), PICK("external_id"), PICK("external_links"),           \
        PICK("started"), PICK("completed"), PICK("blocked"), PICK("archived"), PICK("created_at"), \
        PICK("updated_at"), PICK("completed_at")

static const struct pick label[] = {PICK("id"), PICK("name"), PICK("color"), PICK_END};
static const struct pick task[] = {
    PICK("id"),        PICK("description"), PICK("complete"), PICK("completed_at"),
    PICK("owner_ids"), PICK("external_id"), PICK_END};
static const struct pick comment[] = {
    PICK("id"),         PICK("text"),       PICK_AT("url", "app_url"),
    PICK("author_id"),  PICK("parent_id"),  PICK("external_id"),
    PICK("created_at"), PICK("updated_at"), PICK_END};
static const struct pick story[] = {STORY_FIELDS, PICK_END};
static const struct pick whole_story[] = {STORY_FIELDS,
                                          PICK("description"),
                                          {"tasks", NULL, task},
                                          {"comments", NULL, comment},
                                          PICK_END};
static const struct pick found_story[] = {STORY_FIELDS, PICK("description"), PICK_END};
static const struct pick epic[] = {PICK("id"),
                                   PICK("name"),
                                   PICK_AT("url", "app_url"),
                                   PICK("state"),
                                   PICK("epic_state_id"),
                                   PICK("group_ids"),
                                   PICK("owner_ids"),
                                   PICK("requested_by_id"),
                                   {"labels", NULL, label},
                                   PICK("planned_start_date"),
                                   PICK("deadline"),
                                   PICK("external_id"),
                                   PICK("started"),
                                   PICK("completed"),
                                   PICK("archived"),
                                   PICK("created_at"),
                                   PICK("updated_at"),
                                   PICK_END};
static const struct pick state[] = {PICK("id"), PICK("name"), PICK("type"), PICK_END};
static const struct pick workflow[] = {
    PICK("id"), PICK("name"), PICK("default_state_id"), {"states", NULL, state}, PICK_END};
static const struct pick workflows[] = {{"workflows", "", workflow}, PICK_END};

/* ---- What is sent ---- */

#define API   "/api/v3"
#define STORY API "/stories/{story}"

static const char *const story_body[] = {"name",     "description",    "story_type",  "estimate",
                                         "deadline", "external_links", "external_id", NULL};
static const char *const story_update[] = {"name",     "description",    "story_type", "estimate",
                                           "deadline", "external_links", "archived",   NULL};
static const char *const task_body[] = {"description", "complete", "external_id", NULL};
static const char *const comment_body[] = {"text", "parent_id=parent", "external_id", NULL};
static const char *const epic_body[] = {"name",     "description", "planned_start_date",
                                        "deadline", "external_id", NULL};
static const char *const search_query[] = {"query", "page_size|25", "detail|full", NULL};
static const char *const epic_search[] = {"query=name", "page_size|25", "detail|slim", NULL};
static const char *const no_body[] = {NULL};

/* ---- What is called by name ---- */

/* Of stories, their states and tasks: each config has some of these. */
static const struct names_field story_names[] = {
    {"workflow", NULL, "workflow", DIRECTORY_WORKFLOWS, 0},
    {"state", "workflow_state_id", "workflow state", DIRECTORY_WORKFLOWS, NAMES_STATE},
    {"project", "project_id", "project", DIRECTORY_PROJECTS, 0},
    {"epic", "epic_id", "epic", DIRECTORY_EPICS, 0},
    {"iteration", "iteration_id", "iteration", DIRECTORY_ITERATIONS, 0},
    {"team", "group_id", "team", DIRECTORY_TEAMS, 0},
    {"owners", "owner_ids", "member", DIRECTORY_MEMBERS, NAMES_MANY},
    {"requester", "requested_by_id", "member", DIRECTORY_MEMBERS, 0},
    {"followers", "follower_ids", "member", DIRECTORY_MEMBERS, NAMES_MANY},
    {"custom_fields", "custom_fields", "custom field", DIRECTORY_CUSTOM_FIELDS, NAMES_VALUES},
    {NULL, NULL, NULL, DIRECTORY_WORKFLOWS, 0}};
static const struct names_field epic_names[] = {
    {"state", "epic_state_id", "epic state", DIRECTORY_EPIC_STATES, 0},
    {"teams", "group_ids", "team", DIRECTORY_TEAMS, NAMES_MANY},
    {"owners", "owner_ids", "member", DIRECTORY_MEMBERS, NAMES_MANY},
    {"requester", "requested_by_id", "member", DIRECTORY_MEMBERS, 0},
    {"followers", "follower_ids", "member", DIRECTORY_MEMBERS, NAMES_MANY},
    {NULL, NULL, NULL, DIRECTORY_WORKFLOWS, 0}};

static void find_story_names(struct service_call *call)
{
    names_begin(call, story_names);
}

static void find_epic_names(struct service_call *call)
{
    names_begin(call, epic_names);
}

/* Shortcut takes labels as maps, and makes those that are new. */
static void add_names_and_labels(struct service_call *call, struct ops_map *body)
{
    static const struct pick by_name[] = {PICK_AT("name", ""), PICK_END};
    static const struct pick labels[] = {{"labels", NULL, by_name}, PICK_END};
    names_add_body(call, body);
    if (ops_get(call->config, "labels") != 0) {
        pick_add(body, call->config, labels);
    }
}

/* ---- The operations ---- */

static const struct service_pages story_pages = {.list = "data",
                                                 .items = found_story,
                                                 .next = "next",
                                                 .limit = "limit",
                                                 .unique = "id",
                                                 .latest = "updated_at"};

#define MARKER(...)                                                                                \
    {                                                                                              \
        .mark = SERVICE_MARK_VALUE, .into = "external_id", .look_first = "reuse",                  \
        .at = "external_id", .most_pages = 1, __VA_ARGS__                                          \
    }
static const struct service_marker story_marker =
    MARKER(.look = {.method = "POST", .path = API "/stories/search"}, .look_for = "external_id",
           .list = "");
static const struct service_marker task_marker =
    MARKER(.look = {.method = "GET", .path = STORY}, .list = "tasks");
static const struct service_marker comment_marker =
    MARKER(.look = {.method = "GET", .path = STORY "/comments"}, .list = "");
/*
 * Epics cannot be asked for by external_id. One of the same name is found by the search, if it was
 * not made a moment ago; else all are looked through.
 */
static const struct service_marker epic_marker =
    MARKER(.look = {.method = "GET", .path = API "/epics?includes_description=false"}, .list = "",
           .search = {.method = "GET", .path = API "/search/epics", .query = epic_search},
           .search_list = "data");

static const struct service_operation operations[] = {
    {.type = "shortcut.create_story",
     .request = {.method = "POST", .path = API "/stories", .body = story_body},
     .output = story,
     .marker = &story_marker,
     .add_body = add_names_and_labels,
     .execute = find_story_names},
    {.type = "shortcut.update_story",
     .request = {.method = "PUT", .path = STORY, .body = story_update},
     .output = story,
     .subject = "story {story}",
     .add_body = add_names_and_labels,
     .execute = find_story_names},
    {.type = "shortcut.get_story",
     .request = {.method = "GET", .path = STORY},
     .output = whole_story,
     .subject = "story {story}"},
    {.type = "shortcut.search_stories",
     .request = {.method = "GET", .path = API "/search/stories", .query = search_query},
     .output = found_story,
     .pages = &story_pages},
    {.type = "shortcut.add_task",
     .request = {.method = "POST", .path = STORY "/tasks", .body = task_body},
     .output = task,
     .subject = "story {story}",
     .marker = &task_marker,
     .add_body = names_add_body,
     .execute = find_story_names},
    {.type = "shortcut.add_comment",
     .request = {.method = "POST", .path = STORY "/comments", .body = comment_body},
     .output = comment,
     .subject = "story {story}",
     .marker = &comment_marker},
    {.type = "shortcut.link_external",
     .request = {.method = "PUT", .path = STORY, .body = no_body},
     .output = links_output,
     .subject = "story {story}",
     .add_body = links_add_body,
     .execute = links_add},
    {.type = "shortcut.move_workflow_state",
     .request = {.method = "PUT", .path = STORY, .body = no_body},
     .output = story,
     .subject = "story {story}",
     .add_body = names_add_body,
     .execute = find_story_names},
    {.type = "shortcut.list_workflows",
     .request = {.method = "GET", .path = API "/workflows"},
     .output = workflows},
    {.type = "shortcut.create_epic",
     .request = {.method = "POST", .path = API "/epics", .body = epic_body},
     .output = epic,
     .marker = &epic_marker,
     .add_body = add_names_and_labels,
     .execute = find_epic_names},
    {.type = NULL},
};

/* ---- The service ---- */

static const struct service shortcut = {
    .id = "shortcut",
    .name = "Shortcut",
    .base_url = "https://api.app.shortcut.com",
    .auth_header = "Shortcut-Token",
    .auth_prefix = "",
    .operations = operations,
    .check_path = API "/member",
    .token_hint = "Shortcut makes tokens under Settings, Your Account, API Tokens",
    .judge = answers_judge,
    .add_words = answers_add_words,
};

SERVICE_CREATE(shortcut)

#define TYPE(variable, name)                                                                       \
    static const ops_node_type variable =                                                          \
        SERVICE_TYPE(shortcut, "shortcut." name, OPS_NODE_IDEMPOTENT)

TYPE(create_story, "create_story");
TYPE(update_story, "update_story");
TYPE(get_story, "get_story");
TYPE(search_stories, "search_stories");
TYPE(add_task, "add_task");
TYPE(add_comment, "add_comment");
TYPE(link_external, "link_external");
TYPE(move_workflow_state, "move_workflow_state");
TYPE(list_workflows, "list_workflows");
TYPE(create_epic, "create_epic");

OPS_PLUGIN("shortcut", "1.0.0", &create_story, &update_story, &get_story, &search_stories,
           &add_task, &add_comment, &link_external, &move_workflow_state, &list_workflows,
           &create_epic);
