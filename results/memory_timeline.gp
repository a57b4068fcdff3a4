# memory_timeline.gp - bytes held over a step by category: a panel a rank, or a panel a run.
# To restyle, edit the chart's own memory_timeline.gp (it holds its numbers) and draw it again:
#     gnuplot memory_timeline.gp           makes memory_timeline.png
#     gnuplot -e "fmt='svg'" memory_timeline.gp makes memory_timeline.svg
load 'data.gp'
# Written by `sim plot`: PANELS, each with LABEL[] (the run, when there are several), HEAD[], PEAK_AT[] and PEAK[];
# the legend's KINDS, KIND[], COLOUR[]; HIGHEST of all in BYTES, END of the longest step in TIME; $D as it says.
load 'page.gp'
LEFT = 96; PLOT = 960; HEADROOM = 34; GAP = 14
TALL = PANELS == 1 ? 260 : PANELS == 2 ? 180 : PANELS <= 4 ? 130 : 92
if (LEFT + PLOT + 40 < WORDS) { PLOT = int(WORDS) - LEFT - 40 }
W = LEFT + PLOT + 40
roof(p) = 132 + HEADROOM + (p - 1) * (TALL + GAP + HEADROOM)
H = roof(PANELS) + TALL + 62
load 'style.gp'

LIGHT = '#dddddd'
set multiplot
# The legend in one line, each entry as wide as its words.
unset key
AT = LEFT
do for [k=1:KINDS + 1] {
    set object k rectangle from screen X(AT),Y(116) to screen X(AT + 20),Y(105) \
        fillcolor rgb (k > KINDS ? LIGHT : COLOUR[k]) fillstyle solid 1.0 noborder
    NAMED = k > KINDS ? 'for a moment' : KIND[k]
    set label 10 + k NAMED at screen X(AT + 27),Y(110) left textcolor rgb INK font ',12'
    AT = AT + 56 + 7.6 * strlen(NAMED)
}
set lmargin at screen X(LEFT)
set rmargin at screen X(LEFT + PLOT)
set xrange [0:END]
set yrange [0:HIGHEST * 1.08]
# Round steps, three or so a panel.
set ytics round_up(HIGHEST / (TALL > 100 ? 4.5 : 2.5))
set format y '%g'
set style fill solid 1.0 noborder
set label 6 BYTES.' held by the rank' at screen X(24),Y((roof(1) + roof(PANELS) + TALL) / 2) center rotate \
    textcolor rgb INK
do for [p=1:PANELS] {
    set tmargin at screen Y(roof(p))
    set bmargin at screen Y(roof(p) + TALL)
    set label 4 (LABEL[p] eq '' ? '' : '{/:Bold '.LABEL[p].'}   ').HEAD[p] at screen X(LEFT),Y(roof(p) - 15) left \
        textcolor rgb INK font ',13'
    if (p > 1) {
        unset for [i=1:3] label i
        unset label 6
        unset for [k=1:KINDS + 1] object k
        unset for [k=1:KINDS + 1] label 10 + k
    }
    set format x (p == PANELS ? '%g' : '')
    set xlabel (p == PANELS ? 'simulated time since the step began ('.TIME.')' : '') offset 0,0.2
    plot $D index p-1 using 1:(column(KINDS + 2)):2 with filledcurves linecolor rgb LIGHT, \
         for [k=KINDS:1:-1] $D index p-1 using 1:(k > 1 ? column(k + 1) : 0):(column(k + 2)) \
             with filledcurves linecolor rgb COLOUR[k], \
         $D index p-1 using 1:2 with lines linecolor rgb SOFT linewidth 0.7, \
         '+' using (PEAK_AT[p]):(PEAK[p]) every ::0::0 with points pointtype 7 pointsize 1.5*SYMBOL \
             linecolor rgb '#ffffff', \
         '+' using (PEAK_AT[p]):(PEAK[p]) every ::0::0 with points pointtype 7 pointsize SYMBOL \
             linecolor rgb '#111111'
}
unset multiplot
