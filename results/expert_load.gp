# expert_load.gp - how many tokens chose each expert, over steps: a heat map a layer, or a run.
# To restyle, edit the chart's own expert_load.gp (it holds its numbers) and draw it again:
#     gnuplot expert_load.gp               makes expert_load.png
#     gnuplot -e "fmt='svg'" expert_load.gp makes expert_load.svg
load 'data.gp'
# Written by `sim plot`: PANELS, each with LABEL[] (the run, when there are several), HEAD[], EXPERTS[], the FIRST[] step
# and the steps of a column BLOCK[]; STEP_FIRST, STEP_LAST and the HIGHEST load of all; how many CELLS; $D as it
# says.
load 'page.gp'
LEFT = 84; PLOT = 860; HEADROOM = 34; GAP = 10
TALL = PANELS == 1 ? 300 : PANELS == 2 ? 200 : PANELS <= 4 ? 140 : 96
do for [p=1:PANELS] { NEED = 96 + 7.6 * (strlen(LABEL[p]) + strlen(HEAD[p])); if (NEED > WORDS) { WORDS = NEED } }
if (LEFT + PLOT + 128 < WORDS) { PLOT = int(WORDS) - LEFT - 128 }
W = LEFT + PLOT + 128
roof(p) = 100 + HEADROOM + (p - 1) * (TALL + GAP + HEADROOM)
H = roof(PANELS) + TALL + 62
load 'style.gp'

# Nobody: orange; an even load: nearly white; more: blue, of which a half is spent below the root of the highest.
set palette defined (0 '#ee7733', 1 '#f4f4f4', sqrt(HIGHEST) '#8fb0dc', HIGHEST '#1f4e8c')
set cbrange [0:HIGHEST]
set colorbox vertical user origin screen X(LEFT + PLOT + 24), screen Y(roof(PANELS) + TALL) \
    size screen 16 / real(W), screen (roof(PANELS) + TALL - roof(1)) / real(H)
set cblabel 'load (1: even)' textcolor rgb INK
set cbtics round_up(HIGHEST / 6)
set multiplot
unset key
unset grid
set lmargin at screen X(LEFT)
set rmargin at screen X(LEFT + PLOT)
set xrange [STEP_FIRST - 0.5:STEP_LAST + 0.5]
EVERY = STEP_LAST - STEP_FIRST > 8 ? int(round_up((STEP_LAST - STEP_FIRST) / 8.0)) : 1 # no half steps
set xtics EVERY
# Browsers blur an image that they enlarge; a rectangle a cell is sharp, but a file of many of them is large.
CELL = CELLS > 20000 ? '' : 'pixels'
do for [p=1:PANELS] {
    set tmargin at screen Y(roof(p))
    set bmargin at screen Y(roof(p) + TALL)
    set label 4 (LABEL[p] eq '' ? '' : '{/:Bold '.LABEL[p].'}   ').HEAD[p] at screen X(LEFT),Y(roof(p) - 15) left \
        textcolor rgb INK font ',13'
    set label 6 'expert' at screen X(24),Y(roof(p) + TALL / 2.0) center rotate textcolor rgb INK
    if (p > 1) {
        unset for [i=1:3] label i
        unset colorbox
    }
    set yrange [-0.5:EXPERTS[p] - 0.5]
    SPARSE = EXPERTS[p] * 18.0 / TALL
    set ytics 0,(SPARSE > 1 ? int(round_up(SPARSE)) : 1)
    set format x (p == PANELS ? '%g' : '')
    set xtics add ((p == PANELS ? sprintf('%.0f', STEP_FIRST) : '') STEP_FIRST)
    set xlabel (p == PANELS ? 'step' : '') offset 0,0.2
    plot $D index p-1 matrix using (FIRST[p] + ($1 + 0.5) * BLOCK[p] - 0.5):2:3 with image @CELL
}
unset multiplot
