# bars.gp - what the stacked bar charts share: size, margins, axes, the bars and
# the numbers in them. It expects, written by `sim plot`:
#   BARS, LABEL[]               one bar a rank (COMPARE = 0) or one a run (COMPARE = 1)
#   PARTS, PART[], COLOUR[], ON[]   the parts from the bottom up; ON: text colour on that part
#   $D                          a line a bar: formula, mark, part 1, part 2, ... (NaN: unknown)
#   SCALE, UNIT                 $D / SCALE is in UNIT
#   HIGHEST, FIRST              of all stacks, formulas and marks; the first run's number, both in UNIT
# and KEY, the longest legend text of the chart's markers, in characters.
do for [k=1:PARTS] { if (strlen(PART[k]) > KEY) { KEY = strlen(PART[k]) } }
WIDEST = 1
do for [i=1:BARS] { if (strlen(LABEL[i]) > WIDEST) { WIDEST = strlen(LABEL[i]) } }

# The page grows with the bars, so that their numbers stay readable.
ROOM = COMPARE ? 104.0 : 35.0
PLOT = BARS * ROOM < 660 ? 660.0 : BARS * ROOM
SLOT = PLOT / BARS
SLANT = COMPARE && WIDEST * 7.2 > SLOT - 8
FOOT = SLANT ? 52 + 4.2 * WIDEST : COMPARE ? 62 : 66
W = int(90 + PLOT + 78 + 6.9 * KEY)
H = int(TALL + FOOT)
load 'style.gp'

set lmargin at screen X(90)
set rmargin at screen X(90 + PLOT)
set tmargin at screen Y(TOP)
set bmargin at screen Y(H - FOOT)
set key at screen X(90 + PLOT + 22), Y(TOP + (H - FOOT - TOP) / 2) left center maxrows 24 samplen 1.4 width 0
set border 1
set tics scale 0
set xrange [-0.6:BARS - 0.4]
CEILING = (HIGHEST > 0 ? HIGHEST : 1) * 1.15
set yrange [0:CEILING]
set xlabel XLABEL offset 0,0.2
unset xtics
set xtics ()
EVERY = SLOT < 22 && !COMPARE ? 2 : 1
do for [i=1:BARS:EVERY] { set xtics add (LABEL[i] i - 1) }
if (SLANT) { set xtics rotate by 25 right }
if (COMPARE) {
    do for [i=1:BARS] { set label 100 + i NOTE[i] at first i - 1, screen Y(H - 16) center textcolor rgb SOFT font ',11' }
    if (SLANT) { do for [i=1:BARS] { unset label 100 + i } }
}

HALF = BARS == 1 ? 0.12 : BARS < 4 ? 0.2 : SLOT > 60 ? 0.31 : 0.38
EDGE = SLOT > 60 ? 0.8 : 0.4
set style fill solid 1.0 border linecolor rgb '#ffffff'
bottom(k) = k > 1 ? (sum [j=1:k-1] column(j + 2)) / SCALE : 0
top(k) = (sum [j=1:k] column(j + 2)) / SCALE
formula(i) = column(1) / SCALE
mark(i) = column(2) / SCALE
# A part is labelled where the text fits it.
TALLEST = (H - FOOT - TOP) / CEILING
fits(k) = column(k + 2) / SCALE * TALLEST > 16 && SLOT * 2 * HALF > 34
inside(k) = fits(k) ? number(column(k + 2) / SCALE) : ''
# A bar's number above all that belongs to it, and when runs are compared its distance from the first run.
larger(a, b) = b > a ? b : a # also when b is NaN
crest(i) = larger(larger(top(PARTS), formula(0)), mark(0))
change(v) = v >= FIRST ? sprintf('+%.0f %%', 100 * (v / FIRST - 1)) : sprintf('−%.0f %%', 100 * (1 - v / FIRST))
BREAK = SLOT > 135 ? '  ' : "\n"
above(v, i) = column(0) == 0 || !COMPARE || FIRST <= 0 ? '{/:Bold '.number(v).'}' : \
    '{/:Bold '.number(v).'}'.BREAK.'('.change(v).')'
LIFT = COMPARE && BREAK ne '  ' ? 1.7 : 1.0
ABOVE = SLOT < 45 ? ',10' : ',12'
DOT = SLOT < 45 ? 0.7 : 0.95
