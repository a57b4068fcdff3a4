#!/bin/bash
# training.sh FLOAT_BUILD DOUBLE_BUILD - the program as a user runs it: bytes and memory beside the
# formulas and an outside witness, weights and gradients as files, dry runs, text, installation.
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"

few="--set train.steps=3 --set model.layers=3 --set model.hidden=36 --set model.heads=3"

asan=$(asan)

# Where all goes in messages the witness sees every byte; of what goes through windows it is told.
# shellcheck disable=SC2317
witnessed() { # NAME RANKS ARGUMENT...
    under_witness "$@" --set parallel.collectives=messages
}
# shellcheck disable=SC2317
under_witness() { # NAME RANKS ARGUMENT...
    local name=$1 ranks=$2
    shift 2
    rm -f "$name".[0-9]*
    timeout -k 5 120 mpirun -n "$ranks" env LD_PRELOAD="$asan $float/tests/witness.so" WITNESS="$name" \
        "$float/bin/sim" "$@" --output "$name.h5"
}

for strategy in dp ddp zero1 zero2 zero3; do # of several microbatches
    case_name=$strategy-3
    # shellcheck disable=SC2086
    check "$case_name trains under the witness" witnessed "$case_name" 3 --config $strategy.ini $few \
        --set train.microbatch=4 --set output.gradients="$case_name-g.h5" --set output.weights="$case_name-w.h5"
    check "$case_name bytes equal the formula" compare bytes "$case_name.h5"
    check "$case_name memory equals the formula" compare memory "$case_name.h5"
    check "$case_name bytes equal the witness's" compare witness "$case_name.h5" "$case_name"
    # shellcheck disable=SC2086
    check "$case_name dry" "$float/bin/sim" --config $strategy.ini $few --set train.microbatch=4 \
        --set output.gradients=never.h5 --set output.weights=never-w.h5 --dry-run --all-ranks --ranks 3 \
        --output "$case_name-dry.h5"
    check "$case_name dry bytes and peaks equal the real ones" compare dry "$case_name.h5" "$case_name-dry.h5"
done
# Of a model with experts: the record of what they were sent is in the bytes, and dry the load is even.
whole="--config moe.ini --set parallel.ep=1 --set parallel.tp=2 --set train.global_batch=8"
# shellcheck disable=SC2086
check "moe trains under the witness" witnessed moe 4 $whole --set train.steps=3 --set train.warmup=0
check "moe bytes equal the formula" compare bytes moe.h5
check "moe memory equals the formula" compare memory moe.h5
check "moe bytes equal the witness's" compare witness moe.h5 moe
# shellcheck disable=SC2086
check "moe dry" "$float/bin/sim" $whole --dry-run --ranks 4 --output moe-dry.h5
# shellcheck disable=SC2086
check "moe dry, all ranks" "$float/bin/sim" $whole --dry-run --all-ranks --ranks 4 --output moe-all.h5
check "moe dry bytes and peaks equal the real ones" compare dry moe.h5 moe-all.h5
check "moe tells of the load" grep -q 'the fullest expert has' <("$float/bin/sim" report moe.h5)
check "moe dry says that it is assumed" grep -q 'assumed to be even' <("$float/bin/sim" report moe-dry.h5)
# At the end of a short training, as the report has it: without balance the fullest expert has more.
# shellcheck disable=SC2317
fullest() { # BALANCE
    "$float/bin/sim" --config moe.ini --set train.steps=120 --set train.warmup=20 --set parallel.ep=1 \
        --set "moe.balance=$1" --output "moe-$1.h5" >"moe-$1.log" &&
        "$float/bin/sim" report "moe-$1.h5" | sed -n 's/.* at the first step, \([0-9.]*\) at the end (mean of layers.*/\1/p'
}
# shellcheck disable=SC2317
balances() {
    local none bias
    none=$(fullest none) bias=$(fullest bias)
    echo "none $none bias $bias"
    awk -v none="$none" -v bias="$bias" 'BEGIN { exit !(bias >= 1 && bias < 1.2 && none > bias + 0.1) }'
}
check "moe: a bias balances experts" balances
check "moe: their charts stand side by side" "$float/bin/sim" plot moe-none.h5 moe-bias.h5 \
    --charts expert_load,expert_imbalance --format png --out moe-plots
