# bars.gp - what the stacked bar charts share: size, margins, axes, the bars and
# the numbers in them. It expects, written by `sim plot`:
#   BARS, LABEL[]               one bar a rank or stage (COMPARE = 0) or one a run (COMPARE = 1, beside NOTE[])
#   PARTS, PART[], COLOUR[], ON[]   the parts from the bottom up; ON: text colour on that part
#   $D                          a line a bar: its highest thing, formula, mark (NaN: unknown), part 1, ...
#   SCALE, UNIT                 $D / SCALE is in UNIT
#   HIGHEST, FIRST              the highest thing in all bars, and the first bar's number, both in UNIT
#   BRACKETS                    1: behind the others' numbers is how these compare with the first
#   BESIDE                      a chart's own: what stands beside its bars when runs are compared
# and KEY, the longest legend text of the chart's markers, in characters, MARKERS of them.
load 'page.gp'
do for [k=1:PARTS] { if (strlen(PART[k]) > KEY) { KEY = strlen(PART[k]) } }
if (BRACKETS && KEY < 16) { KEY = 16 } # the words under the legend
WIDEST = 1
do for [i=1:BARS] { if (strlen(LABEL[i]) > WIDEST) { WIDEST = strlen(LABEL[i]) } }

# The page grows with the bars, so that their numbers stay readable; many stand closer, over slanted names.
CLOSE = COMPARE && BARS > 12
ROOM = CLOSE ? 64.0 : COMPARE ? 104.0 : 35.0
if (COMPARE && !CLOSE) { do for [i=1:BARS] { if (7.4 * strlen(NOTE[i]) > ROOM) { ROOM = 7.4 * strlen(NOTE[i]) } } }
if (!exists('BESIDE')) BESIDE = ''
LEGEND = 22 + 52 + 8 * KEY + 14
PLOT = BARS * ROOM < 660 ? 660.0 : BARS * ROOM
if (90 + PLOT + LEGEND < WORDS) { PLOT = WORDS - LEGEND - 90 }
SLOT = PLOT / BARS
SLANT = CLOSE || (COMPARE && WIDEST * 8 > SLOT - 8)
LEFT = 90
if (SLANT) {
    # Long names hang to the left and down, the rank behind them; the page makes room.
    do for [i=1:BARS] {
        LABEL[i] = LABEL[i].' ('.NOTE[i].')'
        if (strlen(LABEL[i]) > WIDEST) { WIDEST = strlen(LABEL[i]) }
        HANG = 7.2 * strlen(LABEL[i]) - (i - 0.5) * SLOT
        if (HANG > LEFT) { LEFT = HANG }
    }
}
FOOT = SLANT ? 36 + 3.3 * WIDEST : COMPARE ? 62 : 66
W = int(LEFT + PLOT + LEGEND)
LEGEND_TALL = ENTRY * (PARTS + MARKERS + (BESIDE eq '' ? 4 : 6) * BRACKETS)
if (TALL < TOP + LEGEND_TALL) { TALL = TOP + LEGEND_TALL }
H = int(TALL + FOOT)
load 'style.gp'

set lmargin at screen X(LEFT)
set rmargin at screen X(LEFT + PLOT)
set tmargin at screen Y(TOP)
set bmargin at screen Y(H - FOOT)
set key at screen X(LEFT + PLOT + 22), Y(TOP + (H - FOOT - TOP) / 2) left center samplen 1.4
if (BRACKETS) {
    set label 99 "in brackets: compared\nwith the first bar".(CLOSE ? '' : BESIDE) left textcolor rgb SOFT font ',11' \
        at screen X(LEFT + PLOT + 32),Y((TOP + H - FOOT + ENTRY * (PARTS + MARKERS)) / 2 + 24)
}
set border 1
set tics scale 0
set xrange [-0.6:BARS - 0.4]
CEILING = (HIGHEST > 0 ? HIGHEST : 1) * 1.15
set yrange [0:CEILING]
unset xtics
# Labels, not tics: their texts are formats, of which a name may have the signs.
EVERY = SLOT < 22 && !COMPARE ? 2 : 1
do for [i=1:BARS:EVERY] {
    if (SLANT) {
        set label 200 + i LABEL[i] at first i - 1, screen Y(H - FOOT + 9) right rotate by 25 textcolor rgb INK
    } else {
        set label 200 + i LABEL[i] at first i - 1, screen Y(H - FOOT + 18) center textcolor rgb INK
    }
}
set label 200 XLABEL at first (BARS - 1) / 2.0, screen Y(H - 20) center textcolor rgb INK
if (COMPARE && !SLANT) {
    do for [i=1:BARS] {
        set label 100 + i NOTE[i] at first i - 1, screen Y(H - 16) center textcolor rgb SOFT font ',11'
    }
}

HALF = BARS == 1 ? 0.12 : BARS < 4 ? 0.2 : SLOT > 60 ? 0.31 : 0.38
EDGE = SLOT > 60 ? 0.8 : 0.4
set style fill solid 1.0 border linecolor rgb '#ffffff'
bottom(k) = k > 1 ? (sum [j=1:k-1] column(j + 3)) / SCALE : 0
top(k) = (sum [j=1:k] column(j + 3)) / SCALE
crest(i) = column(1) / SCALE
formula(i) = column(2) / SCALE
mark(i) = column(3) / SCALE
# A part is labelled where the text fits it.
TALLEST = (H - FOOT - TOP) / CEILING
fits(k) = PARTS > 1 && column(k + 3) / SCALE * TALLEST > 16 && SLOT * 2 * HALF > 34
inside(k) = fits(k) ? number(column(k + 3) / SCALE) : ''
# A bar's number, and when runs are compared its distance from the first run: in percent, or as a factor.
times(r) = sprintf(r >= 99.5 ? '%.0f ×' : r >= 9.5 ? '%.1f ×' : '%.2g ×', r)
percent(r) = sprintf(r < 1 ? '−%.0f %%' : '+%.0f %%', 100 * abs(r - 1))
change(r) = r >= 10 || (r > 0 && r < 0.01) ? times(r) : percent(r)
compare(v) = column(0) == 0 || !BRACKETS ? '' : '('.change(v / FIRST).')'
WIDE = SLOT > 135 # both stand in one line, else the second above the first
above(v) = '{/:Bold '.number(v).'}'.(WIDE && compare(v) ne '' ? '  '.compare(v) : '')
over(v) = WIDE ? '' : compare(v)
HIGHER = CLOSE ? 1.8 : 2.0 # how far above, in lines
ABOVE = SLOT < 45 || CLOSE ? ',10' : ',12'
DOT = SLOT < 45 ? 0.7 : 0.95
