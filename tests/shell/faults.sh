#!/bin/bash
# shellcheck disable=SC2046,SC2317 # options fall into words; functions are called by check
# faults.sh FLOAT_BUILD DOUBLE_BUILD - what goes wrong under a run that was right: a rank that is stopped, memory that is
# refused, folders that vanish or are locked, writes cut short. Each ends in time, with a line and a status that is not 0,
# or goes on to the same bits; the run's file holds every finished step, and from the last checkpoint it goes on.
# With FAULTS=all (make check-faults) on many splits, at many moments, and of nodes. (A rank killed, a full disk:
# refusals.sh and checkpoints.sh.)
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"

tiny=(--config zero3.ini --set model.preset=toy --set model.layers=1)
eight=("${tiny[@]}" --set train.steps=8)
# checkpoints NAME: every second step, as NAME/a-000002.h5 and so on
checkpoints() { echo --set output.checkpoint="$1/a.h5" --set output.checkpoint_every=2; }

cat >faulty <<SCRIPT
#!/bin/bash
export ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0 LD_PRELOAD=$float/tests/faulty.so
exec "$float/bin/sim" "\$@"
SCRIPT
chmod +x faulty

# faulty RANKS ARGUMENT...: under tests/faulty.c, as FAULT and its kind say; what it says is in `out`.
faulty() { sim=$place/faulty train "$@" >out 2>&1; }
# ends STATUS COMMAND...: with that, within 30 seconds, of which nothing that is tested here takes half.
ends() {
    local status=$1 got began=$SECONDS
    shift
    "$@"
    got=$?
    cat out
    [ "$got" -eq "$status" ] && [ $((SECONDS - began)) -lt 30 ]
}
# says PATTERN: in its only line of its own; Open MPI has more.
says() { [ "$(grep '^sim: ' out | grep -vcE 'stopp(ed by|ing on) TERM|warning')" -eq 1 ] && grep -qE "^sim: .*($1)" out; }
# goes_on NAME ARGUMENT...: from the newest of NAME's checkpoints, to the weights of a run that never stopped.
goes_on() {
    local name=$1
    shift
    ends 0 train_to out 2 "${eight[@]}" --set output.checkpoint="$name/a.h5" --set output.weights="$name-w.h5" --output "$name.h5" --resume auto "$@" &&
        grep -q "goes on from $name/a-00000[2-8].h5, after step" out && compare same never-w.h5 "$name-w.h5" && compare steps "$name.h5" 8
}
train_to() {
    local out=$1
    shift
    train "$@" >"$out" 2>&1
}
check "a run that nothing happens to" train 2 "${eight[@]}" --set output.weights=never-w.h5 --output never.h5

# ---- a rank that is stopped ----
# stopping NAME ARGUMENT...: in the background, NAME's run, of which rank $FAULT_RANK stops; `job` is the run, `stopped` the rank.
stopping() {
    local name=$1
    shift
    rm -f "$name.pid"
    FAULT=${FAULT-stop} FAULT_FROM=${FAULT_FROM-$name/a-000002.h5} FAULT_STOPPED=$name.pid faulty "$@" --output "$name.h5" &
    job=$!
    until [ -s "$name.pid" ] || ! kill -0 "$job" 2>/dev/null; do sleep 0.02; done
    read -r stopped <"$name.pid"
}
pauses() {
    FAULT_RANK=1 stopping pause 2 "${eight[@]}" $(checkpoints pause) --set output.weights=pause-w.h5 --set output.stall_timeout=4
    sleep 2
    kill -CONT "$stopped"
    ends 0 wait "$job" && compare same never-w.h5 pause-w.h5 && compare alike never.h5 pause.h5
}
check "stopped for 2 seconds, it goes on to the same bits" pauses
# is_gone PROCESS: within 20 seconds, if nobody may have asked how it ended yet
is_gone() {
    for _ in $(seq 200); do
        [ -e "/proc/$1/exe" ] || return 0
        sleep 0.1
    done
    return 1
}
# stalls RANK RANKS ARGUMENT...: while one is stopped the others tell what they wait for, each once.
stalls() {
    local rank=$1 ranks=$2 other
    shift 2
    FAULT_RANK=$rank stopping stall "$ranks" "$@" --set output.stall_timeout=1
    ends 1 wait "$job" && says "stalled: $((ranks - 1)) of $ranks ranks waited, .* output.stall_timeout = 1 seconds, and rank $rank .process $stopped on .*. did not answer: " || return
    for ((other = 0; other < ranks; other++)); do
        [ "$(grep -cE "^  rank $other waits (at .* of step [0-9]+|outside the steps) for .*, for [0-9.]+ s$" out)" -eq $((other != rank)) ] || return
    done
    grep -qE "^  rank [0-9]+ waits .* (from rank $rank |for rank $rank to take )" out && is_gone "$stopped" && "$float/bin/sim" report stall.h5 >/dev/null
}
check "stopped for good, the others say for what they wait, and end" stalls 1 2 "${eight[@]}" $(checkpoints stall)
check "and from the last checkpoint it goes on" goes_on stall

# ---- memory ----
refused_memory() {
    FAULT=memory FAULT_RANK=1 FAULT_FROM=memory/a-000004.h5 ends 1 faulty 2 "${eight[@]}" $(checkpoints memory) --output memory.h5 &&
        says 'out of memory: [0-9.e-]+ GB more for [a-z0-9 -]+ on top of [0-9.e-]+ GB; try' && compare steps memory.h5 -1
}
check "a rank that is refused memory ends the run in a line, after the steps before" refused_memory
check "and from the last checkpoint it goes on" goes_on memory

# ---- files ----
short_writes() {
    FAULT=short ends 0 faulty 2 "${eight[@]}" --set output.weights=short-w.h5 --output short.h5 && compare same never-w.h5 short-w.h5 &&
        compare alike never.h5 short.h5 && "$float/bin/sim" report short.h5 | grep -q '^short.h5: .*, complete'
}
check "writes cut short are taken up where they ended" short_writes
results_removed() {
    faulty 2 "${tiny[@]}" --set train.steps=100000 $(checkpoints gone) --output gone/run.h5 &
    job=$!
    until compgen -G 'gone/a-*.h5' >/dev/null || ! kill -0 "$job"; do sleep 0.02; done
    rm -rf gone
    ends 1 wait "$job" && says 'gone/run.h5: was removed or replaced while this run recorded its first [0-9]+ steps in it; '
}
check "a results folder that is removed ends the run" results_removed

if [ "${FAULTS:-}" = all ]; then
    # shellcheck source=tests/shell/faults_all.sh
    . "$root/tests/shell/faults_all.sh"
fi
finish
