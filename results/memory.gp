# memory.gp - peak memory by category, the formula for the model states, and the peak of the sum.
# To restyle, edit the chart's own memory.gp (it holds its numbers) and draw it again:
#     gnuplot memory.gp                    makes memory.png
#     gnuplot -e "fmt='svg'" memory.gp     makes memory.svg
load 'data.gp'
KEY = strlen(FORMULA) > 15 ? strlen(FORMULA) : 15; MARKERS = 2; TALL = 500
BESIDE = "\nin grey: the formula"
load 'bars.gp'
set ylabel UNIT.' per rank' offset 0.5,0
plot for [k=PARTS:1:-1] $D using 0:(0):($0-HALF):($0+HALF):(bottom(k)):(top(k)) with boxxyerror \
         linecolor rgb COLOUR[k] linewidth EDGE title PART[k], \
     for [k=1:PARTS] $D using 0:((bottom(k)+top(k))/2):(inside(k)) with labels font ',11' \
         textcolor rgb ON[k] notitle, \
     $D using ($0-HALF*1.12):(formula(0)):(HALF*2.24):(0) with vectors nohead linecolor rgb '#111111' \
         linewidth 1.8 title FORMULA, \
     $D using ($0+HALF*1.12):(formula(0)):(COMPARE && !CLOSE ? number(formula(0)) : '') with labels boxed left \
         offset 0.2,0.15 font ',11' textcolor rgb SOFT notitle, \
     $D using ($0+HALF):(mark(0)) with points pointtype 7 pointsize DOT*1.5*SYMBOL \
         linecolor rgb '#ffffff' notitle, \
     $D using ($0+HALF):(mark(0)) with points pointtype 7 pointsize DOT*SYMBOL linecolor rgb '#111111' \
         title 'peak of the sum', \
     $D using 0:(crest(0)):(above(mark(0))) with labels boxed offset 0,1 font ABOVE \
         textcolor rgb INK notitle, \
     $D using 0:(crest(0)):(over(mark(0))) with labels boxed offset 0,HIGHER font ABOVE \
         textcolor rgb INK notitle
