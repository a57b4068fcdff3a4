#!/bin/bash
# run.sh FLOAT_BUILD DOUBLE_BUILD [SUITE...] - runs every test, or the shell suites named, and counts:
# "N passed, N failed" at the end.
#
# Each program speaks TAP ("ok 3 - name", "not ok 4 - name", "ok 5 # SKIP name", of which cmocka makes "not ok 5 # SKIP
# name"); one that dies, hangs or says nothing is a failure of its own. Programs of one process run as many at once as there are cores (JOBS), beside one
# launch under MPI, whose ranks take all cores they get; when the programs have ended, launches beside one another.
# A line is printed as its program ends.
cd "$(dirname "$0")/.." || exit 1
float=$1 double=$2
shift 2
jobs=${JOBS:-$(nproc)}
passed=0 failed=0 skipped=0
commands=() launches=() programs=() # what is to run, and the numbers of those under MPI and of the others
declare -A running=() began=()      # by process: which number it runs, and since when
declare -A launched=()              # the processes of launches
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
trap 'trap "" INT TERM HUP; kill -TERM "${!running[@]}" 2>/dev/null; wait; exit 130' INT TERM HUP
# Ranks that wait let others compute: there are programs beside them.
export CMOCKA_MESSAGE_OUTPUT=TAP OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader # looking for networks takes half of a launch, and all is on this machine
export OPENBLAS_NUM_THREADS=1 # sim begins again where these two are not set
if core=${OPENBLAS_CORETYPE:-$("$float/tests/compare" core)} && [ -n "$core" ]; then export OPENBLAS_CORETYPE=$core; fi
export LSAN_OPTIONS=suppressions=$PWD/tests/leaks.txt:print_suppressions=0
if [ "$(id -u)" -eq 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

# queue LIST COMMAND...: the command is to run, as one of the launches or of the programs.
queue() {
    local -n list=$1
    shift
    list+=(${#commands[@]})
    commands+=("$*")
}

# start NUMBER NICENESS: in the background, so that Ctrl-C is not kept waiting; timeout passes it to all of the program.
start() {
    local words
    read -ra words <<<"${commands[$1]}"
    nice -n "$2" timeout -k 5 "${LIMIT:-600}" "${words[@]}" >"$logs/$1" 2>&1 </dev/null &
    running[$!]=$1
    began[$!]=$SECONDS
}

# report NUMBER STATUS SECONDS: counts what the log says, and prints its line.
report() {
    local log=$logs/$1 name=${commands[$1]} ok not skip bad="" why="exit $2"
    read -r ok not skip < <(awk '/^(not )?ok .*# SKIP/ { skip++; next } /^ok / { ok++ } /^not ok / { not++ }
        END { print ok + 0, not + 0, skip + 0 }' "$log")
    if [ "$2" -ne 0 ] && [ "$not" -eq 0 ]; then not=1; fi
    if [ $((ok + not + skip)) -eq 0 ]; then not=1; fi
    passed=$((passed + ok)) failed=$((failed + not)) skipped=$((skipped + skip))
    [ "$skip" -gt 0 ] && bad=", $skip skipped"
    if [ "$not" -gt 0 ]; then
        [ "$2" -ne 124 ] || why="not done after ${LIMIT:-600} s (LIMIT), and stopped after: $(grep -E '^(not )?ok ' "$log" | tail -n 1)"
        printf '%-58s %3d passed, %d FAILED%s (%s)\n' "$name" "$ok" "$not" "$bad" "$why"
        grep -v '^ok ' "$log" >"$log.bad"
        head -n -60 "$log.bad" | grep '^not ok ' | sed 's/^/    /' # of many all names, and what the last of them say
        tail -n 60 "$log.bad" | sed 's/^/    /'
    else
        printf '%-58s %3d passed%s, %d s\n' "$name" "$ok" "$bad" "$3"
        [ "$skip" -eq 0 ] || grep -E '^(not )?ok .*# SKIP' "$log" | sed 's/^/    /'
    fi
}

# finish: waits until one of those that run has ended, and reports it.
finish() {
    local process status
    wait -n -p process "${!running[@]}"
    status=$?
    report "${running[$process]}" $status $((SECONDS - began[$process]))
    unset "running[$process]" "launched[$process]"
}

# Whether the next launch can start.
launch() {
    [ ${#launches[@]} -gt 0 ] || return
    [ ${#launched[@]} -eq 0 ] || { [ ${#programs[@]} -eq 0 ] && [ ${#running[@]} -lt "$jobs" ]; }
}

# Runs all that is queued.
run() {
    while true; do
        if launch; then
            # Most ranks of a launch look whether something came, again and again: programs go first. Open MPI leaks.
            ASAN_OPTIONS=detect_leaks=0 start "${launches[0]}" 10
            launched[$!]=1
            launches=("${launches[@]:1}")
        elif [ ${#programs[@]} -gt 0 ] && [ $((${#running[@]} - ${#launched[@]})) -lt "$jobs" ]; then
            start "${programs[0]}" 0
            programs=("${programs[@]:1}")
        elif [ ${#running[@]} -gt 0 ]; then
            finish
        else
            break
        fi
    done
}

# suites NAME...: the shell suites; each starts sim under MPI, again and again.
suites() {
    local suite
    for suite; do queue launches "tests/shell/$suite.sh" "$float" "$double"; done
}

# The groups that run on ranks: on virtual ranks in the precision that tells more, or both; and each on MPI's, on some
# numbers of them, what is about messages and who sends them on all.
on_ranks() {
    local group wire=(rings windows collectives all-to-all all-to-all-time network links double-tree lanes)
    queue launches mpirun -n 4 "$float/tests/ranks" "${wire[@]}" stages lanes-cpu equivalence families domains clock machine checkpoint faults
    queue launches mpirun -n 8 "$float/tests/ranks" "${wire[@]}" stages clock machine checkpoint stop
    queue launches mpirun -n 3 "$float/tests/ranks" "${wire[@]}" stages equivalence precision quantize clock machine stop
    queue launches mpirun -n 6 "$float/tests/ranks" "${wire[@]}" stages domains
    queue launches mpirun -n 4 "$double/tests/ranks" "${wire[@]}"
    queue launches mpirun -n 2 "$float/tests/ranks" "${wire[@]}" stages quantize clock machine
    queue launches mpirun -n 1 "$float/tests/ranks" "${wire[@]}" machine
    for group in quantize equivalence families domains stages precision checkpoint rings collectives all-to-all all-to-all-time network lanes clock; do
        queue programs "$double/tests/ranks" $group
    done
    for group in stop precision domains checkpoint lanes-cpu rings collectives all-to-all all-to-all-time network lanes; do
        queue programs "$float/tests/ranks" $group
    done
}

# Programs of one process.
alone() {
    local build program
    queue programs tests/shell/commands.sh "$float" "$double"
    queue programs tests/shell/inspect.sh "$float" "$double"
    for build in "$float" "$double"; do
        queue programs "$build/tests/matrix" slice
        for program in $(find tests -name 'test_*.c' | sort); do
            program=${program%.c}
            # Where no real number goes in, make builds one.
            [ "$build" = "$double" ] && [ ! -e "$build/$program" ] && continue
            queue programs "$build/$program"
        done
    done
}

if [ $# -gt 0 ]; then
    suites "$@"
else
    suites training golden refusals precision schedule calibrate checkpoints kills faults # first: they leave cores to the programs beside them
    on_ranks
    alone
fi
run

echo
if [ $skipped -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ $failed -eq 0 ]
