"""A page on which α²F is moved by hand and its numbers follow.

`state` is what a person has set, `nodes` the quadrature of it, `numbers` what follows from it,
`follow` the step along a gradient; `page` draws them and `serve` hands the page to a browser.
"""
