# gantt.gp - the actions of a step in simulated time: a row a rank, a panel a run.
# To restyle, edit the chart's own gantt.gp (it holds its numbers) and draw it again:
#     gnuplot gantt.gp                     makes gantt.png
#     gnuplot -e "fmt='svg'" gantt.gp      makes gantt.svg
load 'data.gp'
# Written by `sim plot`: PANELS, each with LABEL[] (the run, when there are several), HEAD[] and ROWS[]; the
# legend's KIND[] and COLOUR[], of KINDS, of which it shows ENTRIES: all, or all but the last, idle; END of the
# longest step in UNIT; HIGHEST microbatch, the NARROWEST box of one in UNIT; $R and $D as they say, a block a
# panel; PAIRS framed boxes, $P.
load 'page.gp'
MOST = 1
do for [p=1:PANELS] { if (ROWS[p] > MOST) { MOST = ROWS[p] } }
ROW = MOST <= 8 ? (PANELS > 1 ? 30 : 40) : MOST <= 16 ? 24 : MOST <= 32 ? 18 : 12
LEFT = 84; PLOT = 1040; HEADROOM = 36; GAP = 12
do for [i=1:|$R|] { if (28 + 8 * (5 + strlen(word($R[i], 2))) > LEFT) { LEFT = 28 + 8 * (5 + strlen(word($R[i], 2))) } }
if (LEFT + PLOT + 76 < WORDS) { PLOT = int(WORDS) - LEFT - 76 }
W = LEFT + PLOT + 76
array ROOF[PANELS + 1]
ROOF[1] = 132 + HEADROOM
do for [p=1:PANELS] { ROOF[p + 1] = ROOF[p] + ROWS[p] * ROW + GAP + HEADROOM }
FLOOR = ROOF[PANELS + 1] - GAP - HEADROOM
H = FLOOR + 62
load 'style.gp'

set multiplot
# The legend in one line, each entry as wide as its words.
unset key
AT = LEFT
do for [k=1:ENTRIES] {
    set object k rectangle from screen X(AT),Y(116) to screen X(AT + 20),Y(105) fillcolor rgb COLOUR[k] \
        fillstyle solid 1.0 noborder
    set label 10 + k KIND[k] at screen X(AT + 27),Y(110) left textcolor rgb INK font ',12'
    AT = AT + 56 + 7.6 * strlen(KIND[k])
}
set lmargin at screen X(LEFT)
set rmargin at screen X(LEFT + PLOT)
unset grid
set xrange [0:END]
set style fill solid 1.0 noborder
HALF = ROW >= 18 ? 0.41 : 0.46
HAIR = END * 0.5 / PLOT # half a pixel stays free on both sides of a box
EVERY = ROW >= 16 ? 1 : 2
middle(a, b) = (a + b) / 2
left(a, b) = b - a > 4 * HAIR ? a + HAIR : a
right(a, b) = b - a > 4 * HAIR ? b - HAIR : b
# Microbatches' numbers in the boxes that can hold the highest, in the largest font that suits all boxes if one
# does.
WIDE = 0.74 * strlen(sprintf('%d', HIGHEST))
SIZE = (NARROWEST * PLOT / END - 2) / WIDE
SIZE = SIZE >= 10 ? 10 : SIZE >= 7 ? SIZE : 8
holds(a, b, m) = m >= 0 && ROW >= 16 && (b - a) * PLOT / END >= SIZE * WIDE + 1
named(a, b, m) = holds(a, b, m) ? sprintf('%d', m) : ''
do for [p=1:PANELS] {
    set tmargin at screen Y(ROOF[p])
    set bmargin at screen Y(ROOF[p] + ROWS[p] * ROW)
    set yrange [ROWS[p] - 0.5:-0.5]
    set label 4 (LABEL[p] eq '' ? '' : '{/:Bold '.LABEL[p].'}   ').HEAD[p] at screen X(LEFT),Y(ROOF[p] - 15) left \
        textcolor rgb INK font ',13'
    if (p > 1) {
        unset for [i=1:3] label i
        unset for [k=1:ENTRIES] object k
        unset for [k=1:ENTRIES] label 10 + k
    }
    set border (p == PANELS ? 1 : 0)
    set ytics scale 0 ()
    FIRST = p > 1 ? (sum [q=1:p-1] ROWS[q] + 2) : 0 # blank lines stand between the blocks
    unset for [i=1:MOST] label 100 + i
    do for [i=1:ROWS[p]:EVERY] {
        set ytics add (sprintf('rank %s', word($R[FIRST + i], 2)) i - 1)
        IDLE = real(word($R[FIRST + i], 4))
        if (IDLE == IDLE) {
            set label 5 'idle' at screen X(LEFT + PLOT + 38),Y(ROOF[p] - 15) center \
                textcolor rgb SOFT font ',12'
            set label 100 + i sprintf('%.0f %%', IDLE) at screen X(LEFT + PLOT + 38), first i - 1 center \
                textcolor rgb SOFT font ',11'
        }
    }
    set xtics nomirror out scale (p == PANELS ? 0.5 : 0)
    set format x (p == PANELS ? '%g' : '')
    set xlabel (p == PANELS ? 'simulated time since the step began ('.UNIT.')' : '') offset 0,0.2
    plot $R index p-1 using ($3/2):1:(0):3:($1-HALF):($1+HALF) with boxxyerror linecolor rgb COLOUR[KINDS], \
         $D index p-1 using (middle($2,$3)):1:(left($2,$3)):(right($2,$3)):($1-HALF):($1+HALF):4 \
             with boxxyerror linecolor rgb variable, \
         for [i=1:(PAIRS > 0)] $P using ($1 == p ? middle($3,$4) : NaN):2:($3+2*HAIR):($4-2*HAIR): \
             ($2-HALF):($2+HALF) with boxxyerror linecolor rgb INK linewidth 1.5 fillstyle empty border, \
         $D index p-1 using (middle($2,$3)):1:(named($2,$3,$6)):5 with labels font sprintf(',%.1f', SIZE) \
             textcolor rgb variable
}
unset multiplot
