# validation.gp - steps that were foretold against the same as published.
# To restyle, edit the chart's own validation.gp (it holds its numbers) and draw it again:
#     gnuplot validation.gp                 makes validation.png
#     gnuplot -e "fmt='svg'" validation.gp  makes validation.svg; or 'pdf'
load 'data.gp'
# Written by `sim validate`: SETS, NAMES[], CASES[] (of each set); $D: published and foretold seconds of each case, a block a set; LOW, HIGH.
load 'page.gp'
W = 700 > WORDS ? 700 : int(WORDS)
H = 755 + ENTRY * SETS
load 'style.gp'
set grid xtics ytics linecolor rgb FAINT linewidth 1 linetype 1 back
set logscale xy
set xrange [LOW:HIGH]
set yrange [LOW:HIGH]
set tmargin at screen Y(TOP)
set bmargin at screen Y(670)
set lmargin at screen X(90)
set rmargin at screen X(90 + 670 - TOP)
set xlabel 'published, seconds a step'
set ylabel 'foretold, seconds a step'
set key at screen X(82),Y(742) left top Left reverse samplen 1 font ',12'
plot [x=LOW:HIGH] '+' using 1:($1*0.9):($1*1.1) with filledcurves fillcolor rgb '#e6ecf5' notitle, \
     x with lines linewidth 1 linecolor rgb AXIS notitle, \
     for [k=1:SETS] $D index k-1 using 1:2 with points pointtype shape(k) pointsize (CASES[k] > 100 ? 0.4 : 0.7)*SYMBOL linecolor rgb hue(k) \
         title NAMES[k]
