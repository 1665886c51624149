r"""GMRES that ends within a cycle.

A step of an implicit method solves many systems to few digits, with a preconditioner that needs
8 to 12 products; a method that looks at its residual after whole cycles of 20 does twice the work.
Here plane rotations keep the residual of every iterate.
"""

import jax.lax as lax
import jax.numpy as jnp
import lineax as lx

__all__ = ["GMRES"]


class GMRES(lx.GMRES):
    r"""`lineax.GMRES` on vectors, which ends as soon as

    $$\lVert P^{-1}(b - Ax)\rVert \le \sqrt n\,\mathrm{atol} +
      \mathrm{rtol}\,\lVert P^{-1}b\rVert$$

    in the Euclidean norm, with the preconditioner $P^{-1}$ ("preconditioner" of the options). A
    solution that is not finite is returned as such.

    Args:
        rtol, atol: the tolerances.
        restart: iterates of a cycle, all of which are kept.
        max_steps: iterates in all.

    Example:
        >>> operator = lx.MatrixLinearOperator(jnp.array([[2.0, 1.0], [0.0, 4.0]]))
        >>> solver = GMRES(rtol=1e-12, atol=0.0, max_steps=10)
        >>> solution = lx.linear_solve(operator, jnp.array([5.0, 8.0]), solver)
        >>> print(solution.value.round(9), solution.stats["num_steps"])
        [1.5 2. ] 2
    """

    def compute(self, state, vector, options):
        operator, size = state, vector.shape[0]
        cycle = min(self.restart, size)
        most = 10 * size if self.max_steps is None else self.max_steps
        inverse = options.get("preconditioner", lx.IdentityLinearOperator(operator.in_structure()))
        residual = inverse.mv(vector)
        start = jnp.linalg.norm(residual)
        enough = jnp.sqrt(size) * self.atol + self.rtol * start

        def unfinished(carry):
            _, _, left, done = carry
            return (left > enough) & (done < most)

        def one_cycle(carry):
            x, residual, left, done = carry

            def iterate(carry):
                basis, turned, triangle, k, _ = carry
                w = inverse.mv(operator.mv(basis[k]))
                # Twice is enough to be orthogonal to rounding; rows still to come are zero.
                h = basis @ w
                w = w - h @ basis
                again = basis @ w
                w = w - again @ basis
                length = jnp.linalg.norm(w)
                h = turned @ (h + again).at[k + 1].add(length)
                # The rotation that takes what is below the diagonal away.
                diagonal = jnp.hypot(h[k], h[k + 1])
                safe = jnp.where(diagonal > 0, diagonal, 1.0)
                c, s = h[k] / safe, h[k + 1] / safe
                upper, lower = turned[k], turned[k + 1]
                turned = turned.at[k].set(c * upper + s * lower)
                turned = turned.at[k + 1].set(c * lower - s * upper)
                column = jnp.where(jnp.arange(cycle) < k, h[:cycle], 0.0).at[k].set(diagonal)
                triangle = triangle.at[:, k].set(column)
                basis = basis.at[k + 1].set(w / jnp.where(length > 0, length, 1.0))
                return basis, turned, triangle, k + 1, left * jnp.abs(turned[k + 1, 0])

            def goes_on(carry):
                _, _, _, k, still = carry
                return (still > enough) & (k < cycle) & (done + k < most)

            basis = jnp.zeros((cycle + 1, size), vector.dtype).at[0].set(residual / left)
            identity = jnp.eye(cycle + 1, dtype=vector.dtype)
            carry = basis, identity, identity[:cycle, :cycle], 0, left
            basis, turned, triangle, k, still = lax.while_loop(goes_on, iterate, carry)
            rotated = left * turned[:, 0]
            known = jnp.where(jnp.arange(cycle) < k, rotated[:cycle], 0.0)
            z = lax.linalg.triangular_solve(triangle, known[:, None], left_side=True)[:, 0]
            # What is left is a multiple of the last direction, turned back.
            residual = (rotated[k] * turned[k]) @ basis
            return x + z @ basis[:cycle], residual, still, done + k

        # Zero, or not finite where the right-hand side is not.
        carry = 0 * residual, residual, start, 0
        x, _, left, done = lax.while_loop(unfinished, one_cycle, carry)
        result = lx.RESULTS.where(
            left <= enough, lx.RESULTS.successful, lx.RESULTS.max_steps_reached
        )
        return x, result, {"num_steps": done, "max_steps": self.max_steps}
