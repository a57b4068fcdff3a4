#!/bin/bash
# kills.sh FLOAT_BUILD DOUBLE_BUILD [KILLS [SEED]] - at a moment and of a rank drawn from the seed SIGKILL ends a run
# that writes a checkpoint a step; --resume auto goes on. Weights and steps must be those of a run that never stopped,
# bit for bit, and no draft may stay. Up to 20 kills are of few strategies, and what goes on is killed again, until it
# ends; more are of all strategies and several grids, and each goes on to its end.
kills=${3:-10} seed=${4:-$RANDOM}
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"

# RANKS, and what splits the run over them.
few=("2 parallel.data=zero3" "2 parallel.pp=2 train.microbatch=3")
all=("${few[@]}" "2 parallel.data=dp" "3 parallel.data=ddp" "3 parallel.data=zero1" "4 parallel.data=zero2"
    "2 parallel.tp=2" "4 parallel.tp=4 parallel.sequence_parallel=yes" "4 parallel.pp=4 parallel.schedule=gpipe train.microbatch=3"
    "2 parallel.pp=2 parallel.schedule=naive train.microbatch=3" "4 parallel.pp=2 parallel.data=zero3 train.microbatch=3"
    "2 parallel.pp=2 parallel.schedule=interleaved parallel.virtual_stages=2 train.microbatch=3"
    "4 parallel.pp=2 parallel.schedule=zb-h1 parallel.tp=2 train.microbatch=3" "8 parallel.pp=2 parallel.tp=2 parallel.data=zero1 train.microbatch=3"
    "6 parallel.tp=2 parallel.data=zero3" "2 parallel.data=zero3 train.precision=bf16"
    "4 parallel.tp=2 parallel.data=zero1 train.precision=fp16 train.loss_scale=1024 train.loss_scale_interval=2"
    "2 parallel.data=zero2 parallel.quantize=both" "3 parallel.data=zero3 model.dropout=0.1" "2 parallel.data=zero1 parallel.gather=forward train.optimizer=momentum")
if [ "$kills" -le 20 ]; then splits=("${few[@]}") layers=2 steps=3; else splits=("${all[@]}") layers=4 steps=5; fi
small=(--config single.ini --set model.hidden=16 --set model.heads=4 --set model.kv_heads=4 --set model.ffn=16
    --set "model.layers=$layers" --set model.sequence=8 --set train.global_batch=12 --set "train.steps=$steps"
    --set output.checkpoint=ck/a.h5 --set output.checkpoint_every=1 --set output.weights=weights.h5 --output run.h5)

# launch SPLIT ARGUMENT...: in the folder that it is called in.
launch() {
    local words=() key ranks
    read -r ranks key <<<"$1"
    for key in $key; do words+=(--set "$key"); done
    shift
    exec timeout -k 5 120 mpirun -n "$ranks" "$float/bin/sim" "${small[@]}" "${words[@]}" "$@"
}

# Seconds, and milliseconds since the machine began.
now() { read -r now _ </proc/uptime && echo "$now"; }

