# SPDX-License-Identifier: Apache-2.0
# For the shell steps of scenarios, which begin with: . "$SOURCE/tests/scenario/engine.sh"

# The process that is the engine of the state folder, or was the last one.
engine() { # FOLDER
  cut -d ' ' -f 2 "$1/state.lock"
}

# One that was killed is not gone at once: its lock is free when the last of its threads is.
is_there() { # PROCESS
  awk '/^State:/ && $2 !~ /[ZX]/ || /^Threads:/ && $2 > 1 { there = 1 } END { exit !there }' \
    "/proc/$1/status" 2>/dev/null
}

wait_for_end() { # PROCESS
  while is_there "$1"; do sleep 0.05; done
}

kill_engine() { # FOLDER
  killed=$(engine "$1")
  kill -9 "$killed"
  wait_for_end "$killed"
}

# Tries the command for a minute; what it said last is in the file `out`.
until_ok() { # COMMAND
  for _ in $(seq 1200); do
    if eval "$1" >out 2>&1; then return 0; fi
    sleep 0.05
  done
  cat out
  echo "never: $1"
  return 1
}
