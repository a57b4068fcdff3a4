#!/bin/bash
# bench_calibrate.sh BUILD - what `sim calibrate` is worth here: measures this machine on 1 rank and on 2, trains the
# shipped configs on as many, and prints each step as foretold over the step measured, the shortest median of RUNS (3).
# Ends with status 1 where one is more than 15 % off. For a machine with two cores that does nothing else.
export LC_ALL=C
sim=$(realpath "$1/bin/sim")
runs=${RUNS:-3} steps=${STEPS:-12}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
most=0

# predict RANKS CONFIG [SECTION.KEY=VALUE...]
predict() {
    local ranks=$1 config=$2 key sets=() best="" said ratio i
    shift 2
    for key in "$@"; do sets+=(--set "$key"); done
    for ((i = 0; i < runs; i++)); do
        said=$(mpirun -n "$ranks" "$sim" --config "$config.ini" "${sets[@]}" --set hardware.profile=localhost \
            --set train.steps="$steps" --output "$config.h5" 2>&1 | sed -n 's/^ *predicted *//p')
        ratio=$(sed -n 's/.*(\([-+0-9.]*\) %).*/\1/p' <<<"$said")
        [ -n "$ratio" ] || { echo "bench-calibrate: $config on $ranks: no prediction" && exit 1; }
        # the shortest that was measured has the largest ratio
        if [ -z "$best" ] || awk -v a="$ratio" -v b="${best%% *}" 'BEGIN { exit !(a > b) }'; then best="$ratio $said"; fi
    done
    printf '%-12s %d rank%s  %s\n' "$config" "$ranks" "$([ "$ranks" -eq 1 ] && echo ' ' || echo s)" "${best#* }"
    most=$(awk -v a="${best%% *}" -v b="$most" 'BEGIN { a = a < 0 ? -a : a; print (a > b ? a : b) }')
}

for ranks in 1 2; do
    mpirun -n $ranks "$sim" calibrate | grep -E 'of all kinds|of models' || exit 1
    for config in single dp ddp zero1 zero2 zero3; do
        [ $config$ranks = single2 ] || predict $ranks $config
    done
    predict $ranks markov train.warmup=1
    one=(parallel.tp=1 parallel.sequence_parallel=no)
    if [ $ranks -eq 1 ]; then
        predict 1 tp parallel.tp=1
        predict 1 llama parallel.pp=1 "${one[@]}" train.microbatch=2
    else
        for config in tp sp; do predict 2 $config; done
        for config in naive gpipe 1f1b interleaved zb-h1; do predict 2 $config parallel.pp=2; done
        predict 2 llama "${one[@]}"
        predict 2 llama parallel.pp=1
    fi
done
echo "most: $most % off, of 15 % allowed"
awk -v most="$most" 'BEGIN { exit most > 15 }'
