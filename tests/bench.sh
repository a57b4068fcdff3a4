#!/bin/bash
# bench.sh BUILD [dry|sweep|clock] [FOLDER] - what simulating costs, as ratios, so that machines compare.
#   dry     CPU time and memory of dry runs: of a trillion parameters on 3072 ranks with more and more microbatches, and of
#           Llama 3's own layout, over the first of them. FOLDER gets a chart of the time against the actions.
#   sweep   of GPT-3 175B, a combination over the same
#   clock   CPU time of training with a machine's clock over that with the ideal one, runs of either by turns
export LC_ALL=C
sim=$(realpath "$1/bin/sim")
part=${2:-all} pictures=${3:+$(realpath "$3")}
templates=$(realpath "$(dirname "$0")/../results")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

# ---- dry runs ----

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
            time / base, c[4] / f[4]; print c[4], time >>"costs" }'
}

dry() {
    local profile microbatches
    for profile in a100-80gb-dgx ideal; do
        first=
        for microbatches in 128 256 512 1024 2048; do
            # shellcheck disable=SC2086
            case_of "1T, 3072 ranks, $profile, m = $microbatches" $((64 * 6 * microbatches)) $trillion \
                --set train.global_batch=$((6 * microbatches)) --set hardware.profile=$profile --ranks 3072
        done
        printf '\n\n' >>costs
    done
    if [ -n "$pictures" ]; then
        (cd "$templates" && gnuplot -e "DATA='$folder/costs'; NAME1='a100-80gb-dgx'; NAME2='hardware.profile = ideal'; \
            out='$pictures/actions.png'" gallery/actions.gp)
    fi
    # shellcheck disable=SC2086
    case_of "Llama 3 405B, 16384 ranks" $((16 * 6 * 16)) $llama --ranks 16384
}

# ---- a sweep ----

# One over all cores: how long it took, and CPU time a combination.
sweep() {
    local cost
    cost=$( { command time -f '%U %S %e' "$sim" sweep --config 1f1b.ini --ranks 1024 --csv --out sweep \
        --set hardware.profile=a100-80gb-dgx --set model.preset=gpt3-175b --set train.precision=bf16 --set train.global_batch=1536 \
        --set parallel.tp=1,2,4,8 --set parallel.pp=1,2,4,8,16 --set train.microbatch=1,2,3,4,8 \
        --set train.recompute=none,selective,full --set parallel.data=ddp,zero1,zero2,zero3 >sweep.csv; } 2>&1 | tail -n 1)
    awk -F, -v cost="$cost" -v first="$first" 'NR > 1 { all++; refused += /,refused,/ } END {
        split(cost, c, " "); split(first, f, " "); time = c[1] + c[2]
        printf "%-34s %9d combinations, %d refused: %.1f s CPU, %.1f s in all   a combination time x %5.3f\n",
            "a sweep, GPT-3 175B, 1024 ranks", all, refused, time, c[3], time / all / (f[1] + f[2]) }' sweep.csv
}

# ---- the clock ----

cpu() { # COMMAND...: its seconds
    { command time -f '%U %S' "$@" >/dev/null; } 2>&1 | awk 'END { print $1 + $2 }'
}
# clock_of NAME COMMAND...: by the medians, and by the least of either, on which what else the machine does weighs least;
# beside them the ideal clock's over its own again, which says how far such ratios can be trusted here and now
clock_of() {
    local name=$1 rounds=7 i
    shift
    rm -f cpu.*
    for ((i = 0; i < rounds; i++)); do
        rm -f ideal*.h5 machine*.h5 again*.h5
        cpu "$@" --set hardware.profile=ideal --output ideal.h5 >>cpu.ideal
        cpu "$@" --set hardware.profile=a100-80gb-dgx --output machine.h5 >>cpu.machine
        cpu "$@" --set hardware.profile=ideal --output again.h5 >>cpu.again
    done
    paste <(sort -g cpu.ideal) <(sort -g cpu.machine) <(sort -g cpu.again) | awk -v name="$name" '
        { a[NR] = $1; b[NR] = $2; c[NR] = $3 }
        END { m = int((NR + 1) / 2)
            printf "%-34s %7.2f s CPU; with a machine'"'"'s clock x %.3f, by the least x %.3f; the same again x %.3f, x %.3f\n",
                name, a[m], b[m] / a[m], b[1] / a[1], c[m] / a[m], c[1] / a[1] }'
}

clock() {
    local small="--set model.hidden=64 --set train.microbatch=1 --set train.steps=60"
    # shellcheck disable=SC2086
    clock_of "1 rank, steps of some 50 ms" "$sim" --config 1f1b.ini $small --set parallel.pp=1
    # shellcheck disable=SC2086
    clock_of "2 ranks, likewise, zero1" mpirun -n 2 "$sim" --config zero1.ini $small
    clock_of "2 ranks, 1f1b.ini" mpirun -n 2 "$sim" --config 1f1b.ini --set parallel.pp=2 --set train.steps=20
}

case $part in
dry) dry ;;
sweep) dry >/dev/null && sweep ;;
clock) clock ;;
*) dry && sweep && clock ;;
esac
