#!/bin/bash
# commands.sh FLOAT_BUILD DOUBLE_BUILD - the words of the command line: the line that was meant, help by command, and
# what is checked before anything is printed. One process each.
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"
sim=$float/bin/sim

# meant LINE WORD...: refused with status 2 in one line that ends in LINE.
# shellcheck disable=SC2317
meant() {
    local line=$1
    shift
    "$sim" "$@" >said 2>&1
    [ $? -eq 2 ] && [ "$(wc -l <said)" -eq 1 ] && [[ $(cat said) == *"$line" ]] && return
    cat said
    return 1
}

# says STATUS PATTERN WORD...
# shellcheck disable=SC2317
says() {
    local status=$1 pattern=$2 got
    shift 2
    "$sim" "$@" >said 2>&1
    got=$?
    [ "$got" -eq "$status" ] && grep -qE -- "$pattern" said && return
    cat said
    return 1
}

# one_line WORD...: refused in one line, in which nothing is an order to a terminal
# shellcheck disable=SC2317
one_line() {
    "$sim" "$@" >said 2>&1
    [ $? -eq 2 ] && [ "$(wc -l <said)" -eq 1 ] && ! grep -q $'\e' said && return
    cat -v said
    return 1
}

check "a config alone" meant "'zero3.ini' is a config; try sim --config zero3.ini, or mpirun -n 8 sim --config zero3.ini" zero3.ini
check "a config with options" meant "or mpirun -n 8 sim --config zero3.ini --set 'data.source=my text'" \
    zero3.ini --set 'data.source=my text'
check "a config's name in quotes" meant "mpirun -n 8 sim --config 'it'\\''s mine.ini'" "it's mine.ini"
# shellcheck disable=SC2016
check "as many ranks as were launched" env OMPI_COMM_WORLD_SIZE=3 OMPI_COMM_WORLD_RANK=0 \
    "$BASH" -c '"$0" zero3.ini 2>&1 | grep "try mpirun -n 3 sim --config zero3.ini$"' "$sim"
check "a run alone" meant "'a b.h5' is a run's file; try sim report 'a b.h5', or sim plot 'a b.h5'" 'a b.h5'
check "a schedule alone" meant "'a b.csv' is a schedule, or steps that were measured; try sim --config 1f1b.ini --set 'parallel.schedule=a b.csv', or sim validate 'a b.csv'" 'a b.csv'
check "a schedule beside its config" meant "try sim --config gpipe.ini --dry-run --set parallel.schedule=my.csv, or sim validate my.csv" \
    --config gpipe.ini --dry-run my.csv
check "a schedule to be drawn" meant "sim: schedule: 'my.csv' is a schedule of your own, which goes with a config; try sim schedule --config 1f1b.ini --ranks 8 --set parallel.schedule=my.csv" \
    schedule my.csv --ranks 8
check "and beside its config" meant "try sim schedule --config gpipe.ini --set parallel.schedule=my.csv" \
    schedule --config gpipe.ini my.csv
check "a config to be drawn" meant "sim: schedule: 'zb-h1.ini' is a config; try sim schedule --config zb-h1.ini --ranks 8" \
    schedule zb-h1.ini --ranks 8
check "no command of sim schedule" meant "sim: schedule: 'plott' is no option; try sim schedule --help" schedule plott
check "a schedule before its config" meant "try sim --config 1f1b.ini --set parallel.schedule=my.csv, or sim validate my.csv" my.csv 1f1b.ini
check "a second config" meant "sim: 'zero3.ini' is a config, and another is given; try one, and runs one by one" --config ddp.ini zero3.ini
check "two configs alone" meant "sim: 'a.ini' is a config, of several; try one, and runs one by one" a.ini b.ini
check "a word for training before a schedule" meant "unless it is told otherwise; try sim --help" train my.csv
check "a value that its key cannot have" meant "sim: 'train.steps=x' is no option; try sim help train.steps" --config ddp.ini train.steps=x
check "a value without --set" meant "'train.steps=4' is no option; try --set train.steps=4" --config ddp.ini train.steps=4
for word in train run; do
    check "$word, which no word is needed for" meant "'$word' is not a command, as sim trains unless it is told otherwise; try mpirun -n 8 sim --config ddp.ini --set train.steps=2" \
        $word --config ddp.ini --set train.steps=2
