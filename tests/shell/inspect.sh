#!/bin/bash
# inspect.sh FLOAT_BUILD DOUBLE_BUILD - sim inspect and sim diff, of files as sim writes them.
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"

sim=$float/bin/sim
# says STATUS PATTERN... -- COMMAND...: it ends with that, and prints a line of each pattern.
# shellcheck disable=SC2317
says() {
    local status=$1 got pattern patterns=()
    shift
    while [ "$1" != -- ]; do patterns+=("$1") && shift; done
    shift
    "$@" >out 2>&1
    got=$?
    cat out
    [ "$got" -eq "$status" ] || return 1
    for pattern in "${patterns[@]}"; do grep -qE -- "$pattern" out || return 1; done
}
# refused PATTERN COMMAND...: in one line.
# shellcheck disable=SC2317
refused() {
    local pattern=$1
    shift
    says 2 "^sim: (inspect|diff): .*($pattern)" -- "$@" && [ "$(grep -c '^sim: ' out)" -eq 1 ]
}

small=(--config single.ini --set model.hidden=16 --set model.heads=2 --set model.kv_heads=2 --set model.ffn=16 --set model.layers=1
    --set model.sequence=8 --set train.global_batch=2 --set train.microbatch=1 --set train.steps=4)
# run NAME ARGUMENT...: leaves NAME.h5, its weights, first gradients, and checkpoints after steps 2 and 4.
run() {
    local name=$1
    shift
    "${by:-$sim}" "${small[@]}" --set output.weights="$name.w.h5" --set output.gradients="$name.g.h5" \
        --set output.checkpoint="$name.ck.h5" --set output.checkpoint_every=2 --output "$name.h5" "$@" >>made 2>&1
}
run a
run b --set train.seed=2
run on --resume a.ck-000002.h5
run half --set train.precision=fp16
"$sim" "${small[@]}" --dry-run --ranks 2 --output two.h5 >>made 2>&1
by=$double/bin/sim run wide
sweep=("$sim" sweep --config single.ini --set train.global_batch=4 --set 'train.microbatch=1,2' --set hardware.profile=a100-80gb-dgx --ranks 1)
for name in s1 s2; do "${sweep[@]}" --out $name >>made 2>&1; done
goodput=("$sim" goodput --config single.ini --ranks 1 --set hardware.profile=a100-80gb-dgx --steps 100000 --mtbf 0.02 --seeds 3 --intervals '500,2000')
{
    "${goodput[@]}" --out g
    "${goodput[@]}" --out g2 --set train.seed=5
    "${sweep[@]}" --out s3 --set model.layers=1,2
} >>made 2>&1

check "a checkpoint: its step, state, config and tensors" says 0 '^a.ck-000002.h5: a checkpoint after step 2, whole, ' \
    '^  state +2 steps done, 2 updates of the weights, next sample 4$' ' global_batch = 2,' ' hidden = 16,' \
    '^    /model/wpe.weight +\(8, 16\) .* -?0\.[0-9]+ .* 0\.[0-9]+' '^    /optimizer/adam_v/wte.weight ' '^  48 tensors, 8640 values$' -- \
    "$sim" inspect a.ck-000002.h5
check "of fp16 the loss scale, too" says 0 '^  loss scale  65536, for 4 steps$' -- "$sim" inspect half.ck-000004.h5
check "one of the other build" says 0 '^  48 tensors, 8640 values$' -- "$sim" inspect wide.ck-000004.h5
check "a run: its steps, losses and datasets" says 0 '^a.h5: [a-z0-9]+ on 1 rank, complete$' '^  steps +1 to 4 of 4$' '^  loss +[0-9.]+ at the first of them, [0-9.]+ at the last$' \
    '^    /comm/bytes_sent  .*\[4, 1, [0-9]+\] of 8-byte unsigned integers  byte  payload' -- "$sim" inspect a.h5
check "one that goes on" says 0 '^  steps +3 to 4 of 4$' -- "$sim" inspect on.h5
check "weights and gradients" says 0 '^a.w.h5: weights, ' '^a.g.h5: gradients, ' '^    /wte.weight ' -- "$sim" inspect a.w.h5 a.g.h5
check "a sweep" says 0 '^s1/sweep.h5: a sweep of 2 combinations$' '^  keys +train.microbatch = 1, 2$' '^  best +train.microbatch [12]: ' '^    /memory_peak ' -- \
    "$sim" inspect s1/sweep.h5
check "a table of sim goodput" says 0 '^g/goodput.h5: a table of sim goodput, ' '^  job +100000 steps of .* s on 1 rank in 1 node, a failure every 72 s$' \
    '^    /goodput_expected .*1  ' -- "$sim" inspect g/goodput.h5
check "one that is refused keeps no other from being shown" says 2 '^sim: inspect: none.h5: cannot open: ' '^a.w.h5: weights' -- "$sim" inspect none.h5 a.w.h5

