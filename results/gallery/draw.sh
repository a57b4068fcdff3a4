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
cp stages/memory.png "$gallery/memory-by-stage.png"
cp stages/comm.png "$gallery/bytes-by-strategy.png"
cp all/loss.png "$gallery/loss.png"

for schedule in 1f1b gpipe interleaved; do
    mpirun -n 8 sim --config $schedule.ini --set train.steps=2
done
sim plot results/{1f1b,gpipe,interleaved}.h5 --out pipelines
cp pipelines/gantt.png "$gallery/gantt.png"

# Experts that are left alone, with a loss of their load, and with a bias against it; by an optimizer that does not raise
# again who is never chosen, as Adam does.
for balance in none auxiliary bias; do
    mpirun -n 4 sim --config moe.ini --set moe.balance=$balance --set train.optimizer=momentum \
        --set train.learning_rate=0.3 --set train.steps=400 --output experts/$balance.h5
done
sim plot experts/{none,auxiliary,bias}.h5 --out experts
cp experts/expert_load.png "$gallery/expert-load.png"

# Memory over a step, and the same in 16 bits: nothing of this is computed, only counted.
for schedule in gpipe 1f1b; do
    sim --config $schedule.ini --dry-run --ranks 8 --output timeline/$schedule.h5
done
sim plot timeline/{gpipe,1f1b}.h5 --out timeline
cp timeline/memory_timeline.png "$gallery/memory-timeline.png"

# ZeRO's figure 1: 7.5 G parameters on 64 ranks.
for strategy in ddp zero1 zero2 zero3; do
    sim --config $strategy.ini --set model.layers=36 --set model.hidden=4096 --set model.heads=32 \
        --set model.vocab=50257 --set model.sequence=1024 --set train.precision=bf16 --set train.global_batch=64 \
        --set train.recompute=full --dry-run --ranks 64 --output bf16/$strategy.h5
done
sim plot bf16/{ddp,zero1,zero2,zero3}.h5 --out bf16
cp bf16/memory.png "$gallery/memory-by-stage-bf16.png"

# Korthikanti et al.'s figure 7: Megatron's 22B over tp = 8.
activations() {
    name=$1
    shift
    sim --config tp.ini --set model.preset=megatron-22b --set model.dropout=0.1 --set train.precision=bf16 \
        --set train.global_batch=4 --set parallel.tp=8 "$@" --dry-run --ranks 8 --output "technique/$name.h5"
}
activations "tp alone"
activations "sp" --set parallel.sequence_parallel=yes
activations "selective" --set train.recompute=selective
activations "sp selective" --set parallel.sequence_parallel=yes --set train.recompute=selective
activations "sp flash" --set parallel.sequence_parallel=yes --set model.attention=flash
activations "full" --set train.recompute=full
activations "sp full" --set parallel.sequence_parallel=yes --set train.recompute=full
sim plot technique/{"tp alone",sp,selective,"sp selective","sp flash",full,"sp full"}.h5 --out technique
cp technique/activations.png "$gallery/activations-by-technique.png"

runs=()
for schedule in naive gpipe 1f1b interleaved zb-h1; do
    for batch in 4 8 16 32 64; do
        sim --config $schedule.ini --set train.global_batch=$batch --dry-run --ranks 4 --output $schedule-$batch.h5
        runs+=("$schedule-$batch.h5")
    done
done
sim plot "${runs[@]}" --out microbatches
cp microbatches/bubble_microbatches.png "$gallery/bubble-microbatches.png"

# Time over actions.
"$gallery/../../tests/bench_dry.sh" "$1/.." "$gallery" >/dev/null

# Published steps.
sim validate --out validation
cp validation/validation.png "$gallery/validation.png"

# GPT-3 175B on 1024 A100s: what a sweep finds.
sim sweep --config 1f1b.ini --set hardware.profile=a100-80gb-dgx --set model.preset=gpt3-175b --set train.precision=bf16 \
    --set train.global_batch=1536 --set parallel.data=zero1 --ranks 1024 --set parallel.tp=1,2,4,8 \
    --set parallel.pp=1,2,4,8,16,32 --set train.microbatch=1,2,4 --set train.recompute=none,selective,full --out sweep
cp sweep/sweep.png "$gallery/sweep.png"

# The same model on 2048 nodes that fail as Llama 3's did, where training waits until a checkpoint is written: how often.
sim goodput --config 1f1b.ini --set model.preset=gpt3-175b --set train.precision=bf16 --set train.global_batch=8192 \
    --set parallel.data=zero1 --set parallel.tp=8 --set parallel.pp=16 --set hardware.profile=h100-dgx --ranks 16384 \
    --set output.checkpoint_async=no --out goodput
cp goodput/goodput.png "$gallery/goodput.png"