done
check "and without a config" meant "try mpirun -n 8 sim --config zero3.ini" train
check "of a dry run" meant "unless it is told otherwise; try sim --config ddp.ini --dry-run" run --config ddp.ini --dry-run
for option in '--ranks 4' --all-ranks; do
    # shellcheck disable=SC2086
    check "and of $option, which is for dry runs" meant "unless it is told otherwise; try sim --config ddp.ini $option --dry-run" \
        train --config ddp.ini $option
done
check "and with a config behind it" meant "unless it is told otherwise; try mpirun -n 8 sim --config ddp.ini --set train.steps=2" run ddp.ini train.steps=2
check "a config keeps what stands behind it" meant "or mpirun -n 8 sim --config ddp.ini --set train.steps=2" ddp.ini train.steps=2
check "a value behind a blank" meant "'3' is no option; try --set train.steps=3" --config ddp.ini --set train.steps 3
check "ranks without their option" meant "'64' is no option; try --ranks 64" --config ddp.ini --dry-run 64
check "a dry run of a config alone" meant "'ddp.ini' is a config; try sim --config ddp.ini --dry-run" --dry-run ddp.ini
check "and of so many ranks" meant "'ddp.ini' is a config; try sim --config ddp.ini --ranks 4 --dry-run" ddp.ini --ranks 4
check "an option misspelt" meant "'--dryrun' is not an option; try --dry-run" --config ddp.ini --dryrun
check "a key as an option" meant "'--steps' is not an option; try --set train.steps=3" --config ddp.ini --steps 3
check "and with its section" meant "'--train.steps=3' is not an option; try --set train.steps=3" --config ddp.ini --train.steps=3
check "and as others call it" meant "'--lr' is not an option; try --set train.learning_rate=1e-4" --config ddp.ini --lr 1e-4
check "whose value begins with a dash, and is none that it can have" meant "'--learning_rate' is not an option; try sim help train.learning_rate" --config ddp.ini --learning_rate -2
check "or is missing" meant "'--learning_rate' is not an option; try --set train.learning_rate=3e-4" --config ddp.ini --learning_rate --dry-run
check "an option of nobody" meant "'--seed' is not an option; try sim --help" --config ddp.ini --seed 3
check "mpirun's option" meant "sim: '-np' is an option of mpirun; try mpirun -n 4 sim --config ddp.ini --set train.steps=3, or sim --config ddp.ini --set train.steps=3 --dry-run --ranks 4" \
    --config ddp.ini --set train.steps=3 -np 4
check "as the first word" meant "sim: '-np' is an option of mpirun; try mpirun -n 4 sim --config ddp.ini, or sim --config ddp.ini --dry-run --ranks 4" \
    -np 4 ddp.ini
check "without a number, and without a config" meant "sim: '-n' is an option of mpirun; try mpirun -n 8 sim --config zero3.ini, or sim --config zero3.ini --dry-run --ranks 8" -n
check "for a dry run" meant "sim: '--np=4' is an option of mpirun; try sim --config ddp.ini --dry-run --ranks 4" --np=4 --config ddp.ini --dry-run
check "and for sim schedule" meant "sim: schedule: '-np' is an option of mpirun; try sim schedule --config 1f1b.ini --ranks 4" \
    schedule -np 4 --config 1f1b.ini
check "beside ranks" meant "sim: '-n' is an option of mpirun; try sim --config ddp.ini --dry-run --ranks 8" --config ddp.ini --dry-run --ranks 8 -n 4
check "also of sim schedule" meant "of mpirun; try sim schedule --config 1f1b.ini --ranks 8" schedule -np 4 --config 1f1b.ini --ranks 8
check "behind a word for training" meant "of mpirun; try mpirun -n 4 sim --config ddp.ini, or sim --config ddp.ini --dry-run --ranks 4" \
    train --config ddp.ini -np 4
check "and a value without --set" meant "of mpirun; try mpirun -n 4 sim --config ddp.ini --set train.steps=2, or sim --config ddp.ini --set train.steps=2 --dry-run --ranks 4" \
    --config ddp.ini train.steps=2 -np 4
check "with what is for dry runs" meant "of mpirun; try sim --config zero3.ini --all-ranks --dry-run --ranks 4" --all-ranks -np 4
check "with what is for none" meant "of mpirun; try mpirun -n 4 sim --config ddp.ini --resume auto" --config ddp.ini --resume auto -np 4
for ranks in 0 100000; do
    check "of $ranks ranks" meant "of mpirun; try mpirun -n 8 sim --config zero3.ini, or sim --config zero3.ini --dry-run --ranks 8" -np $ranks
