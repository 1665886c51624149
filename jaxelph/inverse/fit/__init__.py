"""α²F from data, with error bars.

`spectrum` fits any data by `peaks` or by a `table`; `linear` is the inversion of data that are
linear in α²F, with its `posterior`, and `entropy` and `sampling` keep α²F positive; `functionals`
and `resolution` say which numbers the data decide; `result`, `output` and `figure` keep, print
and draw a fit, `errors` says what it warns of.
"""
