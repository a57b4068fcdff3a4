# step_time.gp - where the measured time of the median step went, by action.
# To restyle, edit the chart's own step_time.gp (it holds its numbers) and draw it again:
#     gnuplot step_time.gp                 makes step_time.png
#     gnuplot -e "fmt='svg'" step_time.gp  makes step_time.svg
load 'data.gp'
KEY = 15; MARKERS = 0; TALL = 500
load 'bars.gp'
set ylabel UNIT.' of the median step, measured' offset 0.5,0
# One run: the share of the step outside any action. Several: the length of the step.
share(i) = sprintf('{/:Bold %.0f} %%', top(PARTS) > 0 ? 100 * (top(PARTS) - bottom(PARTS)) / top(PARTS) : 0)
plot for [k=PARTS:1:-1] $D using 0:(0):($0-HALF):($0+HALF):(bottom(k)):(top(k)) with boxxyerror \
         linecolor rgb COLOUR[k] linewidth EDGE title PART[k], \
     for [k=1:PARTS] $D using 0:((bottom(k)+top(k))/2):(inside(k)) with labels font ',11' \
         textcolor rgb ON[k] notitle, \
     $D using 0:(crest(0)):(COMPARE ? above(top(PARTS)) : share(0)) with labels boxed offset 0,1 font ABOVE \
         textcolor rgb INK notitle, \
     $D using 0:(crest(0)):(over(top(PARTS))) with labels boxed offset 0,HIGHER font ABOVE \
         textcolor rgb INK notitle