check "nothing but the name is other in a copy" says 0 '^  0 of 48 tensors differ$' -- "$sim" diff a.ck-000004.h5 on.ck-000004.h5
check "a run that goes on is as it would have been" says 1 '^  in both +steps 3 to 4$' '^  in A alone  steps 1 to 2$' '^  0 of 2 steps differ' '^  0 of [0-9]+ datasets differ' -- \
    "$sim" diff a.h5 on.h5
check "on other ranks what is of ranks is not compared" says 1 '^    /comm/bytes_sent +not compared: 1 rank in A, 2 in B$' -- "$sim" diff a.h5 two.h5
check "a run with itself" says 0 '^  0 of 4 steps differ' '^  0 of [0-9]+ datasets differ' -- "$sim" diff a.h5 a.h5
check "of another seed every step" says 1 '^    train.seed +1 +2$' '^    3 +[0-9.]+ +[0-9.]+ +' '^  4 of 4 steps differ' '^    /steps/loss +4 of 4 .* step [1-4]: ' -- \
    "$sim" diff a.h5 b.h5
check "and every tensor of it, farthest apart first" says 1 '^    /model/.* [0-9]+ of [0-9]+  .*\[[0-9]+(, [0-9]+)?\]: ' '^  48 of 48 tensors differ$|^    and 2[0-9] that are nearer' -- \
    "$sim" diff a.ck-000004.h5 b.ck-000004.h5
check "steps and samples that are done" says 1 '^    steps done +2 +4$' '^    next sample +4 +8$' -- "$sim" diff a.ck-000002.h5 a.ck-000004.h5
check "gradients in two precisions, exactly" says 1 ' of 16 tensors differ$' -- "$sim" diff a.g.h5 wide.g.h5
check "and to rounding" says 0 '^  0 of 16 tensors differ by more than 1e-05 of the largest value; [0-9]+ by less$' -- "$sim" diff a.g.h5 wide.g.h5 --within 1e-5
check "all tensors, where all are asked for" says 0 '^    /wte.weight +equal$' -- "$sim" diff a.w.h5 on.w.h5 --all
check "a sweep made twice" says 0 '^  0 of 2 combinations fit, ' -- "$sim" diff s1/sweep.h5 s2/sweep.h5
check "one of other keys" says 1 '^    model.layers +not swept +1, 2$' 'combinations are not compared' -- "$sim" diff s1/sweep.h5 s3/sweep.h5

check "goodput of other failures, column by column" says 1 '^    /lost .* 2 of 2 ' -- "$sim" diff g/goodput.h5 g2/goodput.h5
check "and of the same" says 0 '^  0 of [0-9]+ columns differ$' -- "$sim" diff g/goodput.h5 g/goodput.h5

# One byte: weights have no checksum, and tell where it is; what has one is refused. A run's file ends in room that nothing
# fills: there it is one of the text that its config was.
for file in a.w a.ck-000004 s1/sweep a; do
    byte=$(($(stat -c %s $file.h5) - 1500))
    [ $file = a ] && byte=$(grep -abo '^steps = ' a.h5 | head -1 | cut -d: -f1)
    cp $file.h5 damaged.h5 && printf '\x55' | dd of=damaged.h5 bs=1 seek="$byte" conv=notrunc 2>/dev/null
    case $file in
    a.w) check "a byte of weights is found" says 1 '^    /.*  1 of [0-9]+  .*\[[0-9]+(, [0-9]+)?\]: ' '^  1 of 16 tensors differs$' -- "$sim" diff a.w.h5 damaged.h5 ;;
    a) check "a byte of a run is refused" refused 'damaged.h5: .*(damaged|checksum)' "$sim" inspect damaged.h5 ;;
    *) check "a byte of $file is refused" refused 'damaged.h5: .*(as it was written|as the sweep left it|checksum)' "$sim" diff $file.h5 damaged.h5 ;;
    esac
done
head -c 3000 a.ck-000004.h5 >short.h5
check "a file cut short is refused" refused 'short.h5: cannot open: ' "$sim" inspect short.h5
check "a dry run has no losses to compare" says 1 '^  B is dry +and has no losses' -- "$sim" diff a.h5 two.h5
check "what is no HDF5, too" refused 'made: not HDF5, ' "$sim" diff a.h5 made
check "two of different kinds" refused "a.h5 is a run's file, and a.w.h5 is weights; try two of one kind" "$sim" diff a.h5 a.w.h5
check "one alone" refused 'one file alone is given; try sim diff' "$sim" diff a.h5
check "three" refused 'b.h5: a third file; try two at a time' "$sim" diff a.h5 a.h5 b.h5
check "no number" refused '--within -1: not a number from 0 up' "$sim" diff a.h5 a.h5 --within=-1
check "given again" refused 'given again, after --within 1; try one' "$sim" diff a.h5 a.h5 --within=1 --within=2
check "an option of another" refused '--csv: no such option of sim inspect' "$sim" inspect --csv a.h5
check "no file" refused 'no file given; try sim inspect' "$sim" inspect
check "its help" says 0 '^sim diff A.h5 B.h5' -- "$sim" help diff
check "and the other's" says 0 '^sim inspect FILE.h5' -- "$sim" inspect --help
finish