# Replicas that share experts: rows as the router counted them, or all tokens, whose bytes no load changes.
shared="--config moe.ini --set train.global_batch=8 --set train.microbatch=1"
# shellcheck disable=SC2086
check "ep trains under the witness" witnessed ep 4 $shared --set parallel.ep=4 --set train.steps=3 --set train.warmup=0 \
    --set train.recompute=full
check "ep bytes equal the formula" compare bytes ep.h5
check "ep memory equals the formula" compare memory ep.h5
check "ep bytes equal the witness's" compare witness ep.h5 ep
reported() { "$float/bin/sim" report "$1" | grep -c "$2"; }
check "ep: rows as given by the loads" test 2 = "$(reported ep.h5 'equal in every step on every rank')"
hops="--set train.steps=3 --set train.warmup=0 --set hardware.profile=a100-80gb-dgx --set node.devices=2 --set hardware.all_to_all"
# shellcheck disable=SC2086
check "ep in two hops trains under the witness" witnessed hops 4 $shared --set parallel.ep=4 $hops=hierarchical --set output.weights=hops-w.h5
check "ep in two hops: bytes equal the witness's" compare witness hops.h5 hops
# shellcheck disable=SC2086
check "ep straight trains" mpirun -n 4 "$float/bin/sim" $shared --set parallel.ep=4 $hops=straight \
    --set output.weights=straight-w.h5 --set output.checkpoint=straight-ck.h5 --set output.checkpoint_every=2 --output straight.h5
check "ep straight over nodes: rows as given by the loads" test 2 = "$(reported straight.h5 'equal in every step on every rank')"
check "ep in two hops: rows as given by the loads" test 2 = "$(reported hops.h5 'equal in every step on every rank')"
check "ep straight over nodes: and by link" test 1 = "$(reported straight.h5 '^ *expert .* equal$')"
# shellcheck disable=SC2086
check "ep goes on in another file" mpirun -n 4 "$float/bin/sim" $shared --set parallel.ep=4 $hops=straight \
    --resume straight-ck-000002.h5 --output later.h5
check "ep in another file: rows by link" test 1 = "$(reported later.h5 '^ *expert .* equal$')"
check "ep in two hops: and by link" test 1 = "$(reported hops.h5 '^ *expert .* equal$')"
check "ep in two hops: the same weights" compare same straight-w.h5 hops-w.h5
# shellcheck disable=SC2086
check "ep in two hops, dry" "$float/bin/sim" $shared --set parallel.ep=4 $hops=hierarchical --dry-run --all-ranks --ranks 4 \
    --output hops-dry.h5
