#!/bin/bash
# bench_calibrate.sh BUILD - what `sim calibrate` is worth here: ROUNDS (5) times it measures this machine and trains the
# shipped configs, on 1 rank and on 2. Prints each step as foretold over the step measured, each the fastest of all rounds,
# as a machine beside others only ever adds to what a step takes, more in one minute than in the next; and how far the
# slowest round's step was from the fastest's, which nobody can foretell, beside the round whose ratio is the median. Ends
# with status 1 where the fastest are more than 15 % apart. For two cores that do nothing else; 9 minutes.
export LC_ALL=C
sim=$(realpath "$1/bin/sim")
rounds=${ROUNDS:-5} steps=${STEPS:-20}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

# predict RANKS CONFIG [SECTION.KEY=VALUE...]: a line, of what it ran, what was foretold and measured, in ms
predict() {
    local ranks=$1 config=$2 key sets=(--set train.threads=1) said
    shift 2
    for key in "$@"; do sets+=(--set "$key"); done
    said=$(mpirun -n "$ranks" "$sim" --config "$config.ini" "${sets[@]}" --set hardware.profile=localhost \
        --set train.steps="$steps" --output "$config.h5" 2>&1 | sed -n 's/^ *predicted *//p')
    [ -n "$said" ] || { echo "bench-calibrate: $config on $ranks: no prediction" >&2 && exit 1; }
    # "222 ms a step by localhost, measured 1.2 s in the median (...)"
    awk -v what="$config on $ranks${1:+, $1}" 'BEGIN { per["s"] = 1000; per["ms"] = 1; per["us"] = 0.001 }
        { print what "\t" $1 * per[$2] "\t" $8 * per[$9] }' <<<"$said"
}

# measure RANKS: the machine as it is now.
measure() {
    rm -f localhost.ini
    mpirun -n "$1" "$sim" calibrate --seconds 4 >/dev/null || exit 1
}

one=(parallel.tp=1 parallel.sequence_parallel=no)
for ((round = 1; round <= rounds; round++)); do
    echo "round $round of $rounds" >&2
    measure 1
    for config in single dp ddp; do predict 1 $config; done
    measure 1
    for config in zero1 zero2 zero3; do predict 1 $config; done
    measure 1
    predict 1 markov train.warmup=1
    predict 1 tp parallel.tp=1
    predict 1 llama parallel.pp=1 "${one[@]}" train.microbatch=2
    measure 2
    for config in dp ddp zero1; do predict 2 $config; done
    measure 2
    for config in zero2 zero3; do predict 2 $config; done
    predict 2 markov train.warmup=1
    measure 2
    for config in tp sp; do predict 2 $config; done
    predict 2 llama "${one[@]}"
    measure 2
    for config in naive gpipe 1f1b; do predict 2 $config parallel.pp=2; done
    measure 2
    for config in interleaved zb-h1; do predict 2 $config parallel.pp=2; done
    predict 2 llama parallel.pp=1
done >seen || exit 1

awk -F '\t' -v rounds="$rounds" '
    function middle(ratios,    i, k, n, r, t) {
        n = split(ratios, r, " ")
        for (i = 2; i <= n; i++) for (k = i; k > 1 && r[k] < r[k - 1]; k--) { t = r[k]; r[k] = r[k - 1]; r[k - 1] = t }
        return r[int(n / 2 + 1)]
    }
    { if (!($1 in number)) { number[$1] = ++count; name[count] = $1; foretold[count] = fastest[count] = 1e300 }
      n = number[$1]
      if ($2 < foretold[n]) foretold[n] = $2
      if ($3 < fastest[n]) fastest[n] = $3
      if ($3 > slowest[n]) slowest[n] = $3
      ratios[n] = ratios[n] " " $2 / $3 }
    END { for (n = 1; n <= count; n++) {
              off = 100 * (foretold[n] / fastest[n] - 1)
              if (off > most || -off > most) most = off < 0 ? -off : off
              printf "%-36s foretold %7.1f ms, measured %7.1f ms (%+.1f %%; in the median round %+.1f %%); slowest %+.0f %% of fastest\n",
                     name[n], foretold[n], fastest[n], off, 100 * (middle(ratios[n]) - 1), 100 * (slowest[n] / fastest[n] - 1) }
          printf "most: %.1f %% off, of 15 %% allowed\n", most
          exit !(count > 0 && most <= 15) }' seen
