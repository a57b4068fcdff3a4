# comm.gp - bytes sent in a step, by purpose, beside the formula.
# To restyle, edit the chart's own comm.gp (it holds its numbers) and draw it again:
#     gnuplot comm.gp                      makes comm.png
#     gnuplot -e "fmt='svg'" comm.gp       makes comm.svg
load 'bytes.gp'
