/* SPDX-License-Identifier: Apache-2.0 */

/* A program that mixes and sends a video stream. */

#include "stand_in.h"

static void answer_saved(ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    stand_in_echo(&out, config);
    ops_map_text(&out, "folder", "/recordings");
    ops_complete_map(task, &out);
}

static void answer_stopped(ops_task task, ops_val config)
{
    (void)config;
    struct ops_map out = ops_map_begin(task);
    ops_map_bool(&out, "streaming", 0);
    ops_complete_map(task, &out);
}

STAND_IN_EXECUTE(set_current_scene, stand_in_answer_echo)
STAND_IN_EXECUTE(stop_streaming, answer_stopped)
STAND_IN_EXECUTE(save_replay_buffer, answer_saved)

static const ops_node_type scene_type =
    OPS_NODE("obs.set_current_scene", OPS_NODE_PARALLEL, set_current_scene);
static const ops_node_type stop_type =
    OPS_NODE("obs.stop_streaming", OPS_NODE_PARALLEL, stop_streaming);
static const ops_node_type save_type =
    OPS_NODE("obs.save_replay_buffer", OPS_NODE_PARALLEL, save_replay_buffer);

OPS_PLUGIN("obs", "1.0.0", &scene_type, &stop_type, &save_type);
