#!/bin/bash
# bench_dry.sh BUILD [FOLDER] - what dry runs cost: of a trillion parameters on 3072 ranks with more and more microbatches,
# of Llama 3's own layout, and a sweep of GPT-3 175B over all cores. Actions a second are those of the whole run, with its
# file and its report; bytes an action what the process' memory grows by, from the fewest microbatches to these. FOLDER
# gets a chart of the time against the actions.
set -eo pipefail
export LC_ALL=C
sim=$(realpath "$1/bin/sim")
pictures=${2:+$(realpath "$2")}
templates=$(realpath "$(dirname "$0")/../results")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

model() { # KEY=VALUE...: as options
    for key in "$@"; do echo --set "$key"; done
}
trillion=$(model model.preset=megatron-1t train.precision=bf16 train.recompute=full train.microbatch=1 parallel.data=ddp \
    parallel.tp=8 parallel.pp=64)
llama=$(model model.preset=llama3-405b model.attention=flash train.precision=bf16 train.microbatch=1 train.global_batch=2048 \
    parallel.data=zero2 parallel.reduce=step parallel.tp=8 parallel.pp=16 parallel.sequence_parallel=yes \
    parallel.schedule=1f1b)

# cost_of ARGUMENT...: actions, CPU seconds and KB of a dry run
cost_of() {
    local actions=$1 cost
    shift
    rm -f run.h5
    cost=$( { command time -f '%U %S %M' "$sim" --config single.ini "$@" --dry-run --output run.h5 >/dev/null; } 2>&1) ||
        { echo "bench_dry: $cost" >&2 && exit 1; }
    awk -v actions="$actions" '{ print actions, $1 + $2, $3 }' <<<"$cost"
}

# walk NAME PROFILE ACTIONS ARGUMENT...: ACTIONS a microbatch of a rank that stands for others; the ends of a pipeline have
# a few less.
walk() {
    local name=$1 profile=$2 each=$3 round m
    shift 3
    for round in 0 1 2; do
        for m in 128 512 2048 8192; do
            # shellcheck disable=SC2086
            cost_of $((64 * each * m)) $trillion --set train.global_batch=$((6 * m)) --set hardware.profile="$profile" \
                --ranks 3072 "$@"
        done | awk -v name="1T parameters 3072 ranks $name" -v each="$each" -v round=$round '
            NR == 1 { actions = $1; memory = $3 }
            { m = "m = " $1 / 64 / each
              printf "%s,%s,s CPU,%d,%s\n", name, m, round, $2
              printf "%s,%s,M actions/s,%d,%s\n", name, m, round, $1 / $2 / 1e6 }
            NR > 1 { printf "%s,%s,B/action,%d,%s\n", name, m, round, ($3 - memory) * 1024 / ($1 - actions) }'
    done
}

for profile in ideal a100-80gb-dgx; do
    walk $profile $profile 6 --set parallel.schedule=1f1b
    walk "$profile interleaved" $profile 12 --set parallel.schedule=interleaved --set parallel.virtual_stages=2
    walk "$profile zb-h1" $profile 7 --set parallel.schedule=zb-h1
done | tee samples
for round in 0 1 2; do
    # shellcheck disable=SC2086
    cost_of $((16 * 6 * 16)) $llama --ranks 16384 |
        awk -v round=$round '{ printf "Llama 3 405B 16384 ranks,whole run,s CPU,%d,%s\n", round, $2 }'
done

cost=$( { command time -f '%U %S' "$sim" sweep --config 1f1b.ini --ranks 1024 --csv --out sweep \
    --set hardware.profile=a100-80gb-dgx --set model.preset=gpt3-175b --set train.precision=bf16 --set train.global_batch=1536 \
    --set parallel.tp=1,2,4,8 --set parallel.pp=1,2,4,8,16 --set train.microbatch=1,2,3,4,8 \
    --set train.recompute=none,selective,full --set parallel.data=ddp,zero1,zero2,zero3 >sweep.csv; } 2>&1 | tail -n 1)
awk -v cost="$cost" 'NR > 1 { all++ } END {
    split(cost, c, " ")
    printf "sweep of GPT-3 175B 1024 ranks,combinations,1,0,%d\n", all
    printf "sweep of GPT-3 175B 1024 ranks,a combination,ms CPU,0,%s\n", 1e3 * (c[1] + c[2]) / all }' sweep.csv

if [ -n "$pictures" ]; then
    for profile in a100-80gb-dgx ideal; do
        awk -F, -v profile=$profile '$1 ~ profile "$" && $3 == "s CPU" { sub(/m = /, "", $2); print 64 * 6 * $2, $5 }' samples
        printf '\n\n'
    done >costs
    (cd "$templates" && gnuplot -e "DATA='$folder/costs'; NAME1='a100-80gb-dgx'; NAME2='hardware.profile = ideal'; \
        out='$pictures/actions.png'" gallery/actions.gp)
fi
