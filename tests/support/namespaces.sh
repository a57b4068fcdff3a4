# shellcheck shell=bash
# namespaces.sh - sourced by what starts nodes in namespaces of their own, of which nothing is left however it ends.

# stop SIGNAL: the first process gone, unshare waits until the kernel has ended all the others.
stop() {
    local first
    trap '' INT TERM HUP
    read -r first _ <"/proc/$outer/task/$outer/children"
    if [ -n "$first" ]; then kill -KILL "$first"; else kill -KILL "$outer"; fi 2>/dev/null
    wait "$outer" 2>/dev/null
    trap - "$1"
    kill -"$1" $$
}

# in_namespaces ARGUMENT...: runs this script with them as the first process of such namespaces, on the caller's input; its
# exit status. That process dies with this one.
in_namespaces() {
    setpriv --pdeathsig KILL unshare --pid --net --uts --ipc --mount --fork --kill-child bash "$0" "$@" <&0 &
    outer=$!
    for signal in INT TERM HUP; do
        # shellcheck disable=SC2064
        trap "stop $signal" $signal
    done
    wait "$outer"
}