check "ep in two hops: dry bytes equal the formula" compare bytes hops-dry.h5
# A schedule of one's own, which no file keeps: rows of all ranks together, and where they may hop none.
printf '0F0,0B0,0F1,0B1\n1F0,1B0,1F1,1B1\n' >own.csv
own="$shared --set parallel.ep=4 --set parallel.pp=2 --set parallel.schedule=own.csv --dry-run --ranks 8"
# shellcheck disable=SC2086
check "ep with a schedule of one's own, dry" "$float/bin/sim" $own --output own.h5
check "ep with a schedule of one's own: rows of all ranks" test 2 = "$(reported own.h5 'equal in every step')"
check "ep with a schedule of one's own: of none alone" test 0 = "$(reported own.h5 'step on every rank')"
# shellcheck disable=SC2086
check "ep with a schedule of one's own in two hops, dry" "$float/bin/sim" $own $hops=hierarchical --output own-hops.h5
check "ep with a schedule of one's own in two hops: no rows by the loads" test 0 = "$(reported own-hops.h5 'in every step')"
# Given a run's rows of experts a dry run is that step of it, walked whole or not, in either precision, and of another grid
# what that is.
# shellcheck disable=SC2086,SC2317
given() { # BUILD NAME STEP ARGUMENT...
    local build=$1 name=$2 step=$3
    shift 3
    "$build/bin/sim" $shared --set train.warmup=0 "$@" --set "moe.load=$name.h5" --set "moe.load_step=$step" \
        --dry-run --ranks 4 --output "$name-given.h5" && compare given "$name.h5" "$name-given.h5" "$step"
}
# shellcheck disable=SC2086
check "ep in two hops, given its rows" given "$float" hops 2 --set parallel.ep=4 $hops=hierarchical
mkdir -p results && cp hops.h5 results/moe.h5 # where a run of moe.ini puts it; a dry one goes beside it
# shellcheck disable=SC2086
check "a run's rows where it puts them by default" "$float/bin/sim" $shared --set train.warmup=0 --set parallel.ep=4 \
    --set moe.load=results/moe.h5 --set moe.load_step=2 --dry-run --ranks 4
# shellcheck disable=SC2086
check "ep in two hops, given its rows, all ranks" given "$float" hops 3 --set parallel.ep=4 $hops=hierarchical --all-ranks
one="--set train.steps=1 --set train.warmup=0 --set hardware.profile=h100-dgx --set parallel.ep=2 --set parallel.tp=2"
# shellcheck disable=SC2086
check "ep beside tp trains in double" mpirun -n 4 "$double/bin/sim" $shared $one --output one.h5
# shellcheck disable=SC2086
check "ep beside tp, given its rows" given "$double" one 1 $one
alone="--set train.steps=1 --set train.warmup=0 --set hardware.profile=h100-dgx --set parallel.ep=1 --set train.microbatch=2"
# shellcheck disable=SC2086
check "experts of each rank's own train" mpirun -n 4 "$float/bin/sim" $shared $alone --output alone.h5
# shellcheck disable=SC2086
check "experts of each rank's own, given its rows" given "$float" alone 1 $alone
# shellcheck disable=SC2086
check "experts whose rows are too many train" mpirun -n 4 "$float/bin/sim" $shared $alone --set parallel.ep=4 \
    --set moe.experts=40960 --set moe.ffn=1 --output many.h5
cp "$place/log" many.log
check "experts whose rows are too many: it is said" grep -q \
    'rows of experts are recorded of all microbatches together: told apart they are 1.311 MB a step, more than 1.049 MB' many.log
# shellcheck disable=SC2086
check "experts whose rows are too many give shares" "$float/bin/sim" $shared $alone --set parallel.ep=4 --set moe.experts=40960 \
    --set moe.ffn=1 --set moe.load=many.h5 --dry-run --ranks 4 --output many-given.h5
check "experts whose rows are too many give shares, and say so" grep -q 'shares of it alike' <("$float/bin/sim" report many-given.h5)
check "ep: a dry run says that rows were given" grep -q "each replica's and microbatch's own, as moe.load = one.h5 recorded" \
    <("$double/bin/sim" report one-given.h5)
# shellcheck disable=SC2086
check "ep: of other replicas it has shares" "$double/bin/sim" $shared $one --set parallel.tp=1 --set moe.load=one.h5 --dry-run \
    --ranks 4 --output other.h5
check "ep: and says so" grep -q 'moe.load = one.h5, shares of it alike in every microbatch' <("$double/bin/sim" report other.h5)
# shellcheck disable=SC2086
check "ep gathered trains under the witness" witnessed gathered 4 $shared --set parallel.ep=2 --set parallel.data=zero3 \
    --set moe.dispatch=all_gather --set moe.capacity_factor=1.25 --set train.steps=3 --set train.warmup=0
