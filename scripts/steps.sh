# shellcheck shell=bash
# What every script here shares; sourced, never run. Sets `root` and goes there.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

# One line that says what happens next.
say() { printf '%s\n' "== $*"; }

# One line to stderr, then the end.
fail() {
    printf '%s\n' "${0##*/}: $*" >&2
    exit 1
}

# The comment at the top of the script that runs.
usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; }

# How many compilers fit: one per core, and 1.5 GB of free memory for each (Beast under the sanitizers
# takes that much). KEYGATE_JOBS overrides.
jobs_that_fit() {
    local cores memory fit
    if [[ -n ${KEYGATE_JOBS:-} ]]; then
        printf '%s\n' "$KEYGATE_JOBS"
        return
    fi
    cores=$(nproc)
    memory=$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo)
    fit=$((memory < cores ? memory : cores))
    printf '%s\n' "$((fit < 1 ? 1 : fit))"
}

# Shadow memory of the sanitizers does not fit under every layout that the kernel draws: prints what a command
# is put behind to have always the same one, where that is allowed.
same_layout() {
    if setarch "$(uname -m)" -R true 2>/dev/null; then printf '%s\n' "setarch $(uname -m) -R"; else echo; fi
}

# Runs a command with its output in a file; says every half minute that it still goes on, and shows the
# end of the file when the command fails.
#   logged FILE COMMAND ARGUMENT...
logged() {
    local log=$1 pid status=0 tick=0
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.2
        tick=$((tick + 1))
        if ((tick % 150 == 0)); then
            printf '   … %s\n' "$(tail -n 1 "$log" | cut -c 1-100)"
        fi
    done
    wait "$pid" || status=$?
    if ((status != 0)); then
        printf '%s\n' "   failed (status $status); the end of ${log#"$root"/}:"
        tail -n 60 "$log" | sed 's/^/   | /'
    fi
    return "$status"
}
