# activations.gp - activations kept for backward, a bar a run, beside the formula.
# To restyle, edit the chart's own activations.gp (it holds its numbers) and draw it again:
#     gnuplot activations.gp               makes activations.png
#     gnuplot -e "fmt='svg'" activations.gp makes activations.svg
load 'bytes.gp'
