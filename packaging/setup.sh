# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What quickstart and test share: missing packages, configuring, building. Sourced, by bash, with
# the project's folder as the working folder.

# Says what happens, beside the program's own output.
say() {
    printf '%s\n' "$*" >&2
}

# Runs a command whose output is shown only when it fails: quietly LOG COMMAND...
quietly() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    if ! "$@" >"$log" 2>&1; then
        say "failed: $*"
        tail -n 100 "$log" >&2
        say "(the whole output is in $log)"
        return 1
    fi
}

# The packages of the given kinds that packaging/packages lists: wanted_packages build run test
wanted_packages() {
    local kinds=" $* " name kind
    while read -r name kind _; do
        if [[ -n $name && $name != \#* && $kinds == *" $kind "* ]]; then
            printf '%s\n' "$name"
        fi
    done <packaging/packages
}

is_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Installs what is missing of the given kinds; without anything missing, no network is used.
install_packages() {
    local missing=() name as_root=()
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "no apt here: install by hand what packaging/packages lists"
        return 0
    fi
    for name in $(wanted_packages "$@"); do
        is_installed "$name" || missing+=("$name")
    done
    if [[ ${#missing[@]} -eq 0 ]]; then
        return 0
    fi
    if [[ $(id -u) -ne 0 ]]; then
        if ! command -v sudo >/dev/null; then
            say "these packages are missing, and there is no sudo to install them:"
            say "    apt-get install --no-install-recommends ${missing[*]}"
            return 1
        fi
        as_root=(sudo)
    fi
    say "installing: ${missing[*]}"
    local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
        apt-get install -y --no-install-recommends "${missing[@]}")
    # The package lists may be absent or old: they are fetched when the first try fails.
    if ! "${install[@]}" >/dev/null 2>&1; then
        quietly build/packages.log "${as_root[@]}" apt-get update
        quietly build/packages.log "${install[@]}"
    fi
}

# Configures and builds a folder, each when needed: build_tree FOLDER CMAKE_OPTION...
build_tree() {
    local folder=$1 generator=()
    shift
    if [[ ! -f $folder/CMakeCache.txt ]] && command -v ninja >/dev/null; then
        generator=(-G Ninja)
    fi
    if [[ ! -f $folder/built ]]; then
        say "building in $folder (the first time takes about a minute)"
    fi
    # The build configures again by itself when its files change; options must be told to it.
    if [[ $# -gt 0 || ! -f $folder/built ]]; then
        quietly "$folder/configure.log" cmake -S . -B "$folder" "${generator[@]}" "$@"
    fi
    quietly "$folder/build.log" cmake --build "$folder" --parallel "$(nproc)"
    touch "$folder/built"
}