# child PROCESS N: its N-th child, from 0, in the order they began, in $child.
child() {
    local file some children=()
    for file in "/proc/$1/task"/*/children; do
        read -ra some <"$file" # false, as no end of a line is behind them
        children+=("${some[@]}")
    done 2>/dev/null
    child=${children[$2]:-}
}

# never WHICH: what the split makes that nobody kills, once. Kills are drawn from the time it takes, from a little before
# it begins to write its first checkpoint on.
declare -A took=() first=()
never() {
    local began job
    [ -z "${took[$1]}" ] || return 0
    mkdir "never$1"
    began=$(now)
    (cd "never$1" && launch "${splits[$1]}" >out 2>&1) &
    job=$!
    while kill -0 $job 2>/dev/null && ! compgen -G "never$1/ck/*" >/dev/null; do sleep 0.02; done
    first[$1]=$(echo "$began $(now)" | awk '{ print 0.7 * ($2 - $1) }')
    wait $job || return 1
    took[$1]=$(echo "$began $(now)" | awk '{ print 0.95 * ($2 - $1) }')
}

drafts() { find "on$1" -name '*.h5.*.tmp' | sort; }

# killed WHICH RANK SECONDS: whether a rank of it was, before all had ended. It goes on where it was killed before.
killed() {
    local job
    mkdir -p "on$1"
    stale=$(drafts "$1") # of an earlier one
    (cd "on$1" && launch "${splits[$1]}" --resume auto >out 2>&1) &
    job=$!
    sleep "$3"
    # the launcher has to have started it; a process that is its own no more has ended
    while kill -0 $job 2>/dev/null; do
        child $job 0
        [ -z "$child" ] || child "$child" "$2"
        [ -z "$child" ] || break
        sleep 0.01
    done
    [ -z "$child" ] || kill -9 "$child" 2>/dev/null
    ! wait $job 2>/dev/null # the shell tells of a launcher that was ended, too
}

# Where the kill found it, in $where, and counted.
before=0 during=0 between=0
find_out() {
    local newest
    newest=$(find "on$1" -path '*/ck/*.h5' -printf '%f\n' | sort | tail -n 1)
    if drafts "$1" | grep -vxF "${stale:-none}" | grep -q /ck/; then
        during=$((during + 1)) where="while a checkpoint was written after ${newest:-none}"
    elif [ -n "$newest" ]; then
        between=$((between + 1)) where="after $newest"
    else
        before=$((before + 1)) where="before the first checkpoint"
    fi
}

# ended WHICH: it goes on to its end.
# shellcheck disable=SC2317
ended() {
    (cd "on$1" && launch "${splits[$1]}" --resume auto >out 2>&1) || { cat "on$1/out" && return 1; }
}

# shellcheck disable=SC2317
as_never() {
    compare same "never$1/weights.h5" "on$1/weights.h5" && compare alike "never$1/run.h5" "on$1/run.h5" &&
        compare steps "on$1/run.h5" "$steps" && "$float/bin/sim" report "on$1/run.h5" | grep -q '^on.*, complete$' && "$float/bin/sim" diff "never$1/ck/a-00000$steps.h5" "on$1/ck/a-00000$steps.h5" &&
        [ -z "$(find "on$1" -name '*.tmp')" ]
}

# shellcheck disable=SC2317
ended_as_never() { ended "$1" && as_never "$1"; }

# verdict WHICH COMMAND: of the split's kills until now.
declare -A of=()
verdict() {
    check "${splits[$1]}: killed ${of[$1]}" "$2" "$1"
    rm -rf "on$1"
    of[$1]=""
}

RANDOM=$seed done=0
echo "# seed $seed"
for ((try = 0; done < kills && try < 4 * kills; try++)); do
    which=$((try % ${#splits[@]}))
    never $which || { cat "never$which/out" && break; }
    rank=$((RANDOM % ${splits[$which]%% *})) part=$((RANDOM * 32768 + RANDOM))
    after=$(echo "$part ${first[$which]} ${took[$which]}" | awk '{ printf "%.3f", $2 + $1 / 2 ^ 30 * ($3 - $2) }')
    if ! killed $which $rank "$after"; then # it had ended
        if [ -z "${of[$which]}" ]; then rm -rf "on$which"; else verdict $which as_never; fi
        continue
    fi
    done=$((done + 1))
    find_out $which
    of[$which]+="${of[$which]:+, }rank $rank at $after s $where"
    [ "$kills" -le 20 ] || verdict $which ended_as_never
done
for which in "${!splits[@]}"; do [ -z "${of[$which]}" ] || verdict "$which" ended_as_never; done
[ "$done" -eq "$kills" ]
ok $? "$done kills: $before before the first checkpoint, $during while one was written, $between between two"
finish