done
check "on a line that no change of it mends" meant "sim: '-np' is an option of mpirun; try sim --help" --config ddp.ini --csv -np 4
check "no option of sim schedule" meant "sim: schedule: '--bogus' is not an option; try sim schedule --help" schedule --bogus
check "one of its own misspelt" meant "sim: schedule: '--cvs' is not an option; try --csv" schedule --cvs
check "one without its value" meant "sim: schedule: --config needs a value; try sim schedule --help" schedule --config
check "no number of ranks for it" meant "sim: schedule: --ranks x: not a number of ranks from 1 to 65536; try --ranks 8" \
    schedule --config 1f1b.ini --ranks x
check "letters behind one dash are one word" meant "sim: '-lr' is not an option; try --set train.learning_rate=1e-4" --config ddp.ini -lr 1e-4
check "also where the first is none alone" meant "sim: '-hn' is not an option; try sim --help" --config ddp.ini -hn 4
check "an option behind one dash keeps its value" meant "sim: '-set' is not an option; try --set train.steps=3" --config zero3.ini -set train.steps=3
check "also as the first word" meant "sim: '-config' is not an option; try --config zero3.ini" -config zero3.ini
check "and behind another" meant "sim: '-ranks' is not an option; try --ranks 8" --config zero3.ini --dry-run -ranks 8
check "and behind a '='" meant "sim: '-output=a b.h5' is not an option; try --output 'a b.h5'" --config zero3.ini '-output=a b.h5'
check "one without gets an example" meant "sim: '-resume' is not an option; try --resume auto" --config zero3.ini -resume
check "one with its name misspelt keeps it" meant "sim: '--rnaks' is not an option; try --dry-run --ranks 4" --config zero3.ini --rnaks 4
check "help behind one dash" meant "sim: schedule: '-help' is not an option; try sim schedule --help" schedule -help
check "a value of an option that has none" meant "sim: '--dry-run=3': --dry-run takes no value; try --dry-run --ranks 3" --dry-run=3 --config ddp.ini
check "and of one cut short" meant "sim: '--dr=3': --dry-run takes no value; try --dry-run --ranks 3" --config ddp.ini --dr=3
check "of sim schedule" meant "sim: schedule: '--dry-run=3': --dry-run takes no value; try --ranks 3" schedule --dry-run=3
check "which is no number" meant "sim: '--force=no': --force takes no value; try --force, or leave it out" --config ddp.ini --force=no
check "of one for dry runs" meant "sim: '--all-ranks=4': --all-ranks takes no value; try --dry-run --all-ranks --ranks 4" --config ddp.ini --all-ranks=4
check "and no number of ranks" meant "sim: '--dry-run=0': --dry-run takes no value; try --dry-run, or leave it out" --config ddp.ini --dry-run=0
check "or one beside another" meant "sim: '--dry-run=4': --dry-run takes no value; try --dry-run, or leave it out" --config ddp.ini --ranks 3 --dry-run=4
for option in '--ouput x.h5' -dry-run --froce --force=no; do
    # shellcheck disable=SC2086
    check "sim schedule is told no option of a run for ${option%% *}" meant "' is not an option; try sim schedule --help" schedule --config 1f1b.ini $option
done
for option in --cvs --csv=yes; do
    check "nor a run one of sim schedule for $option" meant "sim: '$option' is not an option; try sim --help" --config ddp.ini $option
done
check "no option that goes with no other there" meant "sim: '--rseume' is not an option; try sim --help" --config ddp.ini --dry-run --rseume auto
check "nor with such a value" meant "sim: '--rnaks' is not an option; try sim --help" --config ddp.ini --dry-run --rnaks x
check "an option without its dashes" meant "'dry-run' is an option; try --dry-run" dry-run --config ddp.ini
check "help of an option is that of a run" says 0 '^  --ranks N ' help --ranks
check "a command misspelt" meant "'plott' is not a command; try sim plot" plott
check "a config's name in the line for dry runs" meant "try mpirun -n 4 sim --config 'a b.ini'" --config 'a b.ini' --ranks 4

# room MEMORY WORDS: what a dry run of 24 ranks, recorded by one for many, says of an accelerator with so much memory
# shellcheck disable=SC2317
room() {
    "$sim" --config ddp.ini --dry-run --ranks 24 --set hardware.profile=a100-80gb-dgx --set chip.memory_gb="$1" \
        --output "$place/room-$1.h5" | grep 'peak of the sum' | grep " $2\$"
}
check "a model that fits" room 80 "fits 80.000 GB"
check "a model that does not" room 0.01 "does not fit 10.000 MB"

