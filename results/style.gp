# style.gp - the look that all charts share. A chart loads page.gp and sets NAME, W and H (pixels)
# before this, and measures from the top left corner with X() and Y() after it.
if (!exists('fmt')) fmt = 'png'
if (!exists('out')) out = NAME.'.'.fmt
# PNG is drawn at twice the size to stay crisp; SVG's and PDF's text, lines and symbols need their own scales to look
# alike. A pixel is 1/96 of PDF's inches.
if (fmt eq 'svg') {
    set terminal svg size W,H dynamic enhanced font 'Arial,13' fontscale 1.3 linewidth 1.2 \
        background '#ffffff'
} else {
    if (fmt eq 'pdf') {
        set terminal pdfcairo size W/96.,H/96. enhanced font 'Arial,13' fontscale 0.75 linewidth 2.2 \
            pointscale 0.9 background '#ffffff'
    } else {
        set terminal pngcairo size 2*W,2*H enhanced font 'Arial,13' fontscale 2 linewidth 2.4 pointscale 2 \
            background '#ffffff'
    }
}
SYMBOL = fmt eq 'svg' ? 0.62 : 1.0
set encoding utf8
set output out
X(pixels) = pixels / real(W)
Y(pixels) = 1 - pixels / real(H)

INK = '#222222'; SOFT = '#666666'; AXIS = '#888888'; FAINT = '#e9e9e9'
set border 3 linecolor rgb AXIS linewidth 0.8
set tics nomirror out scale 0.5 textcolor rgb INK
set xlabel textcolor rgb INK
set ylabel textcolor rgb INK
set style textbox opaque noborder fillcolor rgb '#ffffff' margins 0.3,0.2 # so that no line of the grid strikes text
set grid ytics linecolor rgb FAINT linewidth 1 linetype 1 back
set key textcolor rgb INK vertical Left reverse spacing 1.35

set label 1 '{/:Bold '.TITLE.'}' at screen X(24),Y(30) left textcolor rgb INK font ',17'
set label 2 SUBTITLE1 at screen X(24),Y(58) left textcolor rgb SOFT font ',12'
set label 3 SUBTITLE2 at screen X(24),Y(79) left textcolor rgb SOFT font ',12'

# Three digits of a number that a chart's unit made readable.
number(v) = v == 0 ? '0' : sprintf(v >= 99.95 ? '%.0f' : v >= 9.995 ? '%.1f' : '%.2f', v)
