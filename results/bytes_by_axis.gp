# bytes_by_axis.gp - bytes sent in a step, by axis of the grid, beside the formula.
# To restyle, edit the chart's own bytes_by_axis.gp (it holds its numbers) and draw it again:
#     gnuplot bytes_by_axis.gp             makes bytes_by_axis.png
#     gnuplot -e "fmt='svg'" bytes_by_axis.gp makes bytes_by_axis.svg
load 'bytes.gp'
