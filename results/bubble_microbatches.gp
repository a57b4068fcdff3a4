# bubble_microbatches.gp - how the bubble shrinks with microbatches, by schedule.
# To restyle, edit the chart's own bubble_microbatches.gp (it holds its numbers) and draw it again:
#     gnuplot bubble_microbatches.gp       makes bubble_microbatches.png
#     gnuplot -e "fmt='svg'" bubble_microbatches.gp makes bubble_microbatches.svg
load 'data.gp'
# Written by `sim plot`: SERIES, NAMES[]; $D: microbatches, bubble and formula in percent, a block a series;
# LOW and HIGH microbatches, HIGHEST bubble; TICKS, TICK[] of the microbatches that occur.
load 'page.gp'
KEY = 7
do for [k=1:SERIES] { if (strlen(NAMES[k]) > KEY) { KEY = strlen(NAMES[k]) } }
RIGHT = 870
LEGEND = ENTRY * (SERIES + 1)
H = LEGEND + TOP + 66 > 520 ? LEGEND + TOP + 66 : 520
W = int(RIGHT + 90 + 8 * KEY)
if (W < WORDS) { RIGHT = int(RIGHT + WORDS - W); W = int(WORDS) }
load 'style.gp'

# Schedules often have the same bubble: the earlier ones' points and lines are larger, so that all are seen.
GROWTH = SERIES > 6 ? 5.0 / (SERIES - 1) : 1
size(k) = SYMBOL * (1.1 + 0.35 * GROWTH * (SERIES - k))
thick(k) = 1.3 + 1.1 * GROWTH * (SERIES - k)

set lmargin at screen X(90)
set rmargin at screen X(RIGHT)
set tmargin at screen Y(TOP)
set bmargin at screen Y(H - 66)
set key at screen X(RIGHT + 22), Y(TOP + (H - 66 - TOP) / 2) left center samplen 2.4
set logscale x 2
set xrange [LOW / 1.15:HIGH * 1.15]
set yrange [0:HIGHEST * 1.12]
set xtics ()
do for [i=1:TICKS] { set xtics add (sprintf('%d', TICK[i]) TICK[i]) }
set xlabel 'microbatches in a step and data replica' offset 0,0.2
set ylabel 'bubble (% of the step)' offset 0.5,0
plot for [k=1:SERIES] $D index k-1 using 1:2 with lines linewidth thick(k) linecolor rgb hue(k) notitle, \
     for [k=1:SERIES] $D index k-1 using 1:3 with lines linewidth 0.9 dashtype (6,4) linecolor rgb '#111111' \
         notitle, \
     for [k=1:SERIES] $D index k-1 using 1:2 with points pointtype shape(k) pointsize size(k) \
         linecolor rgb hue(k) notitle, \
     for [k=1:SERIES] NaN with linespoints pointtype shape(k) pointsize SYMBOL linewidth 1.3 \
         linecolor rgb hue(k) title NAMES[k], \
     NaN with lines linewidth 0.9 dashtype (6,4) linecolor rgb '#111111' title 'formula'