# Open MPI leaks.
ASAN_OPTIONS=detect_leaks=0 check "a run that ends within its warm-up says so" says 0 '^  it ends within its warm-up, 2 of 100 steps, at 2e-05 of train.learning_rate = 0.001$' \
    --config single.ini --set train.steps=2 --set train.warmup=100 --set train.learning_rate=1e-3 --output up.h5

# shellcheck disable=SC2317
told_alone() { "$sim" --config "$1.ini" --set train.steps=1 --output alone.h5 | grep -c '^  one rank: .*; mpirun -n 8 before the same line makes it 8$'; }
check "a rank alone is told what it takes to split" [ "$(told_alone zero3)" = 1 ]
timeout 60 mpirun -n 1 "$sim" --config zero3.ini --set train.steps=1 --output alone.h5 >said
check "one that was asked for is not" [ "$(grep -c 'one rank:' said)" = 0 ]

check "two configs" meant "sim: --config a.ini: given again; try it once, and runs one by one" --config a.ini --config b.ini
check "two run files" meant "sim: --output a.h5: given again; try it once, and runs one by one" --output a.h5 --output b.h5
check "ranks given again" meant "sim: --ranks 2: given again; try it once, and runs one by one" --dry-run --ranks 2 --ranks 3
check "two folders of charts" meant "sim: plot: --out b: given again, after --out a; try one of the two" plot c.h5 --out a --out=b
check "no number of ranks" meant 'sim: --ranks "": not a number of ranks from 1 to 65536; try --ranks 8' --ranks ''
check "help of nothing" meant 'sim: help "": no such section; try one of model, moe, data, train, parallel, hardware, chip, node, software, output, faults, or a command: plot, report, schedule, sweep, goodput, trace, inspect, diff, validate, calibrate, help' help ''
# shellcheck disable=SC2046
check "more than there is room for" meant "sim: --set: more than 64 of them; try an ini file with these keys" \
    --config a.ini $(for _ in $(seq 65); do echo --set train.steps=1; done)
ugly=$'a\e[31mb\nsim: all is well'
check "a name of control bytes is shown in one line" one_line --config "$ugly" --dry-run
check "an option of them" one_line "--$ugly"
check "a number of them" one_line --ranks "$ugly"
for command in plot report trace inspect diff calibrate help 'help x'; do
    # shellcheck disable=SC2086
    check "a word of them after $command" one_line $command "$ugly"
done

for command in plot report trace inspect schedule sweep goodput validate calibrate; do
    "$sim" $command --help >help 2>&1
    check "sim help $command is sim $command --help" says 0 "^sim $command " help $command
    check "to the letter" cmp said help
    check "it tells what it ends with" grep -q '^Exit status: 0 .*, 1 failed, 2 bad request' help
done
# shellcheck disable=SC2317
names_configs() {
    diff <("$sim" --help | tr -d '\n' | sed 's/.*with sim *(//; s/, each .*//' | tr -s ' ' '\n' | sort) \
        <(cd "$root/configs" && printf '%s\n' *.ini | sed 's/\.ini$//' | sort)
}
check "sim --help names all configs, and no other" names_configs
check "help takes one word" meant "try sim help plot" help plot report

check "a fit to all sets is to those that were measured" says 2 '^sim: validate: --fit chip.sustained: begins at .* in korthikanti-2022 .* in megatron-core-2024 ' \
    validate --fit chip.sustained

# OpenBLAS's threads, two on any machine, have no room for what they ask for. Sanitizers need more than a limit leaves.
# shellcheck disable=SC2317
in_little_memory() { (
    ulimit -v 200000
    OMP_NUM_THREADS=2 timeout -k 1 5 "$@" "$sim" --version
); }
if in_little_memory env OPENBLAS_NUM_THREADS=1 >/dev/null 2>&1; then
    check "sim ends under a limit on memory" in_little_memory env -u OPENBLAS_NUM_THREADS
else
    skip "sim ends under a limit on memory: it cannot begin"
fi
check "a dry run without a machine says what gives it seconds" says 0 '^  seconds +none without a machine; try --set hardware.profile=h100-dgx$' \
    --config ddp.ini --dry-run --output seconds.h5
