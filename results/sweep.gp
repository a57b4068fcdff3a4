# sweep.gp - combinations of keys: the best of each pair of two keys' values, and where there is none, why.
# To restyle, edit the chart's own sweep.gp (it holds its numbers) and draw it again:
#     gnuplot sweep.gp                 makes sweep.png
#     gnuplot -e "fmt='svg'" sweep.gp  makes sweep.svg; or 'pdf'
load 'data.gp'
# Written by `sim sweep`: XKEY, XCOUNT, XVALUE[], and so of Y; $D: across, up, 0 fits 1 too large 2 refused, shade from 0
# to 1, 1 the best of all; ONE[], TWO[], THREE[]: each cell's words, of which LINES are used; NOTE[]: lines that say what letters mean.
load 'page.gp'
widest = 0
longer(n, text) = strlen(text) > n ? strlen(text) : n
do for [i=1:XCOUNT*YCOUNT] { widest = longer(longer(longer(widest, ONE[i]), TWO[i]), THREE[i]) }
valued = 0
do for [i=1:XCOUNT] { valued = longer(valued, XVALUE[i]) }
named = 0
do for [i=1:YCOUNT] { named = longer(named, YVALUE[i]) }
across = 7.2 * widest + 28 > 96 ? 7.2 * widest + 28 : 96
size = valued > 11 ? 11 : 13 # of the values' letters
across = across < 0.71 * size * valued + 24 ? 0.71 * size * valued + 24 : across
across = across * XCOUNT < 9.5 * strlen(XKEY) ? 9.5 * strlen(XKEY) / XCOUNT : across
up = LINES == 3 ? 66 : 50
up = up * YCOUNT < 9.5 * strlen(YKEY) ? 9.5 * strlen(YKEY) / YCOUNT : up # room for its name
LEFT = (strlen(YKEY) ? 60 : 30) + 8 * named
right = LEFT + across * XCOUNT
noted = 0
do for [i=1:NOTES] { noted = longer(noted, NOTE[i]) }
W = int(right + 40)
W = W > WORDS ? W : int(WORDS)
W = W > 60 + 6.3 * noted ? W : int(60 + 6.3 * noted)
W = W > 60 + 11.4 * strlen(TITLE) ? W : int(60 + 11.4 * strlen(TITLE))
BOTTOM = TOP + up * YCOUNT
H = int(BOTTOM + 64 + 20 * NOTES)
load 'style.gp'
unset grid
unset key
set border 0
set tics scale 0
set xrange [0.5:XCOUNT+0.5]
set yrange [0.5:YCOUNT+0.5]
set tmargin at screen Y(TOP)
set bmargin at screen Y(BOTTOM)
set lmargin at screen X(LEFT)
set rmargin at screen X(right)
set xlabel XKEY offset 0,0.2
set ylabel YKEY
set xtics () font ','.size
set ytics ()
do for [i=1:XCOUNT] { set xtics add (XVALUE[i] i) }
do for [i=1:YCOUNT] { set ytics add (YVALUE[i] i) }
do for [i=1:NOTES] { set label 10+i NOTE[i] at screen X(24),Y(BOTTOM+54+20*i) left textcolor rgb SOFT font ',10' }
# from a light blue to a dark one; what is too large in a warm grey, what is refused in a light one
mix(a, b, s) = int(a + (b - a) * s)
blue(s) = 65536 * mix(0xe3, 0x1f, s) + 256 * mix(0xee, 0x4e, s) + mix(0xf8, 0x8c, s)
fill(state, s) = state == 0 ? blue(s) : state == 1 ? 0xf2ded2 : 0xf1f1f1
ink(state, s) = state == 0 ? (s > 0.55 ? 0xffffff : 0x222222) : state == 1 ? 0x8a4a20 : 0x999999
step = 1.0 / up
lines(state, i) = state == 0 ? LINES : strlen(TWO[i]) ? 2 : 1
at(y, state, i, line) = y + (lines(state, i) - 1) * 9 * step - (line - 1) * 18 * step
cell(i) = int(i) + 1
plot $D using 1:2:(0.485):(0.48):(fill($3,$4)) with boxxyerror fillstyle solid 1.0 noborder linecolor rgb variable notitle, \
     $D using ($5 == 1 ? $1 : NaN):2:(0.485):(0.48) with boxxyerror fillstyle empty border linewidth 2.5 linecolor rgb '#ee7733' notitle, \
     $D using 1:(at($2,$3,cell($0),1)):($3 == 0 ? '{/:Bold '.ONE[cell($0)].'}' : ONE[cell($0)]):(ink($3,$4)) with labels textcolor rgb variable font ',12' notitle, \
     $D using 1:(at($2,$3,cell($0),2)):(TWO[cell($0)]):(ink($3,$4)) with labels textcolor rgb variable font ',10.5' notitle, \
     $D using 1:(at($2,$3,cell($0),3)):(THREE[cell($0)]):(ink($3,$4)) with labels textcolor rgb variable font ',9.5' notitle
