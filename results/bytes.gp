# bytes.gp - what the charts of bytes sent and of activations share: stacks beside the formula.
# YLABEL: what is counted, behind its unit.
load 'data.gp'
KEY = strlen(FORMULA); MARKERS = 1; TALL = 500
load 'bars.gp'
set ylabel UNIT.YLABEL offset 0.5,0
plot for [k=PARTS:1:-1] $D using 0:(0):($0-HALF):($0+HALF):(bottom(k)):(top(k)) with boxxyerror \
         linecolor rgb COLOUR[k] linewidth EDGE title PART[k], \
     for [k=1:PARTS] $D using 0:((bottom(k)+top(k))/2):(inside(k)) with labels font ',11' \
         textcolor rgb ON[k] notitle, \
     $D using 0:(formula(0)) with points pointtype 13 pointsize 1.6*SYMBOL linecolor rgb '#ffffff' notitle, \
     $D using 0:(formula(0)) with points pointtype 13 pointsize 1.1*SYMBOL linecolor rgb '#111111' \
         title FORMULA, \
     $D using 0:(crest(0)):(above(top(PARTS))) with labels boxed offset 0,1 font ABOVE \
         textcolor rgb INK notitle, \
     $D using 0:(crest(0)):(over(top(PARTS))) with labels boxed offset 0,HIGHER font ABOVE \
         textcolor rgb INK notitle