check "ep gathered bytes equal the formula" compare bytes gathered.h5
check "ep gathered memory equals the formula" compare memory gathered.h5
check "ep gathered bytes equal the witness's" compare witness gathered.h5 gathered
# shellcheck disable=SC2086
check "ep gathered dry, all ranks" "$float/bin/sim" $shared --set parallel.ep=2 --set parallel.data=zero3 \
    --set moe.dispatch=all_gather --set moe.capacity_factor=1.25 --dry-run --all-ranks --ranks 4 --output gathered-dry.h5
check "ep gathered dry bytes and peaks equal the real ones" compare dry gathered.h5 gathered-dry.h5
check "ep gathered says what dispatch sends and combine does not" grep -q "moe.dispatch sends each choice's expert and gate with them" \
    <("$float/bin/sim" report gathered-dry.h5)
# Dropless, the room for rows follows from what tokens choose.
# shellcheck disable=SC2086
check "ep gathered and dropless trains" mpirun -n 4 "$float/bin/sim" $shared --set parallel.ep=2 --set moe.dispatch=all_gather \
    --output dropless.h5
check "ep gathered and dropless: nothing differs from a formula" [ "$("$float/bin/sim" report dropless.h5 | grep -c DIFFERS)" -eq 0 ]
# Through windows: the same, with what goes through them told.
through_window() { # CASE RANKS ARGUMENT...
    local name=$1 ranks=$2
    shift 2
    check "$name trains through windows under the witness" under_witness "window-$name" "$ranks" "$@"
    check "$name through windows: what it counts is seen or told" compare window "window-$name.h5" "window-$name"
    check "$name through windows: the same numbers and bytes" compare alike "window-$name.h5" "$name.h5"
    check "$name through windows: memory equals the formula" compare memory "window-$name.h5"
}
for strategy in ddp zero2 zero3; do
    # shellcheck disable=SC2086
    through_window $strategy-3 3 --config $strategy.ini $few --set train.microbatch=4 \
        --set output.gradients="window-$strategy-3-g.h5" --set output.weights="window-$strategy-3-w.h5"
    check "$strategy-3 through windows: weights, bit for bit" compare same "window-$strategy-3-w.h5" $strategy-3-w.h5
done
# Of 10 million parameters: what travels is long enough to do so in place, and is other ranks' memory, counted there.
# shellcheck disable=SC2317
resident() { # FILE: megabytes of the rank's process that has the most
    "$float/bin/sim" report --csv "$1" "$1" | awk -F, 'NR == 2 { printf "%d\n", $NF / 1e6 }'
}
# FILE OTHER: at most 30 megabytes more, half of which large pages make of one run or another; what other ranks have is 50
# at least.
# shellcheck disable=SC2317
resident_no_more() {
    local one other
    one=$(resident "$1") other=$(resident "$2")
    echo "$one and $other MB"
    [ "$one" -gt 40 ] && [ $((one - other)) -le 30 ]
}
wide="--set train.steps=2 --set model.layers=3 --set model.hidden=512 --set model.heads=4 --set model.ffn=2048"
for strategy in ddp zero1 zero3; do
    # shellcheck disable=SC2086
    check "$strategy-wide trains under the witness" witnessed $strategy-wide 4 --config $strategy.ini $wide \
        --set train.global_batch=8 --set train.microbatch=2
    # shellcheck disable=SC2086
    through_window $strategy-wide 4 --config $strategy.ini $wide --set train.global_batch=8 --set train.microbatch=2
    check "$strategy-wide: no more resident than by messages" resident_no_more window-$strategy-wide.h5 $strategy-wide.h5
