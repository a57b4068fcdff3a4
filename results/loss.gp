# loss.gp - the loss of a run, its gradient norm and learning rate; or of several runs, and their distance.
# To restyle, edit the chart's own loss.gp (it holds its numbers) and draw it again:
#     gnuplot loss.gp                      makes loss.png
#     gnuplot -e "fmt='svg'" loss.gp       makes loss.svg; or 'pdf'
load 'data.gp'
# Written by `sim plot`: RUNS, NAMES[]; $D: step, then the loss of each run, or (one run) loss, gradient norm,
# learning rate; LOW, HIGH of the losses and floors; FLOORS, FLOOR[], FLOOR_OF[]; PANELS below the first;
# SKIPPED steps of all runs; $S: such a step, its run.
load 'page.gp'
KEY = SKIPPED && RUNS > 1 ? 14 : 4
do for [k=1:RUNS] { if (strlen(NAMES[k]) > KEY) { KEY = strlen(NAMES[k]) } }
MANY = RUNS > 1
RIGHT = 870
W = int(RIGHT + (MANY ? 110 + 8 * KEY : 40))
if (W < WORDS) { RIGHT = int(RIGHT + WORDS - W); W = int(WORDS) }
# The first panel ends at MIDDLE; of several runs the distances follow, and the page is as tall as the legend.
LEGEND = ENTRY * (RUNS + (SKIPPED > 0))
H = MANY ? (LEGEND + TOP + 62 > 690 ? LEGEND + TOP + 62 : 690) : 400 + 125 * PANELS
MIDDLE = MANY ? int(TOP + 6 + 0.636 * (H - TOP - 100)) : 345
load 'style.gp'

SKIP = '#ee6677'
THIN = ROWS > 400 ? 0.8 : 1.2
POINTS = ROWS < 40 ? 0.8 * SYMBOL : 0
# Runs often coincide, so their markers take turns, GAP rows from one of a run to its next; where the rows
# are too few for that, all mark every row and the earlier runs' markers are larger.
GAP = ROWS < (RUNS > 8 ? 1 : 2) * RUNS ? 1 : ROWS / 6 > RUNS - 1 ? ROWS / 6 : RUNS - 1
shift(k) = GAP > 1 ? int(GAP * (k - 2) / (RUNS - 1.0)) : 0
GROWTH = RUNS > 6 ? 1.8 / (RUNS - 2) : 0.45
size(k) = SYMBOL * (GAP > 1 ? 0.9 : 0.9 + GROWTH * (RUNS - k))

set multiplot
set lmargin at screen X(108)
set rmargin at screen X(RIGHT)
LONE = STEP_FIRST == STEP_LAST
set xrange [STEP_FIRST - (LONE ? 0.5 : 0):STEP_LAST + (LONE ? 0.5 : 0)]
EVERY = STEP_LAST - STEP_FIRST > 8 ? int(round_up((STEP_LAST - STEP_FIRST) / 8.0)) : 1 # no half steps
set xtics EVERY
set tmargin at screen Y(TOP + 6)
set bmargin at screen Y(MIDDLE)
SPAN = HIGH > LOW ? HIGH - LOW : 1
BOTTOM = LOW - ((FLOORS ? 0.14 : 0.06) + (SKIPPED ? 0.06 : 0)) * SPAN # the floor's name stands under its line
set yrange [BOTTOM:HIGH + 0.06 * SPAN]
set label 5 'loss (nats per token)' at screen X(24),Y((TOP + 6 + MIDDLE) / 2) center rotate \
    textcolor rgb INK
LAST = MANY ? 0 : PANELS == 0 # is this panel the lowest, with the numbers of the x axis?
set format x (LAST ? '%g' : '')
set xlabel (LAST ? 'step' : '')
set xtics add ((LAST ? sprintf('%.0f', STEP_FIRST) : '') STEP_FIRST)
do for [i=1:FLOORS] {
    set arrow 10 + i from graph 0, first FLOOR[i] to graph 1, first FLOOR[i] nohead linecolor rgb SOFT \
        dashtype (6,4) linewidth 1.1
    set label 10 + i sprintf('%s %.4g', FLOOR_OF[i], FLOOR[i]) at graph 0.006, first FLOOR[i] left \
        offset 0,-0.75 boxed textcolor rgb SOFT font ',11'
}
unset key
if (MANY) {
    plot $D using 1:2 with lines linewidth 7 linecolor rgb '#cfcfcf', \
         for [k=2:RUNS] $D using 1:(column(k+1)) with lines linewidth THIN dashtype dash(k-1) \
             linecolor rgb hue(k-1), \
         for [k=2:RUNS] $D every GAP::shift(k) using 1:(column(k+1)) with points pointtype shape(k-1) \
             pointsize 1.35*size(k) linecolor rgb '#ffffff', \
         for [k=2:RUNS] $D every GAP::shift(k) using 1:(column(k+1)) with points pointtype shape(k-1) \
             pointsize size(k) linecolor rgb hue(k-1), \
         for [s=1:SKIPPED > 0] $S using 1:(BOTTOM):(0):(0.045*SPAN) with vectors nohead linewidth 1.6 \
             linecolor rgb SKIP
} else {
    plot $D using 1:2 with linespoints pointtype 7 pointsize POINTS linewidth 1.4 linecolor rgb HUE[1], \
         for [s=1:SKIPPED > 0] $S using 1:(BOTTOM):(0):(0.045*SPAN) with vectors nohead linewidth 1.6 \
             linecolor rgb SKIP
}
do for [i=1:3] { unset label i }
do for [i=1:FLOORS] { unset label 10 + i; unset arrow 10 + i }

