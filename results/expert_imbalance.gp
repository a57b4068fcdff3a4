# expert_imbalance.gp - the load of the fullest expert over the mean, over steps: a line a layer, or a run.
# To restyle, edit the chart's own expert_imbalance.gp (it holds its numbers) and draw it again:
#     gnuplot expert_imbalance.gp          makes expert_imbalance.png
#     gnuplot -e "fmt='svg'" expert_imbalance.gp makes expert_imbalance.svg
load 'data.gp'
# Written by `sim plot`: LINES, NAMES[]; $D: step and imbalance, a block a line, of at most COLUMNS points; STEP_FIRST and
# STEP_LAST of all, HIGHEST imbalance.
load 'page.gp'
KEY = 7
do for [k=1:LINES] { if (strlen(NAMES[k]) > KEY) { KEY = strlen(NAMES[k]) } }
RIGHT = 870
LEGEND = ENTRY * LINES
H = LEGEND + TOP + 66 > 480 ? LEGEND + TOP + 66 : 480
W = int(RIGHT + 90 + 8 * KEY)
if (W < WORDS) { RIGHT = int(RIGHT + WORDS - W); W = int(WORDS) }
load 'style.gp'

# Few points are marked one by one, of many some; lines take turns.
GAP = COLUMNS < 40 ? 1 : int(COLUMNS / 8)
shift(k) = GAP > 1 ? int(GAP * (k - 1) / real(LINES)) : 0
set lmargin at screen X(90)
set rmargin at screen X(RIGHT)
set tmargin at screen Y(TOP)
set bmargin at screen Y(H - 66)
set key at screen X(RIGHT + 22), Y(TOP + (H - 66 - TOP) / 2) left center samplen 2.4
LONE = STEP_FIRST == STEP_LAST
set xrange [STEP_FIRST - (LONE ? 0.5 : 0):STEP_LAST + (LONE ? 0.5 : 0)]
EVERY = STEP_LAST - STEP_FIRST > 8 ? int(round_up((STEP_LAST - STEP_FIRST) / 8.0)) : 1 # no half steps
set xtics EVERY
set xtics add (sprintf('%.0f', STEP_FIRST) STEP_FIRST)
set yrange [1:1 + (HIGHEST > 1 ? 1.08 * (HIGHEST - 1) : 1)]
set format y '%g'
set xlabel 'step' offset 0,0.2
set ylabel 'imbalance (largest load over the mean)' offset 0.5,0
plot for [k=1:LINES] $D index k-1 using 1:2 with lines linewidth 1.4 dashtype dash(k) linecolor rgb hue(k) notitle, \
     for [k=1:LINES] $D index k-1 every GAP::shift(k) using 1:2 with points pointtype shape(k) pointsize 0.8*SYMBOL \
         linecolor rgb hue(k) notitle, \
     for [k=1:LINES] NaN with linespoints pointtype shape(k) pointsize 0.8*SYMBOL linewidth 1.4 dashtype dash(k) \
         linecolor rgb hue(k) title NAMES[k]