done
# In 8 bits between replicas.
for strategy in ddp zero2 zero3; do
    case_name=quantised-$strategy
    what=$([ $strategy = ddp ] && echo gradients || echo both)
    # shellcheck disable=SC2086
    check "$case_name trains under the witness" witnessed "$case_name" 3 --config $strategy.ini $few \
        --set train.microbatch=4 --set parallel.quantize="$what"
    check "$case_name bytes equal the formula" compare bytes "$case_name.h5"
    check "$case_name memory equals the formula" compare memory "$case_name.h5"
    check "$case_name bytes equal the witness's" compare witness "$case_name.h5" "$case_name"
done

# Over trees, of 6 ranks in three nodes.
tree="--set hardware.profile=a100-80gb-dgx --set node.devices=2 --set hardware.all_reduce=tree --set parallel.bucket_mb=0.5"
# shellcheck disable=SC2086
check "tree trains under the witness" witnessed tree 6 --config ddp.ini $few $tree --set output.gradients=tree-g.h5
check "tree bytes equal the formula" compare bytes tree.h5
check "tree bytes equal the witness's" compare witness tree.h5 tree
# shellcheck disable=SC2086
check "tree dry" "$float/bin/sim" --config ddp.ini $few $tree --dry-run --ranks 6 --output tree-dry.h5
check "tree dry bytes and peaks equal the real ones" compare dry tree.h5 tree-dry.h5

check "a dry run writes no weights" test ! -e never.h5 -a ! -e never-w.h5

# One rank is the truth; files carry the comparison.
# shellcheck disable=SC2086
check "one rank" train 1 --config single.ini $few --set output.gradients=one-g.h5 --set output.weights=one-w.h5 --output one.h5
for strategy in dp ddp zero1 zero2 zero3; do
    check "$strategy-3 gradients as one rank's" compare near one-g.h5 $strategy-3-g.h5 1e-5
done
check "gradients over trees as one rank's" compare near one-g.h5 tree-g.h5 1e-5

# Threads of a rank divide its kernels, of every kind, and change no bit where products are sim's own; how many there
# were is recorded.
# shellcheck disable=SC2317
by_threads() { # THREADS CONFIG SECTION.KEY=VALUE...
    local threads=$1 config=$2 key sets=()
    shift 2
    for key; do sets+=(--set "$key"); done
    train 1 --config "$config.ini" --set train.steps=3 --set train.matmul=own --set "train.threads=$threads" "${sets[@]}" \
        --output "threads-$threads.h5" --set "output.weights=threads-$threads-w.h5"
}
while read -r name config sets; do
    for threads in 1 3; do
        # shellcheck disable=SC2086
        check "$name by $threads threads" by_threads $threads "$config" $sets
    done
    check "$name by several threads: the same bits" compare same threads-1-w.h5 threads-3-w.h5
done <<'EOF'
gpt single model.hidden=96 model.heads=4
gpt-bf16 single model.hidden=96 model.heads=4 train.precision=bf16 model.dropout=0.1
llama-flash llama parallel.pp=1 parallel.tp=1 parallel.sequence_parallel=no train.microbatch=0 model.attention=flash
mla mla parallel.tp=1 parallel.sequence_parallel=no parallel.pp=1 train.microbatch=0
moe moe parallel.ep=1 train.warmup=0
EOF
check "how many threads there were is recorded" grep -q '^ *threads *3 a rank$' <("$float/bin/sim" inspect threads-3.h5)

# Weights survive any change of split.
# shellcheck disable=SC2086
check "weights as they are, under zero3 on 3 ranks" train 3 --config zero3.ini $few --set train.steps=0 \
    --set model.init=one-w.h5 --set output.weights=carried-w.h5 --output carried.h5
check "loaded and written: the same bits" compare same one-w.h5 carried-w.h5

