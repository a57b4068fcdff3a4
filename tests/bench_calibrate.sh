#!/bin/bash
# bench_calibrate.sh BUILD - what `sim calibrate` is worth here: ROUNDS (4) times it measures this machine on 1 rank and
# on 2, and trains the shipped configs on as many. Prints each step as foretold over the step measured: foretold from
# the round whose kernels fit its own machine best, measured the shortest median of all rounds. A machine has slow
# minutes, and they hold both up. Ends with status 1 where one is more than 15 % off. For two cores that do nothing else.
export LC_ALL=C
sim=$(realpath "$1/bin/sim")
rounds=${ROUNDS:-4} steps=${STEPS:-12}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

# predict RANKS CONFIG [SECTION.KEY=VALUE...]: one line of words, ERROR RANKS CONFIG FORETOLD MEASURED, in ms
predict() {
    local ranks=$1 config=$2 key sets=() said
    shift 2
    for key in "$@"; do sets+=(--set "$key"); done
    said=$(mpirun -n "$ranks" "$sim" --config "$config.ini" "${sets[@]}" --set hardware.profile=localhost \
        --set train.steps="$steps" --output "$config.h5" 2>&1 | sed -n 's/^ *predicted *//p')
    [ -n "$said" ] || { echo "bench-calibrate: $config on $ranks: no prediction" >&2 && exit 1; }
    # "222 ms a step by localhost, measured 1.2 s in the median (...)"
    awk -v words="$error $ranks $config${1:+ ($*)}" 'BEGIN { per["s"] = 1000; per["ms"] = 1; per["us"] = 0.001 }
        { print words "\t" $1 * per[$2] "\t" $8 * per[$9] }' <<<"$said"
}

for ((round = 1; round <= rounds; round++)); do
    for ranks in 1 2; do
        error=$(mpirun -n $ranks "$sim" calibrate | sed -n 's/.* of all kinds: median error \(.*\) %/\1/p')
        [ -n "$error" ] || exit 1
        echo "round $round of $rounds, $ranks rank$([ $ranks -eq 1 ] || echo s): kernels fit to $error %" >&2
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
done >seen || exit 1

awk -F '\t' '
    { split($1, word, " "); error = word[1]; ranks = word[2]; name = $1; sub(/^[^ ]* /, "", name) }
    !(name in measured) { order[++count] = name; measured[name] = $3; of[name] = ranks }
    $3 < measured[name] { measured[name] = $3 }
    !(ranks in best) || error + 0 < best[ranks] { best[ranks] = error + 0 }
    { foretold[name, error + 0] = $2 }
    END {
        for (i = 1; i <= count; i++) {
            name = order[i]
            told = foretold[name, best[of[name]]]
            off = 100 * (told / measured[name] - 1)
            if (off > most || -off > most) most = off < 0 ? -off : off
            printf "%-44s foretold %7.1f ms, measured %7.1f ms (%+.1f %%)\n", name, told, measured[name], off
        }
        printf "most: %.1f %% off, of 15 %% allowed\n", most
        exit !(count > 0 && most <= 15)
    }' seen
