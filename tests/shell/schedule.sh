#!/bin/bash
# schedule.sh FLOAT_BUILD DOUBLE_BUILD - sim schedule: the grid and its figures, the notation there and back,
# and a user's own schedule that cannot run.
# shellcheck source=tests/shell/tap.sh
. "$(dirname "$0")/tap.sh"
sim=$float/bin/sim

# shellcheck disable=SC2317
shows() { # PATTERN ARGUMENT...
    local pattern=$1
    shift
    "$sim" schedule "$@" >shown 2>&1 && grep -qE "$pattern" shown && return
    cat shown
    return 1
}

check "1f1b's bubble, by formula and walked" shows 'bubble +0.272727 walked, 0.272727 by the formula' \
    --config 1f1b.ini --ranks 8
check "1f1b's microbatches in flight" shows 'in flight +4 3 2 1 ' --config 1f1b.ini --ranks 8
check "interleaved's, of two stages a rank" shows 'in flight +11 9 7 5  of 16 \(8 microbatches on 2 stages\) at most, by rank$' \
    --config interleaved.ini --set train.global_batch=8
check "its grid" shows '^rank 3  \.  \.  \.  F0 B0--- F1 B1---' --config 1f1b.ini --ranks 8
check "zb-h1's grid has W's" shows '^rank 0 .* I3 W3' --config zb-h1.ini --ranks 8 --set train.global_batch=8
check "without --ranks there is one replica" shows 'm = 16 microbatches.*dp 1 ' --config 1f1b.ini

# wide COLUMNS LAST NAME=VALUE... -- ARGUMENT...: drawn in a file, no rank's line is longer than so many columns, the
# longest nearly so, and the last line begins so.
# shellcheck disable=SC2317
wide() {
    local columns=$1 last=$2 environment=() longest
    shift 2
    while [ "$1" != -- ]; do
        environment+=("$1")
        shift
    done
    shift
    env -u COLUMNS "${environment[@]}" "$sim" schedule --ranks 8 "$@" >shown 2>&1 &&
        longest=$(awk '/^rank/ && length > n { n = length } END { print n }' shown) &&
        [ "$longest" -le "$columns" ] && [ "$longest" -gt $((columns - 8)) ] &&
        [[ $(tail -n 1 shown) == "$last"* ]] && return
    cat shown
    return 1
}

check "in a file there is all of it" wide 106 'rank 3  ' -- --config 1f1b.ini
check "of what is too wide 200 columns" wide 200 '64 of 96 slots shown; the other 32 need 295 columns' -- --config naive.ini
check "or as many as COLUMNS has" wide 60 '17 of 33 slots shown; the other 16 need 106 columns' COLUMNS=60 -- --config 1f1b.ini
check "more, too" wide 295 'rank 3  ' COLUMNS=300 -- --config naive.ini
for columns in '' 0 -50 60x 19 99999999999999999999; do
    check "'$columns' is no number of columns" wide 106 'rank 3  ' COLUMNS="$columns" -- --config 1f1b.ini
done
check "it teaches" shows 'my.csv' --help

for name in naive gpipe 1f1b interleaved zb-h1; do
    "$sim" schedule --config $name.ini --ranks 8 --csv >$name.csv
    check "$name written, read and written again" shows '0F0' --config $name.ini --ranks 8 --csv --set parallel.schedule=$name.csv
    check "$name comes back as it was" cmp shown $name.csv
done
"$sim" schedule --config ddp.ini --set parallel.schedule=gpipe --set train.microbatch=4 --ranks 2 --csv >own.csv
check "a user's own reaches every rank" train 2 --config ddp.ini --set parallel.schedule="$place/own.csv" \
    --set train.microbatch=4 --set train.steps=1 --output own.h5
check "and every virtual rank" "$sim" --config ddp.ini --set parallel.schedule=own.csv --set train.microbatch=4 \
    --dry-run --ranks 2 --output own-dry.h5
"$sim" --config 1f1b.ini --set parallel.schedule=gpipe.csv --dry-run --ranks 8 --output file.h5 >shown 2>&1
check "a file named as a schedule is not taken for it" grep -q '; gpipe.csv; 8 microbatches' shown
"$sim" --config 1f1b.ini --set parallel.schedule=GPipe --dry-run --ranks 8 --output case.h5 >shown 2>&1
check "names are spelt one way in the run file" grep -q '; gpipe; 8 microbatches' shown

printf '0F0,0B0,0F1,0B1\n1F0,1F1,1B0,1B1\n' >deadlock.csv
for command in schedule --dry-run; do
    "$sim" "$command" --config ddp.ini --set parallel.pp=2 --set parallel.schedule=deadlock.csv --set train.microbatch=12 \
        --ranks 2 >log 2>&1
    [ $? -eq 2 ] && [ "$(grep -c '^sim: ' log)" -eq 1 ] &&
        grep -q '^sim: deadlock.csv: deadlock: rank 0 waits at RECV_B of stage 0, microbatch 0 for rank 1' log
    ok $? "a deadlock is refused by $command"
done
finish
