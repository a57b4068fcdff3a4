#!/bin/bash
# bench_record.sh BUILD - what time-keeping and recording cost steps of one rank, of two in either way, and of the demo's
# eight (bench_record.c).
set -e -o pipefail
export LC_ALL=C
program=$(realpath "$1/tests/bench_record")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

record() { # UNIT ROUNDS RANKS NAME [KEY=VALUE...]
    local unit=$1 rounds=$2 ranks=$3 name=$4
    shift 4
    mpirun --quiet -n "$ranks" "$program" "$rounds" "$name" "$folder" hardware.profile=a100-80gb-dgx train.microbatch=0 "$@" |
        grep -E ",(ms|$unit),"
    rm -f "$folder"/*
}
# A step of fewer numbers, but of as many actions, kernels and messages, tells what these cost to some microseconds.
twice() { # RANKS NAME [KEY=VALUE...]
    record 1 32 "$@"
    record us 200 "$1" "$2: narrow" "${@:3}" model.hidden=16 model.heads=1 model.ffn=32 model.sequence=8
}
twice 1 "1 rank: 4 layers 256 wide 2 x 128 tokens" model.layers=4 model.hidden=256 model.heads=8 model.ffn=1024 \
    model.sequence=128 model.vocab=512 train.global_batch=2
small=(model.layers=6 model.hidden=128 model.heads=4 model.ffn=512 model.vocab=64 model.sequence=32 train.global_batch=24)
twice 2 "2 ranks: zero1 6 layers 128 wide 24 x 32 tokens" "${small[@]}" parallel.data=zero1
twice 2 "2 ranks: 1f1b of 8 microbatches likewise" "${small[@]}" parallel.pp=2 train.microbatch=3
twice 8 "8 ranks: zero3 likewise" "${small[@]}" parallel.data=zero3
twice 8 "8 ranks: zero1 of 32 experts likewise" "${small[@]}" parallel.data=zero1 parallel.ep=4 moe.experts=32 moe.ffn=64
