# bench.awk - shows samples (tests/support/sample.h), each with its part of the benchmark before it: of each case and
# measure the median, the least and the most; and of many, how far the median itself is sure: 19 times of 20 that of
# endlessly many is between these two, if one sample says nothing of the next.
BEGIN { FS = ","; MANY = 20 }

function sorted(values, count, i, j, v) {
    for (i = 2; i <= count; i++) {
        v = values[i]
        for (j = i - 1; j > 0 && values[j] > v; j--) values[j + 1] = values[j]
        values[j + 1] = v
    }
}

function number(v) { return sprintf(v >= 1e5 || v <= -1e5 ? "%.4g" : v >= 100 ? "%.1f" : v >= 10 ? "%.2f" : "%.3f", v) }

function show(m, i, count, one, values, low) {
    for (m = 1; m <= measures; m++) {
        count = split(samples[m], one, " ")
        for (i = 1; i <= count; i++) values[i] = one[i] + 0
        sorted(values, count)
        printf "  %-46s %10s %-9s", name[m], number(values[int((count + 1) / 2)]), unit[m] == "1" ? "" : unit[m]
        if (count > 1) printf " (%s .. %s", number(values[1]), number(values[count])
        if (count >= MANY) {
            low = int((count + 1) / 2 - 0.98 * sqrt(count))
            printf "; median %s .. %s", number(values[low]), number(values[count + 1 - low])
        }
        if (count > 1) printf ")"
        print ""
        delete samples[m]
    }
    for (m in place) delete place[m]
    measures = 0
}

$1 "," $2 != shown {
    show()
    shown = $1 "," $2
    print $1 ": " $2
}
{
    key = $3 "," $4
    if (!(key in place)) {
        place[key] = ++measures
        name[measures] = $3
        unit[measures] = $4
    }
    samples[place[key]] = samples[place[key]] " " $6
}
END { show() }
