# shellcheck shell=bash disable=SC2034
# tap.sh - sourced by the shell suites: TAP lines, a folder of one's own, sim under mpirun.
#
# A suite is called with FLOAT_BUILD DOUBLE_BUILD and ends with finish.
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
float=$root/$1 double=$root/$2
case $1 in /*) float=$1 ;; esac
case $2 in /*) double=$2 ;; esac
place=$(mktemp -d)
number=0 failures=0
# Ranks that wait let others compute; and where one ends with an error, mpirun ends the others at once, not after a second.
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_odls_base_sigkill_timeout=0
export OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader # as in run.sh
if [ "$(id -u)" -eq 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
clean_up() { cd / && rm -rf "$place"; }
trap clean_up EXIT
cd "$place" || exit 1

# From here on what interrupts a suite first stops what it runs in the background, process $running.
stop_when_interrupted() {
    running=
    trap interrupted INT TERM HUP
}
# shellcheck disable=SC2317
interrupted() {
    trap '' INT TERM HUP
    if [ -n "$running" ]; then kill -TERM "$running" && wait "$running"; fi 2>/dev/null
    exit 130
}

# ok STATUS NAME: one verdict; $place/log explains a bad one.
ok() {
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        failures=$((failures + 1))
        echo "not ok $number - $2"
        [ -f "$place/log" ] && tail -n 15 "$place/log" | sed 's/^/# /'
    fi
}

skip() {
    number=$((number + 1))
    echo "ok $number # SKIP $1"
}

# check NAME COMMAND...: the command says yes.
check() {
    local name=$1
    shift
    "$@" >"$place/log" 2>&1 </dev/null
    ok $? "$name"
}

# train RANKS ARGUMENT...: under mpirun, or alone where it is one rank, with a time limit.
train() {
    local launcher=(mpirun -n "$1")
    [ "$1" -gt 1 ] || launcher=()
    shift
    timeout -k 5 120 "${launcher[@]}" "${sim:-$float/bin/sim}" "$@"
}

# The sanitizers' runtime, which wants to be loaded before anything preloaded, in a build that has it.
asan() { ldd "$float/bin/sim" | grep -o '/[^ ]*libasan[^ ]*' | head -n 1; }

compare() { "$float/tests/compare" "$@"; }

finish() {
    echo "1..$number"
    exit $((failures > 0))
}
