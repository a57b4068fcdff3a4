#!/bin/bash
# bench.sh BUILD PART... - runs parts of the benchmark (bench_PART.sh), shows medians of what they measure, with the least
# and the most, and keeps every sample in results/bench.csv; what lay there is kept as bench.1.csv, bench.2.csv and so on.
export LC_ALL=C
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader
if [ "$(id -u)" -eq 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
export OPENBLAS_NUM_THREADS=1 # sim begins again where these two are not set
if core=${OPENBLAS_CORETYPE:-$("$1/tests/compare" core)} && [ -n "$core" ]; then export OPENBLAS_CORETYPE=$core; fi
here=$(dirname "$0") build=$1
shift

mkdir -p results
file=results/bench.csv
if [ -e $file ]; then
    number=1
    while [ -e results/bench.$number.csv ]; do number=$((number + 1)); done
    mv $file results/bench.$number.csv
    echo "the $file that was here is kept as results/bench.$number.csv"
fi
{
    echo "# $(date -u +%Y-%m-%dT%H:%M:%SZ), $("$build/bin/sim" --version)"
    echo "# $(nproc) cores, $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1), load $(cut -d ' ' -f 1 /proc/loadavg)"
    echo part,case,measure,unit,round,value
} >$file
sed -n 's/^# //p' $file

# Each case as soon as it is whole: awk itself may read ahead for more than there is.
lines=() shown=
show() {
    [ ${#lines[@]} -eq 0 ] || printf '%s\n' "${lines[@]}" | awk -f "$here/bench.awk"
    lines=()
}
for part; do
    while IFS= read -r line; do
        [ "$part,${line%%,*}" = "$shown" ] || show
        shown=$part,${line%%,*}
        lines+=("$part,$line")
        echo "$part,$line" >>$file
    done < <("$here/bench_$part.sh" "$build")
    wait $! || exit 1
    show
done
echo "every sample is in $file"
