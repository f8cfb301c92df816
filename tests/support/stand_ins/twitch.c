/* SPDX-License-Identifier: Apache-2.0 */

/* A platform for live video, with a chat. */

#include "stand_in.h"

static void answer_sent(ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    stand_in_echo(&out, config);
    stand_in_add_name(&out, "message_id", "chat-", config);
    ops_complete_map(task, &out);
}

static void answer_clip(ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    stand_in_echo(&out, config);
    stand_in_add_name(&out, "id", "clip-", config);
    stand_in_add_name(&out, "url", "https://clips.example/clip-", config);
    ops_complete_map(task, &out);
}

STAND_IN_EXECUTE(send_chat_message, answer_sent)
STAND_IN_EXECUTE(raid_channel, stand_in_answer_echo)
STAND_IN_EXECUTE(create_clip, answer_clip)

static const ops_node_type chat_type =
    OPS_NODE("twitch.send_chat_message", OPS_NODE_PARALLEL, send_chat_message);
static const ops_node_type raid_type =
    OPS_NODE("twitch.raid_channel", OPS_NODE_PARALLEL, raid_channel);
static const ops_node_type clip_type =
    OPS_NODE("twitch.create_clip", OPS_NODE_PARALLEL, create_clip);

OPS_PLUGIN("twitch", "1.0.0", &chat_type, &raid_type, &clip_type);
