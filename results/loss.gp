# loss.gp - the loss of a run, its gradient norm and learning rate; or of several runs, and their distance.
# To restyle, edit the chart's own loss.gp (it holds its numbers) and draw it again:
#     gnuplot loss.gp                      makes loss.png
#     gnuplot -e "fmt='svg'" loss.gp       makes loss.svg; or 'pdf'
load 'data.gp'
# Written by `sim plot`: RUNS, NAMES[]; $D: step, then the loss of each run, or (one run) loss, gradient norm,
# learning rate; LOW, HIGH of the losses and floors; FLOORS, FLOOR[], FLOOR_OF[]; PANELS below the first;
# SKIPPED steps of all runs; $S: such a step, its run.
KEY = SKIPPED && RUNS > 1 ? 14 : 4
do for [k=1:RUNS] { if (strlen(NAMES[k]) > KEY) { KEY = strlen(NAMES[k]) } }
MANY = RUNS > 1
RIGHT = 870
W = int(RIGHT + (MANY ? 110 + 8 * KEY : 40)); H = MANY ? 690 : 400 + 125 * PANELS
WORDS = 40 + 7.6 * (strlen(SUBTITLE1) > strlen(SUBTITLE2) ? strlen(SUBTITLE1) : strlen(SUBTITLE2))
if (W < WORDS) { RIGHT = int(RIGHT + WORDS - W); W = int(WORDS) }
load 'style.gp'

array HUE[8] = ['#4477aa', '#66ccee', '#228833', '#ee7733', '#aa3377', '#ccbb44', '#ee6677', '#222222']
array SHAPE[8] = [7, 9, 5, 13, 11, 15, 7, 9]
SKIP = '#ee6677'
hue(k) = HUE[(k - 2) % 8 + 1] # the first run is the grey band, the others take the colours in turn
shape(k) = SHAPE[(k - 2 + (k - 2) / 8) % 8 + 1]
THIN = ROWS > 400 ? 0.8 : 1.2
POINTS = ROWS < 40 ? 0.8 * SYMBOL : 0
# Runs often coincide, so their markers take turns, GAP rows from one of a run to its next; where the rows
# are too few for that, all mark every row and the earlier runs' markers are larger.
GAP = ROWS < 2 * RUNS ? 1 : ROWS / 6 > RUNS - 1 ? ROWS / 6 : RUNS - 1
shift(k) = GAP > 1 ? int(GAP * (k - 2) / (RUNS - 1.0)) : 0
size(k) = SYMBOL * (GAP > 1 ? 0.9 : 0.9 + 0.45 * (RUNS - k))

set multiplot
set lmargin at screen X(108)
set rmargin at screen X(RIGHT)
set xrange [STEP_FIRST:STEP_LAST > STEP_FIRST ? STEP_LAST : STEP_FIRST + 1]
set tmargin at screen Y(TOP + 6)
set bmargin at screen Y(MANY ? 420 : 345)
SPAN = HIGH > LOW ? HIGH - LOW : 1
BOTTOM = LOW - ((FLOORS ? 0.14 : 0.06) + (SKIPPED ? 0.06 : 0)) * SPAN # the floor's name stands under its line
set yrange [BOTTOM:HIGH + 0.06 * SPAN]
set label 5 'loss (nats per token)' at screen X(24),Y((TOP + 6 + (MANY ? 420 : 345)) / 2) center rotate \
    textcolor rgb INK
