#!/bin/bash
# precision.sh FLOAT_BUILD DOUBLE_BUILD - 16-bit runs as a user makes them: the loss after 200 steps beside fp32's, an
# overflow survived, files without the scale; and dry runs of the largest presets.
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"

# ---- 200 steps ----
short="--set train.steps=200 --set train.global_batch=12 --set model.preset=toy --set train.warmup=20 --set parallel.data=zero2"
for precision in fp32 bf16 fp16; do
    first=$([ $precision = fp16 ] && echo --set train.loss_scale=1e9) # too large
    # shellcheck disable=SC2086
    check "$precision trains" train 2 --config markov.ini $short --set train.precision=$precision $first \
        --output $precision.h5 ${beside:+--set output.baseline=$beside}
    beside=fp32.h5
    check "$precision bytes equal the formula" compare bytes $precision.h5
    check "$precision memory equals the formula" compare memory $precision.h5
done
check "bf16 ends within 1 % of fp32" compare beside bf16.h5 fp32.h5 1
check "fp16 ends within 1 % of fp32" compare beside fp16.h5 fp32.h5 1
# shellcheck disable=SC2086
check "8 bits between replicas train" train 2 --config markov.ini $short --set parallel.quantize=both \
    --set output.baseline=fp32.h5 --output int8.h5
check "8 bits between replicas end within 1 % of fp32" compare beside int8.h5 fp32.h5 1
for run in bf16 fp16 int8; do
    check "$run recorded how far it is from fp32" compare difference $run.h5 fp32.h5
done
# shellcheck disable=SC2317
reported() {
    "$float/bin/sim" report int8.h5 >report.txt &&
        grep -qE '^  baseline    fp32.h5, 200 steps: loss [+-][0-9.e-]+ in the last tenth \([+-][0-9.e-]+ %\), never more than' report.txt
}
check "the report says how far" reported
check "fp16 has skipped steps" compare skipped fp16.h5 1
check "bf16 has not" compare skipped bf16.h5 0 0

# ---- what is written is not scaled ----
few="--set train.steps=2 --set model.layers=3 --set model.hidden=36 --set model.heads=3 --set train.optimizer=sgd --set train.learning_rate=0.3"
for precision in fp32 bf16 fp16; do
    # shellcheck disable=SC2086
    check "$precision writes" train 3 --config zero3.ini $few --set train.precision=$precision \
        --set output.gradients=$precision-g.h5 --set output.weights=$precision-w.h5 --output $precision-few.h5
done
for precision in bf16 fp16; do
    check "$precision gradients are near fp32's" compare near fp32-g.h5 $precision-g.h5 0.1
    check "$precision weights are near fp32's" compare near fp32-w.h5 $precision-w.h5 0.1
done
# Each 16 bytes are the same, so all steps' gradients are until the weights change.
yes 'fifteen letters' | head -c 3200 >alike.txt
alike="--set data.source=alike.txt --set model.vocab=256"
# shellcheck disable=SC2086
check "fp32 writes the first step's" train 1 --config single.ini $few $alike --set output.gradients=alike32.h5 --output a32.h5
# shellcheck disable=SC2086
check "fp16 skips the first steps" train 2 --config zero2.ini $few $alike --set train.precision=fp16 --set train.steps=40 \
    --set train.loss_scale=1e9 --set output.gradients=alike16.h5 --output a16.h5
check "it has skipped some" compare skipped a16.h5 1
check "and written the gradients of the first it did not" compare near alike32.h5 alike16.h5 0.1
# shellcheck disable=SC2086
check "bf16's weights under tp" train 4 --config tp.ini --set model.layers=3 --set model.hidden=36 --set model.heads=4 \
    --set train.precision=bf16 --set train.steps=0 --set model.init=bf16-w.h5 --set output.weights=moved.h5 --output m.h5
check "loaded and written under another split: the same bits" compare same bf16-w.h5 moved.h5

# shellcheck disable=SC2317
refused_in_double() {
    ! "$double/bin/sim" --config single.ini --set train.precision=bf16 >refused 2>&1 &&
        grep -qE '^sim: .*train.precision=bf16: .*fp64; try train.precision = fp32' refused
}
check "a double build refuses 16 bits" refused_in_double

# ---- the largest presets, dry ----
# answers PRESET RANKS SPLIT...: within seconds; counted = formula
answers() {
    local preset=$1 ranks=$2
    shift 2
    check "$preset on $ranks ranks, dry" timeout -k 5 60 "$float/bin/sim" --config single.ini --dry-run --ranks "$ranks" \
        --set model.preset="$preset" --set train.precision=bf16 --set train.microbatch=1 "$@" --output "$preset.h5"
    check "$preset bytes equal the formula" compare bytes "$preset.h5"
    check "$preset memory equals the formula" compare memory "$preset.h5"
}
sp="--set parallel.tp=8 --set parallel.sequence_parallel=yes --set train.global_batch=4"
answers llama2-7b 8 --set parallel.data=zero3 --set train.global_batch=8
# shellcheck disable=SC2317
quotes() {
    "$float/bin/sim" report llama2-7b.h5 >report.txt &&
        grep -qE '^    model states +13.477 GB +\(2 \+ 2 \+ 12\)/N P, P = 6.738 G' report.txt &&
        grep -qE '^    activations +104.153 GB +L s b h \(34 \+ 5 a s/h\)' report.txt
}
check "the report quotes the papers" quotes
# shellcheck disable=SC2086
answers megatron-22b 8 $sp --set train.microbatch=4 --set model.dropout=0.1 --set train.recompute=selective
# shellcheck disable=SC2086
answers gpt3-175b 128 $sp --set parallel.pp=16
# shellcheck disable=SC2086
answers llama3-405b 128 $sp --set parallel.pp=16
# shellcheck disable=SC2086
answers megatron-1t 512 $sp --set parallel.pp=64
finish
