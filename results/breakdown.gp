# breakdown.gp - where the simulated time of a step went, by part.
# To restyle, edit the chart's own breakdown.gp (it holds its numbers) and draw it again:
#     gnuplot breakdown.gp                 makes breakdown.png
#     gnuplot -e "fmt='svg'" breakdown.gp  makes breakdown.svg
load 'data.gp'
KEY = 15; MARKERS = 0; TALL = 500
load 'bars.gp'
set ylabel UNIT.' of one step, simulated' offset 0.5,0
# One run: the share of the step in which the rank computes. Several: the length of the step.
share(i) = sprintf('{/:Bold %.0f} %%', top(PARTS) > 0 ? 100 * mark(0) / top(PARTS) : 0)
plot for [k=PARTS:1:-1] $D using 0:(0):($0-HALF):($0+HALF):(bottom(k)):(top(k)) with boxxyerror \
         linecolor rgb COLOUR[k] linewidth EDGE title PART[k], \
     for [k=1:PARTS] $D using 0:((bottom(k)+top(k))/2):(inside(k)) with labels font ',11' \
         textcolor rgb ON[k] notitle, \
     $D using 0:(crest(0)):(COMPARE ? above(top(PARTS)) : share(0)) with labels boxed offset 0,1 font ABOVE \
         textcolor rgb INK notitle, \
     $D using 0:(crest(0)):(over(top(PARTS))) with labels boxed offset 0,HIGHER font ABOVE \
         textcolor rgb INK notitle