check "and takes it" says 0 '^  simulated step, rank 0 +[0-9.]+ .?s ' --config ddp.ini --dry-run --output seconds.h5 --set hardware.profile=h100-dgx
# Tables of 200 million parameters would be 33 GB: what does not fit is known before anything is made.
# shellcheck disable=SC2317
too_large() { (
    ulimit -v 3000000
    says 2 'a dry run of 2 ranks would take about .* GB of memory.* \(by ulimit -v\); try fewer ranks or model.layers' \
        --config zero3.ini --dry-run --ranks 2 --all-ranks --set model.layers=100000 --set moe.experts=1024
); }
if in_little_memory env OPENBLAS_NUM_THREADS=1 >/dev/null 2>&1; then
    check "a dry run's tables are not made before it is admitted" too_large
else
    skip "a dry run that does not fit under a limit: it cannot begin"
fi

# No process or thread beside sim's own, for a user whom such a limit binds: no library's words, and no signal.
# alone LINE WORD...: ends within a moment, and says one line, which has LINE in it.
bound=()
[ "$(id -u)" -ne 0 ] || bound=(setpriv --reuid=65534 --regid=65534 --clear-groups)
mkdir anyones && chmod 711 . && chmod 777 anyones
# shellcheck disable=SC2016,SC2317
in_one_process() {
    timeout -k 1 10 "${bound[@]}" bash -c 'ulimit -u 1 && cd "$0" && exec env -u OPENBLAS_NUM_THREADS OMP_NUM_THREADS=2 ASAN_OPTIONS=detect_leaks=0 "$@"' \
        "$place/anyones" "$@"
}
# shellcheck disable=SC2317
alone() {
    local line=$1
    shift
    in_one_process "$sim" "$@" >said 2>&1
    [ "$(wc -l <said)" -eq 1 ] && grep -qE -- "$line" said && return
    cat said
    return 1
}
if in_one_process "$sim" --version >/dev/null 2>&1 || [ $? -ne 126 ]; then
    check "sim begins where it may start no thread" alone '^sim [0-9]' --version
    check "and says what a run lacks" alone '^sim: cannot start a thread: .*\(ulimit -u\)$' --config single.ini
    in_one_process "$sim" --config single.ini --dry-run --ranks 1 --output a.h5 >log 2>&1
    ok $? "dry runs need none"
    steps=$root/configs/validation/megatron-core-2024.csv
    in_one_process "$sim" validate "$steps" >one 2>log
    ok $? "nor does what is foretold"
    "$sim" validate "$steps" >several
    check "which is the same" cmp one several
    check "and what charts lack" alone '^sim: plot: cannot start gnuplot: .*\(ulimit -u\)$' plot a.h5 --charts memory
else
    skip "sim may start no thread: another user cannot read it"
fi

# what is of no reader's kind
echo 'step,loss' >a.csv
echo '[train]' >an.ini
cp a.csv a.txt
for command in report plot trace inspect; do
    check "sim $command of rows as text" says 2 'a.csv: rows as text, .*; try .*sim validate a.csv .*--set parallel.schedule=a.csv for a schedule$' $command a.csv
done
check "of a config" meant "an.ini: a config, and no run's file; try sim --config an.ini, and then the .h5 that it writes" inspect an.ini
check "and of anything else" says 2 'a.txt: not HDF5, .*; try one whose name ends in .h5$' inspect a.txt
: >empty.h5
for command in report plot trace inspect; do
    check "sim $command of what is HDF5 by its name alone" says 2 'empty.h5: empty, or damaged: .*; try what it was copied from, or another$' $command empty.h5
done

# ranks share a sweep's work, and rank 0 tells what one process would
sweep() { "$@" "$sim" sweep --config 3d.ini --set hardware.profile=a100-80gb-dgx --set parallel.tp=1,2,3 --set parallel.pp=2,4 --csv; }
sweep env >alone.csv 2>said
check "rows are rows alone, and where the rest is written stands beside them" \
    [ "$(cat said)" = 'sim: sweep: its table and chart are in results/3d-sweep/' ]
sweep timeout -k 5 60 mpirun -n 3 >shared.csv
check "a sweep's combinations by three ranks" cmp alone.csv shared.csv
check "are six in all" [ "$(wc -l <shared.csv)" -eq 7 ]
check "and are kept twice" [ -f results/3d-sweep/sweep.1.h5 ]
check "its table is told apart from a run's" says 0 '^  Of 6 combinations ' report results/3d-sweep/sweep.h5
check "also among runs" meant "results/3d-sweep/sweep.h5: a sweep's table, not a run's file; try sim sweep results/3d-sweep/sweep.h5" \
    report results/3d-sweep/sweep.h5 results/3d-sweep/sweep.1.h5
