#!/bin/bash
# draw.sh BIN - the README's charts, from runs made here and now (`make gallery`).
set -eu
gallery=$(cd "$(dirname "$0")" && pwd)
export PATH="$1:$PATH"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
mpirun -n 1 sim --config single.ini
for strategy in dp ddp zero1 zero2 zero3; do
    mpirun -n 8 sim --config $strategy.ini
done
sim plot results/{dp,ddp,zero1,zero2,zero3}.h5 --out stages
sim plot results/{single,dp,ddp,zero1,zero2,zero3}.h5 --out all
sim plot results/zero3.h5 --out zero3
cp stages/memory.png "$gallery/memory-by-stage.png"
cp stages/comm.png "$gallery/bytes-by-strategy.png"
cp all/loss.png "$gallery/loss.png"
cp zero3/memory.png "$gallery/zero3-memory.png"
cp zero3/step_time.png "$gallery/zero3-step-time.png"

for schedule in 1f1b gpipe interleaved; do
    mpirun -n 8 sim --config $schedule.ini --set train.steps=2
done
sim plot results/{1f1b,gpipe,interleaved}.h5 --out pipelines
cp pipelines/gantt.png "$gallery/gantt.png"

runs=()
for schedule in naive gpipe 1f1b interleaved zb-h1; do
    for batch in 4 8 16 32 64; do
        sim --config $schedule.ini --set train.global_batch=$batch --dry-run --ranks 4 --output $schedule-$batch.h5
        runs+=("$schedule-$batch.h5")
    done
done
sim plot "${runs[@]}" --out microbatches
cp microbatches/bubble_microbatches.png "$gallery/bubble-microbatches.png"