LAST = MANY ? 0 : PANELS == 0 # is this panel the lowest, with the numbers of the x axis?
set format x (LAST ? '%g' : '')
set xlabel (LAST ? 'step' : '')
do for [i=1:FLOORS] {
    set arrow 10 + i from graph 0, first FLOOR[i] to graph 1, first FLOOR[i] nohead linecolor rgb SOFT \
        dashtype (6,4) linewidth 1.1
    set label 10 + i sprintf('%s %.4g', FLOOR_OF[i], FLOOR[i]) at graph 0.006, first FLOOR[i] left \
        offset 0,-0.75 textcolor rgb SOFT font ',11'
}
if (MANY) {
    set key at screen X(RIGHT + 24), Y(TOP + 14) left top noreverse Left samplen 2.4
    set key reverse
    plot $D using 1:2 with lines linewidth 7 linecolor rgb '#cfcfcf' title NAMES[1], \
         for [k=2:RUNS] $D using 1:(column(k+1)) with lines linewidth THIN linecolor rgb hue(k) notitle, \
         for [k=2:RUNS] $D every GAP::shift(k) using 1:(column(k+1)) with points pointtype shape(k) \
             pointsize 1.35*size(k) linecolor rgb '#ffffff' notitle, \
         for [k=2:RUNS] $D every GAP::shift(k) using 1:(column(k+1)) with points pointtype shape(k) \
             pointsize size(k) linecolor rgb hue(k) notitle, \
         for [k=2:RUNS] NaN with linespoints pointtype shape(k) pointsize 0.9*SYMBOL linewidth 1.2 \
             linecolor rgb hue(k) title NAMES[k], \
         for [s=1:SKIPPED > 0] $S using 1:(BOTTOM):(0):(0.045*SPAN) with vectors nohead linewidth 1.6 \
             linecolor rgb SKIP title 'a skipped step'
} else {
    unset key
    plot $D using 1:2 with linespoints pointtype 7 pointsize POINTS linewidth 1.4 linecolor rgb HUE[1], \
         for [s=1:SKIPPED > 0] $S using 1:(BOTTOM):(0):(0.045*SPAN) with vectors nohead linewidth 1.6 \
             linecolor rgb SKIP
}
unset key
do for [i=1:3] { unset label i }
do for [i=1:FLOORS] { unset label 10 + i; unset arrow 10 + i }

if (MANY) {
    # |loss - the first run's| on a log axis, where an exact 0 has no place: the lowest tick stands for it.
    # The distances span DIFF_LOW to DIFF_HIGH, powers of ten; both are 0 when no two losses differ.
    SAME = DIFF_HIGH == 0
    ZERO = SAME ? 1e-8 : DIFF_LOW / 10
    distance(k) = abs(column(k + 1) - column(2))
    place(d) = d == 0 ? ZERO : d
    set tmargin at screen Y(452)
    set bmargin at screen Y(H - 62)
    set format x '%g'
    set xlabel 'step' offset 0,0.3
    set label 5 '|loss − first run|' at screen X(24),Y((452 + H - 62) / 2) center rotate \
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
    plot for [k=2:RUNS] $D using 1:(place(distance(k))) with lines linewidth THIN linecolor rgb hue(k), \
         for [k=2:RUNS] $D every GAP::shift(k) using 1:(place(distance(k))) with points pointtype shape(k) \
             pointsize 1.35*size(k) linecolor rgb '#ffffff', \
         for [k=2:RUNS] $D every GAP::shift(k) using 1:(place(distance(k))) with points pointtype shape(k) \
             pointsize size(k) linecolor rgb hue(k)
} else {
    # Gradient norm and learning rate, each in a low panel of its own.
    do for [p=1:PANELS] {
        set tmargin at screen Y(375 + 125 * (p - 1))
        set bmargin at screen Y(460 + 125 * (p - 1))
        set format x (p == PANELS ? '%g' : '')
        set xlabel (p == PANELS ? 'step' : '') offset 0,0.3
        set label 5 PANEL[p] at screen X(24),Y(417 + 125 * (p - 1)) center rotate textcolor rgb INK font ',12'
        set yrange [0:PANEL_HIGH[p] * 1.08]
        set ytics PANEL_TIC[p]
        set format y '%g'
        plot $D using 1:(column(PANEL_COLUMN[p])) with linespoints pointtype 7 pointsize 0.7*POINTS \
            linewidth 1.2 linecolor rgb (PANEL_COLUMN[p] == 3 ? '#aa3377' : '#228833')
    }
}
unset multiplot