sweep env PATH=/nowhere >alone.csv 2>said
check "without gnuplot it is told where the table is" [ "$? $(head -n 1 said)" = '1 sim: sweep: its table is in results/3d-sweep/' ]
check "and that a chart takes one" grep -q '^sim: sweep: gnuplot is not installed' said
env PATH=/nowhere "$sim" sweep --config 3d.ini --set hardware.profile=a100-80gb-dgx --set parallel.tp=1,2 >said 2>log
check "and on how many ranks to walk the best" grep -q '^  walk it  *sim --config results/3d-sweep/best.ini --dry-run --ranks 8$' said
env PATH=/nowhere "$sim" goodput --config 3d.ini --set hardware.profile=a100-80gb-dgx --days 1 --intervals 100,1000 --csv >log 2>said
check "of goodput, too" [ "$? $(head -n 1 said)" = '1 sim: goodput: its table is in results/3d-goodput/' ]
"$sim" sweep --config 3d.ini --set hardware.profile=a100-80gb-dgx --set train.seed="$(seq -s, 25)" --csv >log 2>said
check "no chart is told of where no axis has room" [ "$? $(cat said)" = '0 sim: sweep: its table is in results/3d-sweep/' ]
train 2 sweep --config 3d.ini --set parallel.tp=1,2 --workers 2 >said 2>&1
check "of ranks the first says what is wrong" grep -q '^sim: sweep: --workers: under mpirun it is the ranks' said
ASAN_OPTIONS=detect_leaks=0 train 2 sweep --config 3d.ini --set hardware.profile=a100-80gb-dgx --set parallel.tp=1,2 \
    --out alone.csv >said 2>&1 # Open MPI leaks
check "they end together where its folder is a file" [ $? -eq 2 ]
check "which the first says, too" grep -q '^sim: sweep: alone.csv/: .* a part of the path is a file' said
check "lists of a sweep, which hold commas" meant "try --set 'parallel.layers_per_stage=2,2;1,3'" sweep --config 1f1b.ini --set 'layers_per_stage=2,2;1,3'
check "a sweep that is none" meant "sim: sweep: no key has several values; try --set parallel.tp=1,2,4,8" sweep --config 3d.ini

"$sim" --config single.ini --dry-run --ranks 1 --output 'a b.h5' >said 2>&1
check "the closing line can be pasted" grep -q "draw it     sim plot 'a b.h5'$" said
check "one rank is one rank" grep -q '^a b.h5: .* on 1 rank, dry' said
cp 'a b.h5' 'a b.ini'
check "a run's file that is called a config" meant "sim: a b.ini: HDF5, as the files of runs, checkpoints and weights are, and no text; try sim inspect 'a b.ini'" --config 'a b.ini'
check "is inspected" says 0 'a b.ini' inspect 'a b.ini'
check "is reported" says 0 'a b.ini: .* on 1 rank, dry' report 'a b.ini'
check "a trace into a folder" meant "sim: trace: results: is a folder; name a file in it, such as results/run.h5" trace 'a b.h5' --out results
cp 'a b.h5' $'n\nl.h5'
check "a run's name of control bytes stays on its line" says 0 '^n[?]l.h5: .* on 1 rank, dry' report $'n\nl.h5'
check "a long name leaves room for the reason" says 2 'd[.]{3}: cannot open: File name too long' report "$(printf '%04000d' 0 | tr 0 d)/x.h5"
# beside LINE WORD...: the same of the last of three ranks, the only one of its program
# shellcheck disable=SC2317
beside() (
    export OMPI_NUM_APP_CTX=2 OMPI_APP_CTX_NUM_PROCS='2 1' OMPI_COMM_WORLD_SIZE=3 OMPI_COMM_WORLD_RANK=2
    meant "$@"
)
waits="mpirun starts other programs with it, which would wait for it; try it alone"
check "a report beside another program" beside "sim: report: $waits" report 'a b.h5'
check "a dry run beside another program" beside "sim: --dry-run: $waits" --config ddp.ini --dry-run
check "what only one of two programs is refused for" beside "sim: rank 2: '--bad' is not an option; try sim --help" --bad
check "an option of report is checked first" meant "--cvs: no such option of sim report; try sim report --help" report 'a b.h5' --cvs
finish