# Tensor parallelism, with and without sequence parallelism, under the witness; weights across splits.
for split in tp sp; do
    # shellcheck disable=SC2086
    check "$split-4 trains under the witness" witnessed $split-4 4 --config $split.ini $few --set model.heads=4 \
        --set model.vocab=63 --set output.gradients=$split-4-g.h5 --set output.weights=$split-4-w.h5
    check "$split-4 bytes equal the formula" compare bytes $split-4.h5
    check "$split-4 memory equals the formula" compare memory $split-4.h5
    check "$split-4 bytes equal the witness's" compare witness $split-4.h5 $split-4
    # shellcheck disable=SC2086
    check "$split-4 dry" "$float/bin/sim" --config $split.ini $few --set model.heads=4 --set model.vocab=63 \
        --set output.gradients=never.h5 --set output.weights=never-w.h5 --dry-run --all-ranks --ranks 4 --output $split-4-dry.h5
    check "$split-4 dry bytes and peaks equal the real ones" compare dry $split-4.h5 $split-4-dry.h5
    # shellcheck disable=SC2086
    through_window $split-4 4 --config $split.ini $few --set model.heads=4 --set model.vocab=63
done
# shellcheck disable=SC2086
check "one rank, 63 words" train 1 --config single.ini $few --set model.heads=4 --set model.vocab=63 \
    --set output.gradients=odd-g.h5 --output odd.h5
check "tp-4 gradients as one rank's" compare near odd-g.h5 tp-4-g.h5 1e-5
check "sp-4 gradients as one rank's" compare near odd-g.h5 sp-4-g.h5 1e-5
# shellcheck disable=SC2086
check "tp's weights under sp and zero3 on 4 ranks" train 4 --config sp.ini $few --set model.heads=4 --set model.vocab=63 \
    --set parallel.data=zero3 --set train.steps=0 --set model.init=tp-4-w.h5 --set output.weights=moved-w.h5 --output moved.h5
check "loaded and written under another split: the same bits" compare same tp-4-w.h5 moved-w.h5

# Latent attention, whose borders are narrower than the width.
for spread in yes no; do
    latent="--set parallel.sequence_parallel=$spread --set train.steps=2"
    # shellcheck disable=SC2086
    check "mla, sp $spread, trains under the witness" witnessed mla-$spread 8 --config mla.ini $latent
    check "mla, sp $spread, bytes equal the formula" compare bytes mla-$spread.h5
    check "mla, sp $spread, memory equals the formula" compare memory mla-$spread.h5
    check "mla, sp $spread, bytes equal the witness's" compare witness mla-$spread.h5 mla-$spread
    # shellcheck disable=SC2086
    check "mla, sp $spread, dry" "$float/bin/sim" --config mla.ini $latent --dry-run --all-ranks --ranks 8 --output mla-$spread-dry.h5
    check "mla, sp $spread, dry bytes and peaks equal the real ones" compare dry mla-$spread.h5 mla-$spread-dry.h5
done
"$float/bin/sim" report mla-yes.h5 >mla-report
check "what a cache would hold is reported" \
    grep -q "  36 values a token and layer at inference (32 + 4); with MHA 128, GQA of 4 heads 64, MQA 16$" mla-report

# Pipelines, alone and with all else; 9 layers divide over no number of stages here.
pipe="--set train.steps=2 --set model.layers=9 --set model.hidden=48 --set model.vocab=63"
# shellcheck disable=SC2086
check "a pipeline's model on one rank" train 1 --config 1f1b.ini $pipe --set parallel.pp=1 --set output.gradients=piped-g.h5 \
    --output piped.h5
for split in 1f1b interleaved zb-h1 3d-zero3; do
    ranks=$([ $split = 3d-zero3 ] && echo 8 || echo 4)
    # shellcheck disable=SC2086
    check "$split trains under the witness" witnessed $split "$ranks" --config $split.ini $pipe \
        --set output.gradients=$split-g.h5 --set output.weights=$split-w.h5
    check "$split bytes equal the formula" compare bytes $split.h5
    check "$split memory equals the formula" compare memory $split.h5
    check "$split bytes equal the witness's" compare witness $split.h5 $split
    # shellcheck disable=SC2086
    check "$split dry" "$float/bin/sim" --config $split.ini $pipe --set output.gradients=never.h5 \
        --set output.weights=never-w.h5 --dry-run --all-ranks --ranks "$ranks" --output $split-dry.h5
    check "$split dry bytes and peaks equal the real ones" compare dry $split.h5 $split-dry.h5
    check "$split gradients as one rank's" compare near piped-g.h5 $split-g.h5 1e-5
