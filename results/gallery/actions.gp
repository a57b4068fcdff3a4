# actions.gp - what dry runs cost against the actions they walk: `tests/bench_dry.sh BUILD FOLDER` draws it.
# DATA: a file of actions and CPU seconds, a block a series; its series' names are NAME1 and NAME2.
NAME = 'actions'
TITLE = 'Time of a dry run against the actions that it walks'
SUBTITLE1 = '10^{12} parameters on 3072 ranks, a step of 128 to 8192 microbatches; CPU seconds'
SUBTITLE2 = 'Points: measured; lines: straight, by least squares'
load 'page.gp'
W = 700
H = 460
load 'style.gp'
set lmargin at screen X(90)
set rmargin at screen X(W - 40)
set tmargin at screen Y(TOP)
set bmargin at screen Y(H - 66)
set key at screen X(110),Y(TOP + 14) left top Left reverse samplen 1
set xlabel 'actions (thousands)'
set ylabel 'CPU time (s)'
set xrange [0:*]
stats DATA using 2 name 'ALL' nooutput
set yrange [0:1.3*ALL_max] # with room for the key
array START[2]
array SLOPE[2]
do for [k=1:2] {
    stats DATA index k-1 using 1:2 name 'LINE' nooutput
    START[k] = LINE_intercept
    SLOPE[k] = LINE_slope
}
WORD(k) = sprintf('%s: %.2f s + %.2f µs an action', k == 1 ? NAME1 : NAME2, START[k], 1e6 * SLOPE[k])
plot for [k=1:2] DATA index k-1 using ($1/1e3):2 with points pointtype shape(k) pointsize SYMBOL \
         linecolor rgb hue(k) title WORD(k), \
     for [k=1:2] START[k] + SLOPE[k] * 1e3 * x with lines linewidth 1 linecolor rgb hue(k) notitle
