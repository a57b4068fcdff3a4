#!/bin/bash
# run.sh FLOAT_BUILD DOUBLE_BUILD [SUITE...] - runs every test, or the shell suites named, and counts:
# "N passed, N failed" at the end.
#
# Each program speaks TAP ("ok 3 - name", "not ok 4 - name", "ok 5 # SKIP name");
# one that dies, hangs or says nothing is a failure of its own.
cd "$(dirname "$0")/.." || exit 1
float=$1 double=$2
shift 2
passed=0 failed=0 skipped=0 running=
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'trap "" INT TERM HUP; [ -z "$running" ] || { kill -TERM $running; wait $running; } 2>/dev/null; exit 130' INT TERM HUP
export CMOCKA_MESSAGE_OUTPUT=TAP OMPI_MCA_rmaps_base_oversubscribe=1
if [ "$(id -u)" -eq 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

# test NAME COMMAND...
test_program() {
    local name=$1 began=$SECONDS status bad
    shift
    # In the background, so that Ctrl-C is not kept waiting; timeout passes it to all of the program.
    timeout -k 5 "${LIMIT:-240}" "$@" >"$log" 2>&1 </dev/null &
    running=$!
    wait $running
    status=$?
    local ok not skip
    skip=$(grep -c '^ok .*# SKIP' "$log")
    ok=$(($(grep -c '^ok ' "$log") - skip))
    not=$(grep -c '^not ok ' "$log")
    if [ $status -ne 0 ] && [ "$not" -eq 0 ]; then not=1; fi
    if [ $((ok + not + skip)) -eq 0 ]; then not=1; fi
    passed=$((passed + ok)) failed=$((failed + not)) skipped=$((skipped + skip))
    bad=""
    [ "$skip" -gt 0 ] && bad=", $skip skipped"
    if [ "$not" -gt 0 ]; then
        printf '%-58s %3d passed, %d FAILED%s (exit %d)\n' "$name" "$ok" "$not" "$bad" $status
        grep -v '^ok ' "$log" | tail -n 60 | sed 's/^/    /'
    else
        printf '%-58s %3d passed%s, %d s\n' "$name" "$ok" "$bad" $((SECONDS - began))
        grep '^ok .*# SKIP' "$log" | sed 's/^/    /'
    fi
}

# test_ranks RANKS BUILD NAME: under MPI.
test_ranks() {
    local program
    program=$2/$(find tests -name "$3.c")
    test_program "mpirun -n $1 ${program%.c}" mpirun -n "$1" "${program%.c}"
}

# Programs, alone and under MPI.
programs() {
    local build program ranks
    for build in "$float" "$double"; do
        for program in $(find tests -name 'test_*.c' | sort); do
            program=${program%.c}
            case $build/${program##*/} in
            # Pictures, ideal seconds on paper, damaged files: no real number goes into them, so one build is enough.
            "$double"/test_plot_charts | "$double"/test_plot_timelines | \
                "$double"/test_plot_pipeline | "$double"/test_clock_shapes | "$double"/test_run_file_fuzz) continue ;;
            esac
            test_program "$build/$program" "$build/$program"
        done
        test_program "$build/tests/matrix slice" "$build/tests/matrix" slice
    done
    # Under the sanitizers leaks are looked for above, on virtual ranks; Open MPI has its own.
    export ASAN_OPTIONS=detect_leaks=0
    for ranks in 1 2 3 4 6 8; do
        for build in "$float" "$double"; do
            for program in test_rings test_collectives test_lanes test_equivalence test_stages; do
                test_ranks $ranks "$build" $program
            done
        done
        # In double there are no 16 bits to train in.
        test_ranks $ranks "$float" test_precision
    done
    for build in "$float" "$double"; do
        test_ranks 4 "$build" test_families_split
        test_ranks 4 "$build" test_lanes_cpu
    done
    for ranks in 2 3 4 8; do # the grids of their cases
        for build in "$float" "$double"; do
            for program in test_clock test_quantize; do
                test_ranks $ranks "$build" $program
            done
        done
    done
}

if [ $# -eq 0 ]; then
    programs
    set -- training precision schedule refusals golden
fi
for suite in "$@"; do
    LIMIT=${LIMIT:-300} test_program "tests/shell/$suite.sh" "tests/shell/$suite.sh" "$float" "$double"
done

echo
if [ $skipped -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ $failed -eq 0 ]
