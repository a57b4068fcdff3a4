# page.gp - what charts share before their size is known: how wide their words are, how tall a legend is, and
# what tells lines apart.
WORDS = 40 + 7.6 * (strlen(SUBTITLE1) > strlen(SUBTITLE2) ? strlen(SUBTITLE1) : strlen(SUBTITLE2))
TOP = 106  # the title and two lines under it take this many pixels
ENTRY = 27 # and a line of a legend these. Legends taller than their plot lose lines, so plots grow with them.

# The next of 1, 2 and 5 times a power of ten.
power(x) = 10**floor(log10(x))
round_up(x) = power(x) * (x / power(x) > 5 ? 10 : x / power(x) > 2 ? 5 : x / power(x) > 1 ? 2 : 1)

# The n-th line, from 1: eight colours, then the same with the next shape of point and other dashes.
array HUE[8] = ['#4477aa', '#66ccee', '#228833', '#ee7733', '#aa3377', '#ccbb44', '#ee6677', '#222222']
array SHAPE[8] = [7, 9, 5, 13, 11, 15, 6, 8]
hue(n) = HUE[(n - 1) % 8 + 1]
shape(n) = SHAPE[(n - 1 + (n - 1) / 8) % 8 + 1]
dash(n) = (n - 1) / 8 % 4 + 1
