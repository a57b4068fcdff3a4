# bubble.gp - the share of a step in which a rank idles, beside the formula.
# To restyle, edit the chart's own bubble.gp (it holds its numbers) and draw it again:
#     gnuplot bubble.gp                    makes bubble.png
#     gnuplot -e "fmt='svg'" bubble.gp     makes bubble.svg
load 'data.gp'
KEY = strlen(FORMULA); MARKERS = 1; TALL = 440
load 'bars.gp'
set ylabel 'bubble (% of the step)' offset 0.5,0
# Simulated and measured stand beside each other, or one alone in the middle.
share(k) = column(k + 3) / SCALE
known(k) = strcol(k + 3) ne 'NaN' # to ask column() would lose the whole point
each(i) = 2.0 * HALF / (sum [j=1:PARTS] known(j))
from(k) = column(0) - HALF + each(0) * (k - 1)
LOW = HIGHEST * 0.12 # a bar below this has its number above it
low(k) = known(k) && share(k) < LOW
wide(k) = known(k) && each(0) * SLOT > 30
inside(k) = wide(k) && !low(k) ? number(share(k)) : ''
outside(k) = wide(k) && low(k) ? number(share(k)) : ''
plot for [k=1:PARTS] $D using 0:(0):(from(k)):(from(k)+each(0)):(0):(share(k)) with boxxyerror \
         linecolor rgb COLOUR[k] linewidth EDGE title PART[k], \
     $D using ($0-0.5):(formula(0)):(1):(0) with vectors nohead linecolor rgb '#111111' linewidth 1.6 \
         dashtype (6,3) title FORMULA, \
     for [k=1:PARTS] $D using (from(k)+each(0)/2):(HIGHEST*0.06):(inside(k)) with labels font ',11' \
         textcolor rgb ON[k] notitle, \
     for [k=1:PARTS] $D using (from(k)+each(0)/2):(share(k)):(outside(k)) with labels boxed offset 0,0.7 \
         font ',11' textcolor rgb INK notitle
