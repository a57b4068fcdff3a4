#!/bin/bash
# calibrate.sh FLOAT_BUILD DOUBLE_BUILD - sim calibrate on MPI's ranks: what it writes is a profile, a dry run takes it,
# a real run's report has what was foretold, and nothing is lost. No seconds are held to any: machines differ.
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"
sim=$float/bin/sim
local=(--set hardware.profile=localhost)

# says STATUS PATTERN COMMAND...
# shellcheck disable=SC2317
says() {
    local status=$1 pattern=$2 got
    shift 2
    "$@" >said 2>&1
    got=$?
    [ "$got" -eq "$status" ] && grep -qE -- "$pattern" said && return
    cat said
    return 1
}
few=(--set train.steps=3 --set model.layers=2)

check "no numbers before anything is measured" says 2 "no localhost.ini in .*; try mpirun -n 2 sim calibrate first" \
    "$sim" --config zero3.ini "${local[@]}" --dry-run
check "a place that cannot be written is refused before it is measured" \
    says 2 'sim: /proc/here.ini: cannot create' "$sim" calibrate --out /proc/here.ini
check "bad options are refused on all ranks in one line" says 2 "calibrate: --fast: no such option" train 2 calibrate --fast
check "three ranks measure this machine" says 0 'all-reduce, 4 steps of 1.024 kB' train 3 calibrate --seconds 0.1
check "and each kind of kernel" grep -qE '^  [0-9]+ shapes of all kinds: median error [0-9.]+ %$' said
check "how far apart its rounds were" grep -qE '^measured in [0-9]+ round' said
check "the file says, too" grep -qE '^; This machine as .* on 3 ranks, .*, in [0-9]+ round' localhost.ini
check "what they wrote is a profile, and foretells" says 0 'simulated .* a step, .* on 3 of localhost$' \
    "$sim" --config zero3.ini "${local[@]}" --dry-run --ranks 3
# a core for each of 64, so that one profile does for any machine
sed -i 's/^devices = .*/devices = 64/' localhost.ini
cp localhost.ini three.ini
check "one rank has no links" says 0 'one rank: no links to measure' train 1 calibrate --seconds=0.1 --all
check "every shape is told" grep -q '^  matmul 1024 x 1024 x 1024, alone ' said
check "the earlier file is kept" cmp localhost.1.ini three.ini
check "a run's report has its step as foretold" says 0 '^  predicted +[0-9.]+ .*s a step by localhost, measured [0-9.]+ .*\([-+][0-9.]+ %\)$' \
    train 1 --config single.ini "${few[@]}" "${local[@]}" --output here.h5
check "and what of it is computing" grep -qE '^  computing +[0-9.]+ .*s of it, measured [0-9.]+ .*s of CPU time in step [1-3] on rank 0 \([-+][0-9.]+ %\)$' said
core=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)
check "ranks that share a core waited for it" says 0 '^  waiting +[0-9.]+ .*s of it, measured [0-9.]+ .*s: ranks waited for each other, or for a core' \
    timeout 60 mpirun --bind-to none -n 2 taskset -c "$core" "$sim" --config single.ini "${few[@]}" "${local[@]}" --output shared.h5
products=$(sed -n "s/^; what a core makes .* train.matmul = auto: //p" localhost.ini)
check "it took the products that were measured" grep -aqF "${products:-no products are named}" here.h5
check "and as a dry run foretold it" "$sim" --config single.ini "${few[@]}" "${local[@]}" --dry-run --ranks 1 --output dry.h5
simulated() { "$sim" report --json "$1" | sed 's/.*"simulated_step_s": \([^,]*\),.*/\1/;t;d'; }
check "to the same bit" test "$(simulated here.h5)" = "$(simulated dry.h5)"
sed -i 's/^host = .*/host = elsewhere, A Processor/' localhost.ini
check "another machine's profile foretells nothing here" says 0 'on 1 of localhost, which is not the machine it trained on' \
    train 1 --config single.ini "${few[@]}" "${local[@]}" --output there.h5
finish
