# roofline.gp - kernels by kind: operations a byte against operations a second, under the chip's peak and bandwidth.
# To restyle, edit the chart's own roofline.gp (it holds its numbers) and draw it again:
#     gnuplot roofline.gp                  makes roofline.png
#     gnuplot -e "fmt='svg'" roofline.gp   makes roofline.svg
load 'data.gp'
# Written by `sim plot`: KINDS, NAMES[]; $D: operations a byte, TFLOP/s, share of the seconds, a line a kind; PEAK in
# TFLOP/s and BANDWIDTH in TB/s; LEFT and RIGHT of the points and the bend, LOW the slowest.
load 'page.gp'
KEY = 7
do for [k=1:KINDS] { if (strlen(NAMES[k]) > KEY) { KEY = strlen(NAMES[k]) } }
RIGHT_EDGE = 870
LEGEND = ENTRY * (KINDS + 1)
H = LEGEND + TOP + 66 > 560 ? LEGEND + TOP + 66 : 560
W = int(RIGHT_EDGE + 90 + 8 * KEY)
if (W < WORDS) { RIGHT_EDGE = int(RIGHT_EDGE + WORDS - W); W = int(WORDS) }
load 'style.gp'

set lmargin at screen X(90)
set rmargin at screen X(RIGHT_EDGE)
set tmargin at screen Y(TOP)
set bmargin at screen Y(H - 66)
set key at screen X(RIGHT_EDGE + 22), Y(TOP + (H - 66 - TOP) / 2) left center samplen 1.5
set logscale xy
set format xy '%g'
set xrange [LEFT / 3:RIGHT * 5]
set yrange [LOW / 3:PEAK * 3]
set grid xtics ytics linecolor rgb FAINT linewidth 1 linetype 1 back
set xlabel 'operations a byte read or written' offset 0,0.2
set ylabel 'TFLOP/s of one device' offset 0.5,0
roof(x) = x * BANDWIDTH < PEAK ? x * BANDWIDTH : PEAK
set samples 800
set label 11 sprintf('%g TFLOP/s', PEAK) at RIGHT * 4.5, PEAK right offset 0,0.6 textcolor rgb INK
HALFWAY = sqrt(LEFT / 3 * PEAK / BANDWIDTH) # up the slope
set label 12 sprintf('%g GB/s', 1000 * BANDWIDTH) at HALFWAY, HALFWAY * BANDWIDTH right offset -1,0.6 \
    textcolor rgb INK
thick(s) = SYMBOL * (0.9 + 2.4 * sqrt(s))
plot roof(x) with lines linewidth 1.8 linecolor rgb INK title 'roof', \
     for [k=1:KINDS] $D every ::k-1::k-1 using 1:2:(thick($3)) with points pointtype shape(k) \
         pointsize variable linecolor rgb hue(k) notitle, \
     for [k=1:KINDS] NaN with points pointtype shape(k) pointsize SYMBOL linecolor rgb hue(k) title NAMES[k]
