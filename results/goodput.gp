# goodput.gp - the share of a job's time on steps that count, against the interval between checkpoints.
# To restyle, edit the chart's own goodput.gp (it holds its numbers) and draw it again:
#     gnuplot goodput.gp                 makes goodput.png
#     gnuplot -e "fmt='svg'" goodput.gp  makes goodput.svg; or 'pdf'
load 'data.gp'
# Written by `sim goodput`: $D: seconds between checkpoints, goodput and its standard deviation in percent; $CURVE: seconds
# and what is expected; YOUNG, DALY: seconds, and their names; BESTX, BESTY, BESTNAME; JOBSNAME; NOTE; FIRST, LAST: the least
# and most seconds; LOW, HIGH: the least and most percent.
load 'page.gp'
W = 900 > WORDS ? 900 : int(WORDS)
W = W > 60 + 11.4 * strlen(TITLE) ? W : int(60 + 11.4 * strlen(TITLE))
BOTTOM = 560
H = BOTTOM + 84 + 5 * ENTRY + (strlen(NOTE) ? 20 : 0)
load 'style.gp'
set grid xtics ytics linecolor rgb FAINT linewidth 1 linetype 1 back
set logscale x
left = FIRST < YOUNG ? FIRST : YOUNG
left = left < DALY ? left : DALY
right = LAST > YOUNG ? LAST : YOUNG
right = right > DALY ? right : DALY
set xrange [left/1.25:right*1.25]
# As much of the percentages as is used, from a tic to a tic; and room for tics with so many decimals.
tic = round_up((HIGH - LOW > 0.01 ? HIGH - LOW : 0.01) / 8.0)
decimals = tic < 1 ? int(-floor(log10(tic))) : 0
top = tic * ceil(HIGH / tic)
set yrange [tic * floor(LOW / tic):top < 100 ? top : 100]
set ytics tic
set format y sprintf('%%.%df', decimals)
set tmargin at screen Y(TOP)
set bmargin at screen Y(BOTTOM)
set lmargin at screen X(78 + (decimals ? 6 + 10 * decimals : 0))
set rmargin at screen X(W - 36)
set xlabel 'between two checkpoints'
set ylabel 'goodput, % of the time'
set xtics ()
array AT[19] = [0.01, 0.1, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400, 259200, 864000, 8640000]
array SAY[19] = ['10 ms', '0.1 s', '1 s', '2 s', '5 s', '10 s', '30 s', '1 min', '2 min', '5 min', '10 min', '30 min', '1 h', '2 h', '6 h', '1 day', '3 days', '10 days', '100 days']
do for [i=1:19] { if (AT[i] >= left/1.25 && AT[i] <= right*1.25) { set xtics add (SAY[i] AT[i]) } }
if (strlen(NOTE)) { set label 9 NOTE at screen X(24),Y(H - 14) left textcolor rgb SOFT font ',12' }
set key at screen X(76),Y(BOTTOM + 66) left top Left reverse samplen 3 font ',12'
set arrow 1 from YOUNG,graph 0 to YOUNG,graph 1 nohead linewidth 2.4 linecolor rgb hue(4)
set arrow 2 from DALY,graph 0 to DALY,graph 1 nohead linewidth 1.6 dashtype 2 linecolor rgb hue(5)
plot $CURVE using 1:2 with lines linewidth 1.8 linecolor rgb hue(1) title 'expected (Daly 2006, exponential failures)', \
     $D using 1:2:3 with yerrorbars pointtype 7 pointsize 0.7*SYMBOL linewidth 1.2 linecolor rgb INK title JOBSNAME, \
     '+' using (BESTX):(BESTY) every ::0::0 with points pointtype 6 pointsize 1.6*SYMBOL linewidth 1.8 linecolor rgb hue(3) title BESTNAME, \
     NaN with lines linewidth 2.4 linecolor rgb hue(4) title YOUNGNAME, \
     NaN with lines linewidth 1.6 dashtype 2 linecolor rgb hue(5) title DALYNAME