done
# shellcheck disable=SC2086
check "3d-zero3's weights under interleaved" train 4 --config interleaved.ini $pipe --set train.steps=0 \
    --set model.init=3d-zero3-w.h5 --set output.weights=staged-w.h5 --output staged.h5
check "loaded and written over other stages: the same bits" compare same 3d-zero3-w.h5 staged-w.h5

# Text.
seq 1 400 >numbers.txt
# shellcheck disable=SC2086
check "a text, sequential" train 2 --config ddp.ini $few --set model.vocab=256 --set data.source=numbers.txt --output text.h5
truncate -s 100G numbers.txt # which no rank can hold
# shellcheck disable=SC2086
check "a text of 100 GB, random order" train 2 --config zero2.ini $few --set model.vocab=256 --set data.source=numbers.txt \
    --set data.order=random --output random.h5
check "a text's bytes equal the formula" compare bytes random.h5

# An earlier run is kept; from an installation, from any folder, by the name alone.
make --no-print-directory -C "$root" install SANITIZE="${asan:+1}" PREFIX="$place/my usr" >log 2>&1
ok $? "make install"
mkdir elsewhere && cd elsewhere || exit 1
export PATH="$place/my usr/bin:$PATH"
# shellcheck disable=SC2086
sim=sim check "mpirun -n 3 sim --config zero3.ini" train 3 --config zero3.ini $few --set output.weights=again-w.h5
check "records into results/zero3.h5" compare steps results/zero3.h5 3
# shellcheck disable=SC2086
sim=sim check "and again" train 3 --config zero3.ini $few --set output.weights=again-w.h5
check "the earlier run is kept" compare steps results/zero3.1.h5 3
check "the same run twice: the same bits" compare same again-w.1.h5 again-w.h5
check "sim plot draws it" sim plot results/zero3.h5 --out charts --format svg
check "as PNG, too" sim plot results/zero3.h5 --out charts --charts memory --format png
check "memory.png is there" test -s charts/memory.png
check "comm.svg is there" test -s charts/comm.svg
check "sim plot compares runs" sim plot results/zero3.h5 ../ddp-3.h5 --out compared --format svg
check "sim report" sim report results/zero3.h5
check "it splits no time that all went to computing" test "$(grep -c "simulated step" "$place/log")" -eq 0
check "sim help" sim help
check "sim help parallel.data" sim help parallel.data
# shellcheck disable=SC2086
check "gpt2-124m, 1024 ranks, dry" sim --config zero3.ini --set model.preset=gpt2-124m --set train.global_batch=1024 \
    --dry-run --ranks 1024
# What a dry run costs grows with the layers, not with their square, and has no table of tokens that none are drawn
# from: minutes otherwise.
# shellcheck disable=SC2317
within() { # SECONDS COMMAND...: of CPU time
    (ulimit -t "$1" && shift && exec "$@")
}
small="--set model.hidden=16 --set model.heads=2 --set model.ffn=16 --set train.global_batch=8"
for how in "ddp.ini --set parallel.bucket_mb=0" "zero2.ini --set parallel.bucket_mb=0" zero3.ini; do
    # shellcheck disable=SC2086
    check "${how%% *} of 16000 layers, dry, within seconds" within 30 "$float/bin/sim" --config $how $small \
        --set model.layers=16000 --dry-run --ranks 2 --output deep.h5
done
check "so are two thousand million words" within 20 "$float/bin/sim" --config ddp.ini --set model.vocab=2147483647 \
    --dry-run --ranks 4 --set train.global_batch=4 --output wide.h5

finish