if (MANY) {
    # |loss - the first run's| on a log axis, where an exact 0 has no place: the lowest tick stands for it.
    # The distances span DIFF_LOW to DIFF_HIGH, powers of ten; both are 0 when no two losses differ.
    SAME = DIFF_HIGH == 0
    ZERO = SAME ? 1e-8 : DIFF_LOW / 10
    distance(k) = abs(column(k + 1) - column(2))
    place(d) = d == 0 ? ZERO : d
    set tmargin at screen Y(MIDDLE + 32)
    set bmargin at screen Y(H - 62)
    set format x '%g'
    set xlabel 'step' offset 0,0.3
    set xtics add (sprintf('%.0f', STEP_FIRST) STEP_FIRST)
    set label 5 '|loss − first run|' at screen X(24),Y((MIDDLE + 32 + H - 62) / 2) center rotate \
        textcolor rgb INK
    set logscale y
    set yrange [ZERO / 2:(SAME ? ZERO * 10 : DIFF_HIGH)]
    set ytics ()
    set ytics add ('0' ZERO)
    DECADES = SAME ? 0 : int(log10(DIFF_HIGH / DIFF_LOW) + 0.5)
    STRIDE = int(DECADES / 5) + 1
    if (!SAME) {
        do for [e=0:DECADES:STRIDE] {
            set ytics add (sprintf('10^{%d}', int(floor(log10(DIFF_LOW) + 0.5)) + e) DIFF_LOW * 10**e)
        }
    }
    if (SAME) {
        set label 4 'no loss differs in any bit' at graph 0.5,0.6 center textcolor rgb SOFT
    }
    plot for [k=2:RUNS] $D using 1:(place(distance(k))) with lines linewidth THIN dashtype dash(k-1) \
             linecolor rgb hue(k-1), \
         for [k=2:RUNS] $D every GAP::shift(k) using 1:(place(distance(k))) with points pointtype shape(k-1) \
             pointsize 1.35*size(k) linecolor rgb '#ffffff', \
         for [k=2:RUNS] $D every GAP::shift(k) using 1:(place(distance(k))) with points pointtype shape(k-1) \
             pointsize size(k) linecolor rgb hue(k-1)
    # The legend has a panel of its own, as tall as the page: one as tall as the losses loses names.
    unset label 4
    unset label 5
    unset logscale y
    unset border
    unset tics
    unset xlabel
    set yrange [0:1]
    set tmargin at screen 1
    set bmargin at screen 0
    set key at screen X(RIGHT + 24), Y(TOP + 14) left top Left reverse samplen 2.4
    plot NaN with lines linewidth 7 linecolor rgb '#cfcfcf' title NAMES[1], \
         for [k=2:RUNS] NaN with linespoints pointtype shape(k-1) pointsize 0.9*SYMBOL linewidth 1.2 \
             dashtype dash(k-1) linecolor rgb hue(k-1) title NAMES[k], \
         for [s=1:SKIPPED > 0] NaN with lines linewidth 1.6 linecolor rgb SKIP title 'a skipped step'
} else {
    # Gradient norm and learning rate, each in a low panel of its own.
    do for [p=1:PANELS] {
        set tmargin at screen Y(375 + 125 * (p - 1))
        set bmargin at screen Y(460 + 125 * (p - 1))
        set format x (p == PANELS ? '%g' : '')
        set xlabel (p == PANELS ? 'step' : '') offset 0,0.3
        set xtics add ((p == PANELS ? sprintf('%.0f', STEP_FIRST) : '') STEP_FIRST)
        set label 5 PANEL[p] at screen X(24),Y(417 + 125 * (p - 1)) center rotate textcolor rgb INK font ',12'
        set yrange [0:PANEL_HIGH[p] * 1.08]
        set ytics PANEL_TIC[p]
        set format y '%g'
        plot $D using 1:(column(PANEL_COLUMN[p])) with linespoints pointtype 7 pointsize 0.7*POINTS \
            linewidth 1.2 linecolor rgb (PANEL_COLUMN[p] == 3 ? '#aa3377' : '#228833')
    }
}
unset multiplot
