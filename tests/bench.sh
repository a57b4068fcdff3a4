#!/bin/bash
# bench.sh BUILD - what dry runs cost: CPU time and memory of a trillion parameters on 3072 ranks with more and more
# microbatches, of Llama 3's own layout, and of a sweep of GPT-3 175B, as ratios to the first of them, so that machines
# compare.
export LC_ALL=C
sim=$(realpath "$1/bin/sim")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

model() { # KEY=VALUE...: as options
    for key in "$@"; do echo --set "$key"; done
}
trillion=$(model model.preset=megatron-1t train.precision=bf16 train.recompute=full train.microbatch=1 parallel.data=ddp \
    parallel.tp=8 parallel.pp=64 parallel.schedule=1f1b)
llama=$(model model.preset=llama3-405b model.attention=flash train.precision=bf16 train.microbatch=1 train.global_batch=2048 \
    parallel.data=zero2 parallel.reduce=step parallel.tp=8 parallel.pp=16 parallel.sequence_parallel=yes \
    parallel.schedule=1f1b)

first=
# case_of NAME ACTIONS ARGUMENT...: the ends of a pipeline have a few actions less
case_of() {
    local name=$1 actions=$2 cost
    shift 2
    rm -f run*.h5
    cost=$( { command time -f '%U %S %M' "$sim" --config single.ini "$@" --dry-run --output run.h5 >/dev/null; } 2>&1) ||
        { echo "bench: $name: $cost" && exit 1; }
    first=${first:-$cost $actions}
    # shellcheck disable=SC2086
    awk -v name="$name" -v cost="$cost $actions" -v first="$first" 'BEGIN {
        split(cost, c); split(first, f); time = c[1] + c[2]; base = f[1] + f[2]
        printf "%-34s %9d actions %7.2f s CPU %7.1f MB   time x %5.2f, actions x %5.2f\n", name, c[4], time, c[3] / 1e3,
            time / base, c[4] / f[4] }'
}
for microbatches in 128 256 512 1024 2048; do
    # shellcheck disable=SC2086
    case_of "1T, 3072 ranks, $microbatches microbatches" $((64 * 6 * microbatches)) $trillion \
        --set train.global_batch=$((6 * microbatches)) --ranks 3072
done
# shellcheck disable=SC2086
case_of "Llama 3 405B, 16384 ranks" $((16 * 6 * 16)) $llama --ranks 16384

# One sweep over all cores: how long it took, and CPU time a combination.
cost=$( { command time -f '%U %S %e' "$sim" sweep --config 1f1b.ini --ranks 1024 --csv --out sweep \
    --set hardware.profile=a100-80gb-dgx --set model.preset=gpt3-175b --set train.precision=bf16 --set train.global_batch=1536 \
    --set parallel.tp=1,2,4,8 --set parallel.pp=1,2,4,8,16 --set train.microbatch=1,2,3,4,8 \
    --set train.recompute=none,selective,full --set parallel.data=ddp,zero1,zero2,zero3 >sweep.csv; } 2>&1 | tail -n 1)
awk -F, -v cost="$cost" -v first="$first" 'NR > 1 { all++; refused += /,refused,/ } END {
    split(cost, c, " "); split(first, f, " "); time = c[1] + c[2]
    printf "%-34s %9d combinations, %d refused: %.1f s CPU, %.1f s in all   a combination time x %5.3f\n",
        "a sweep, GPT-3 175B, 1024 ranks", all, refused, time, c[3], time / all / (f[1] + f[2]) }' sweep.csv
