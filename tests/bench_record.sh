#!/bin/bash
# bench_record.sh BUILD - what time-keeping and recording cost steps of one rank, of two in either way, and of the demo's
# eight (bench_record.c).
set -e
export LC_ALL=C
program=$(realpath "$1/tests/bench_record")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

record() { # RANKS NAME [KEY=VALUE...]
    local ranks=$1 name=$2
    shift 2
    mpirun --quiet -n "$ranks" "$program" "$name" "$folder" hardware.profile=a100-80gb-dgx train.microbatch=0 "$@"
    rm -f "$folder"/*
}
small=(model.layers=6 model.hidden=128 model.heads=4 model.ffn=512 model.vocab=64 model.sequence=32 train.global_batch=24)
record 1 "1 rank: 4 layers 256 wide 2 x 128 tokens" model.layers=4 model.hidden=256 model.heads=8 model.ffn=1024 \
    model.sequence=128 model.vocab=512 train.global_batch=2
record 2 "2 ranks: zero1 6 layers 128 wide 24 x 32 tokens" "${small[@]}" parallel.data=zero1
record 2 "2 ranks: 1f1b of 8 microbatches likewise" "${small[@]}" parallel.pp=2 train.microbatch=3
record 8 "8 ranks: zero3 likewise" "${small[@]}" parallel.data=zero3
