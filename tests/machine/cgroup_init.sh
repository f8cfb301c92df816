#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# The first process of the machine that cgroup.py starts: runs opstream in each kind of group, and
# prints what came of it, each behind a line "@@ name".
B=/opstream/bin/opstream
export PATH=/bin OPSTREAM_LOG=warn HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
mount -t devtmpfs dev /dev
chmod 1777 /tmp
exec </dev/null >/dev/ttyS0 2>&1
C=/sys/fs/cgroup
mount -t cgroup2 -o nsdelegate cgroup $C

say() { echo "@@ $1"; }
sleepers() { pidof sleep | wc -w; }
# What the engine's groups are below a folder, and which processes are left.
left() {
    say "$1 left"
    find "$2" -name 'opstream-engine-*' -o -name 'step-*'
    echo "sleepers $(sleepers)"
    rm -f /tmp/full* /tmp/again
}
# in_group FOLDER COMMAND...: in that group, which is there.
in_group() { sh -c 'echo 0 > "$1/cgroup.procs" && shift && exec "$@"' sh "$@"; }
say "kernel $(uname -r)"
say "top version"; $B version -v
say "top run"; $B run --ephemeral --json /limits.yaml; left top $C

echo "+memory +pids" > $C/cgroup.subtree_control
mkdir $C/svc
say "svc version"; in_group $C/svc $B version -v
say "svc run"; in_group $C/svc $B run --ephemeral --json /limits.yaml; left svc $C/svc

mkdir $C/shared
sleep 9000 & OTHER=$!
echo $OTHER > $C/shared/cgroup.procs
say "shared version"; in_group $C/shared $B version -v
say "shared run"; in_group $C/shared $B run --ephemeral --json /limits.yaml
kill $OTHER; wait $OTHER; left shared $C/shared

mkdir $C/user
chown 1000 $C/user $C/user/cgroup.procs $C/user/cgroup.subtree_control $C/user/cgroup.threads
say "user version"; in_group $C/user su user -c "exec $B version -v"
say "user run"; in_group $C/user su user -c "exec $B run --ephemeral --json /limits.yaml"
left user $C/user
say "stranger version"; su user -c "exec $B version -v"

mkdir $C/only
say "only version"
echo "-memory" > $C/cgroup.subtree_control
in_group $C/only $B version -v
echo "+memory" > $C/cgroup.subtree_control

mkdir $C/full
echo 1 > $C/full/cgroup.max.descendants
say "full run"; in_group $C/full $B run --ephemeral --json /mild.yaml

# What an engine that was killed leaves, the next one ends.
$B run --ephemeral /killed.yaml > /dev/null 2>&1 &
RUNNER=$!
for i in $(seq 300); do test "$(sleepers)" -ge 3 && break; sleep 0.1; done
kill -9 $RUNNER
wait $RUNNER
left "killed before" $C
say "killed run"; $B run --ephemeral --json /mild.yaml
left "killed after" $C

# An engine that a step starts in the background lives on when its group is ended.
mkdir $C/nested
say "nested run"; in_group $C/nested $B run --ephemeral --json /outer.yaml
for i in $(seq 300); do test -e /tmp/inner.done && break; sleep 0.1; done
say "nested done"; cat /tmp/inner.done

say "cost"
cat /proc/uptime
$B run --ephemeral --json /many_free.yaml > /dev/null; cat /proc/uptime
$B run --ephemeral --json /many.yaml > /dev/null; cat /proc/uptime
say end
poweroff -f
