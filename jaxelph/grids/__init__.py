"""Functions of the electron energy on equally spaced points, by sinc quadrature.

`energies` chooses the points; `sinc` holds weights of shifts and of principal values;
`convolution` applies kernels as matrices or by Fourier transform; `kernels` are those of the
kinetic theory; `bandwidth` says how fine a grid a spectrum needs, and `refined` adds what a plain
grid misses.
"""
