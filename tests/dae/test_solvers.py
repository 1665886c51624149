"""The implicit solvers: order, accuracy, published solutions, results that say what happened."""

import functools as ft

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import optimistix as optx
import pytest

from jaxelph.dae import (
    BDF,
    DenseInverse,
    DenseLineax,
    ImplicitTerm,
    Krylov,
    MassMatrixTerm,
    Rodas5P,
    SimplifiedNewton,
    StepController,
    consistent_initial,
)

slow = pytest.mark.slow
# The default run tries one of the two where the code is shared.
EITHER = [pytest.param(BDF(), marks=slow, id="bdf"), pytest.param(Rodas5P(), id="rodas")]
BOTH = [pytest.param(BDF(), id="bdf"), pytest.param(Rodas5P(), id="rodas")]


def max_norm(v):
    return jnp.max(jnp.abs(v))


def solve(term, solver, t1, y0, args=None, *, rtol=1e-6, atol=None, ts=None, **kwargs):
    kwargs.setdefault("saveat", diffrax.SaveAt(t1=True) if ts is None else diffrax.SaveAt(ts=ts))
    kwargs.setdefault(
        "stepsize_controller", StepController(rtol=rtol, atol=rtol if atol is None else atol)
    )
    # Arrays, for which `diffeqsolve` is compiled once; Python numbers would be static.
    dt0 = kwargs.pop("dt0", None)
    dt0 = None if dt0 is None else jnp.asarray(dt0)
    t0, t1 = jnp.asarray(0.0), jnp.asarray(t1)
    return diffrax.diffeqsolve(term, solver, t0, t1, dt0, y0, args, **kwargs)


# A nonlinear, non-autonomous, quasi-linear problem with the solution (2 + sin t, 2 + cos 2t).


def exact(t):
    return jnp.stack([2 + jnp.sin(t), 2 + jnp.cos(2 * t)])


def known_mass(t, y, args):
    return jnp.array([[2 + 0.2 * y[1] ** 2, 0.1 * y[0]], [0.1 * jnp.sin(t), 2 + 0.2 * y[0] * y[1]]])


def known_rhs(t, y, args):
    rate = jax.jvp(exact, (t,), (jnp.ones_like(t),))[1]
    away = y - exact(t)
    return known_mass(t, exact(t), args) @ rate - 3 * away - 0.5 * away**2


KNOWN = MassMatrixTerm(known_rhs, known_mass)


def slope(steps, errors):
    return -np.polyfit(np.log(steps), np.log(errors), 1)[0]


@pytest.mark.parametrize("order", [2, *(pytest.param(k, marks=slow) for k in (1, 3, 4)), 5])
def test_bdf_observed_order(order):
    # y' = cos t - 20 (y - sin t): the error is measured along the way, not where it may cross 0.
    term = ImplicitTerm(lambda t, y, ydot, args: ydot - jnp.cos(t) + 20 * (y - jnp.sin(t)))
    newton = SimplifiedNewton(1e-13, 1e-13, max_norm, max_steps=20)
    solver = BDF(max_order=order, min_order=order, root_finder=newton)
    counts = np.array([64, 128, 256])
    errors = []
    for n in counts:
        h = 2 * np.pi / n
        past = -h * np.arange(order, -1, -1)
        state = solver.history_state(term, past, jnp.sin(past)[:, None])
        sol = solve(
            term,
            solver,
            2 * np.pi,
            jnp.zeros(1),
            stepsize_controller=diffrax.ConstantStepSize(),
            dt0=h,
            solver_state=state,
            saveat=diffrax.SaveAt(steps=True),
            max_steps=int(counts[-1]),
        )
        error = jnp.abs(sol.ys[:n, 0] - jnp.sin(sol.ts[:n]))
        errors.append(float(jnp.sqrt(jnp.mean(error**2))))
    assert slope(counts, errors) == pytest.approx(order, abs=0.1)


def test_bdf_fixed_step_is_the_textbook_formula():
    # BDF3 on y' = -y: y_n = (18 y_{n-1} - 9 y_{n-2} + 2 y_{n-3}) / 11 - 6h/11 y_n.
    term = ImplicitTerm(lambda t, y, ydot, args: ydot + y)
    newton = SimplifiedNewton(1e-13, 1e-13, max_norm, max_steps=20)
    solver = BDF(max_order=3, min_order=3, root_finder=newton)
    n, h = 20, 0.15
    past = -h * np.arange(3, -1, -1)
    state = solver.history_state(term, past, jnp.exp(-past)[:, None])
    sol = solve(
        term,
        solver,
        n * h,
        jnp.ones(1),
        stepsize_controller=diffrax.ConstantStepSize(),
        dt0=h,
        solver_state=state,
    )
    y = list(np.exp(-past))
    for _ in range(n):
        y.append((18 * y[-1] - 9 * y[-2] + 2 * y[-3]) / 11 / (1 + 6 * h / 11))
    np.testing.assert_allclose(sol.ys[0, 0], y[-1], rtol=1e-12)


def test_rodas_observed_order():
    counts = np.array([32, 64, 128])
    errors = []
    for n in counts:
        sol = solve(
            KNOWN,
            Rodas5P(),
            3.0,
            exact(0.0),
            stepsize_controller=diffrax.ConstantStepSize(),
            dt0=3.0 / n,
        )
        errors.append(float(max_norm(sol.ys[0] - exact(3.0))))
    assert slope(counts, errors) == pytest.approx(5, abs=0.15)


@pytest.mark.parametrize("solver", BOTH)
def test_error_follows_tolerance(solver):
    ts = jnp.linspace(0.1, 3.0, 30)

    @jax.jit
    def error(rtol):
        sol = solve(KNOWN, solver, 3.0, exact(0.0), rtol=rtol, ts=ts)
        return max_norm(sol.ys - jax.vmap(exact)(ts))

    tols = 10.0 ** -np.arange(4, 11)
    errors = np.array([float(error(tol)) for tol in tols])
    power = -slope(tols, errors)
    assert 0.8 < power < 1.2
    fit = np.polyfit(np.log(tols), np.log(errors), 1)
    # Straight: nowhere further than a factor of 8 from the line.
    assert np.max(np.abs(np.log(errors) - np.polyval(fit, np.log(tols)))) < np.log(8)
    assert np.all(errors < 200 * tols)


# Published solutions.


def robertson(t, y, ydot, args):
    a = 0.04 * y[0] - 1e4 * y[1] * y[2]
    b = 3e7 * y[1] ** 2
    return jnp.stack([ydot[0] + a, ydot[1] - a + b, y[0] + y[1] + y[2] - 1])


ROBERTSON = ImplicitTerm(robertson)
# The table of SUNDIALS's example idaRoberts_dns, and (t = 4e4, 4e10) an integration with Radau
# at rtol 1e-12.
ROBERTSON_REFERENCE = {
    0.4: (9.8517e-01, 3.3864e-05, 1.4794e-02),
    4.0: (9.0552e-01, 2.2403e-05, 9.4459e-02),
    40.0: (7.1582e-01, 9.1851e-06, 2.8417e-01),
    400.0: (4.5049e-01, 3.2226e-06, 5.4951e-01),
}


@pytest.mark.parametrize("solver", [BDF, Rodas5P])
def test_robertson(solver):
    scipy_integrate = pytest.importorskip("scipy.integrate")
    ts = jnp.array([0.4 * 10**k for k in range(12)])
    sol = solve(
        ROBERTSON,
        solver(differential=jnp.array([True, True, False])),
        4e10,
        jnp.array([1.0, 0.0, 0.0]),
        ts=ts,
        rtol=1e-8,
        atol=jnp.array([1e-14, 1e-16, 1e-12]),
    )
    assert sol.result == diffrax.RESULTS.successful
    np.testing.assert_allclose(jnp.sum(sol.ys, axis=1), 1.0, atol=1e-11)
    for t, y in ROBERTSON_REFERENCE.items():
        i = int(np.argmin(np.abs(np.asarray(ts) - t)))
        np.testing.assert_allclose(sol.ys[i], y, rtol=2e-4)

    def ode(t, y):
        a, b = 0.04 * y[0] - 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
        return [-a, a - b, b]

    reference = scipy_integrate.solve_ivp(
        ode, (0, 4e10), [1.0, 0, 0], "Radau", t_eval=np.asarray(ts), rtol=1e-11, atol=1e-20
    )
    np.testing.assert_allclose(sol.ys, reference.y.T, rtol=3e-6)


def akzo_nobel(t, y, args):
    """Chemical Akzo Nobel problem, Test Set for IVP Solvers, II-4."""
    r1 = 18.7 * y[0] ** 4 * jnp.sqrt(jnp.abs(y[1]))
    r2 = 0.58 * y[2] * y[3]
    r3 = 0.58 / 34.4 * y[0] * y[4]
    r4 = 0.09 * y[0] * y[3] ** 2
    r5 = 0.42 * y[5] ** 2 * jnp.sqrt(jnp.abs(y[1]))
    inflow = 3.3 * (0.9 / 737 - y[1])
    return jnp.stack(
        [
            -2 * r1 + r2 - r3 - r4,
            -0.5 * r1 - r4 - 0.5 * r5 + inflow,
            r1 - r2 + r3,
            -r2 + r3 - 2 * r4,
            r2 - r3 + r5,
            115.83 * y[0] * y[3] - y[5],
        ]
    )


def hires(t, y, args):
    """HIRES, Test Set for IVP Solvers, II-1."""
    exchange = 280 * y[5] * y[7] - 1.81 * y[6]
    return jnp.stack(
        [
            -1.71 * y[0] + 0.43 * y[1] + 8.32 * y[2] + 0.0007,
            1.71 * y[0] - 8.75 * y[1],
            -10.03 * y[2] + 0.43 * y[3] + 0.035 * y[4],
            8.32 * y[1] + 1.71 * y[2] - 1.12 * y[3],
            -1.745 * y[4] + 0.43 * y[5] + 0.43 * y[6],
            -280 * y[5] * y[7] + 0.69 * y[3] + 1.71 * y[4] - 0.43 * y[5] + 0.69 * y[6],
            exchange,
            -exchange,
        ]
    )


def transistor(t, y, args):
    """Transistor amplifier, Test Set for IVP Solvers, II-13."""
    ub, r0, r = 6.0, 1000.0, 9000.0

    def g(x):
        return 1e-6 * (jnp.exp(x / 0.026) - 1)

    g1, g2 = g(y[1] - y[2]), g(y[4] - y[5])
    return jnp.stack(
        [
            (y[0] - 0.1 * jnp.sin(200 * jnp.pi * t)) / r0,
            -ub / r + 2 * y[1] / r + 0.01 * g1,
            -g1 + y[2] / r,
            (y[3] - ub) / r + 0.99 * g1,
            -ub / r + 2 * y[4] / r + 0.01 * g2,
            -g2 + y[5] / r,
            (y[6] - ub) / r + 0.99 * g2,
            y[7] / r,
        ]
    )


def transistor_mass():
    m = np.zeros((8, 8))
    for i, c in ((0, 1e-6), (3, 3e-6), (6, 5e-6)):
        m[i : i + 2, i : i + 2] = c * np.array([[-1, 1], [1, -1]])
    m[2, 2], m[5, 5] = -2e-6, -4e-6
    return jnp.asarray(m)


PUBLISHED = {
    "akzo": (
        akzo_nobel,
        jnp.diag(jnp.array([1.0, 1, 1, 1, 1, 0])),
        [0.444, 0.00123, 0, 0.007, 0, 115.83 * 0.444 * 0.007],
        180.0,
        [
            0.1150794920661702,
            0.1203831471567715e-2,
            0.1611562887407974,
            0.3656156421249283e-3,
            0.1708010885264404e-1,
            0.4873531310307455e-2,
        ],
        dict(differential=jnp.array([True] * 5 + [False])),
    ),
    "hires": (
        hires,
        jnp.eye(8),
        [1.0, 0, 0, 0, 0, 0, 0, 0.0057],
        321.8122,
        [
            0.7371312573325668e-3,
            0.1442485726316185e-3,
            0.5888729740967575e-4,
            0.1175651343283149e-2,
            0.2386356198831331e-2,
            0.6238968252742796e-2,
            0.2849998395185769e-2,
            0.2850001604814231e-2,
        ],
        {},
    ),
    # Its mass matrix is singular without any zero column: the rates are given.
    "transistor": (
        transistor,
        transistor_mass(),
        [0.0, 3, 3, 6, 3, 3, 6, 0],
        0.2,
        [
            -0.5562145012262709e-2,
            0.3006522471903042e1,
            0.2849958788608128e1,
            0.2926422536206241e1,
            0.2704617865010554e1,
            0.2761837778393145e1,
            0.4770927631616772e1,
            0.1236995868091548e1,
        ],
        dict(
            rate=jnp.array(
                [51.338775, 51.338775, -166.66666667, -24.9757667, -24.9757667]
                + [-83.33333333, -10.00564453, -10.00564453]
            )
        ),
    ),
}


@pytest.mark.parametrize("solver", [pytest.param(BDF, marks=slow), Rodas5P])
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_problems(name, solver):
    rhs, mass, y0, t1, y1, options = PUBLISHED[name]
    term = MassMatrixTerm(rhs, lambda t, y, args: mass)
    rtol, atol = (1e-8, 1e-9) if name == "transistor" else (1e-10, 1e-12)
    sol = solve(term, solver(**options), t1, jnp.array(y0), rtol=rtol, atol=atol, max_steps=20000)
    np.testing.assert_allclose(sol.ys[0], jnp.array(y1), rtol=2e-6)


# What a solve has to offer.


def test_consistent_initial():
    def function(t, y, ydot, args):
        return jnp.stack([ydot[0] * y[1] + args * y[0], y[1] ** 3 - y[0] - 6.0])

    term = ImplicitTerm(function)
    mask = jnp.array([True, False])

    @jax.jit
    def find(a):
        return consistent_initial(term, 0.0, jnp.array([2.0, 1.0]), a, differential=mask)

    y, ydot = find(3.0)
    np.testing.assert_allclose(y, [2.0, 2.0], rtol=1e-12)
    np.testing.assert_allclose(ydot, [-3.0, 0.0], rtol=1e-12)
    for derivative in (jax.jacfwd, jax.grad):
        slope = jax.jit(derivative(lambda a: find(a)[1][0]))(3.0)
        np.testing.assert_allclose(slope, -1.0, rtol=1e-10)
    bad = ImplicitTerm(lambda t, y, ydot, args: ydot**2 + 1 + y**2)
    y, ydot = consistent_initial(bad, 0.0, jnp.ones(1), ydot0=jnp.ones(1), throw=False)
    assert jnp.all(jnp.isnan(ydot))
    with pytest.raises(Exception, match="consistent initial values"):
        jax.block_until_ready(consistent_initial(bad, 0.0, jnp.ones(1), ydot0=jnp.ones(1)))


@pytest.mark.parametrize("solver", BOTH)
def test_dense_output_steps_events_and_pytrees(solver):
    # y' = -y with the companion z = y^2, as a pytree.
    def function(t, state, rate, args):
        return {"y": rate["y"] + state["y"], "z": state["z"] - state["y"] ** 2}

    mask = {"y": True, "z": False}
    solver = type(solver)(differential=mask)
    y0 = {"y": jnp.ones(2), "z": jnp.ones(2)}
    sol = solve(
        ImplicitTerm(function),
        solver,
        2.0,
        y0,
        rtol=1e-8,
        saveat=diffrax.SaveAt(dense=True, steps=True, t0=True),
        max_steps=400,
        event=diffrax.Event(
            lambda t, y, args, **kwargs: y["y"][0] - 0.3, optx.Bisection(1e-12, 1e-12)
        ),
    )
    assert sol.result == diffrax.RESULTS.event_occurred
    end = float(np.max(np.asarray(sol.ts)[np.isfinite(sol.ts)]))
    assert end == pytest.approx(-np.log(0.3), abs=2e-7)
    ts = jnp.linspace(0.0, end, 101)
    y = jax.vmap(sol.evaluate)(ts)
    np.testing.assert_allclose(y["y"], np.exp(-ts)[:, None] * np.ones((1, 2)), atol=3e-7)
    # Between steps a Rosenbrock method interpolates algebraic components at a lower order.
    between = 3e-7 if isinstance(solver, BDF) else 1e-5
    np.testing.assert_allclose(y["z"], np.exp(-2 * ts)[:, None] * np.ones((1, 2)), atol=between)
    saved = np.isfinite(np.asarray(sol.ts))
    assert saved.sum() == int(sol.stats["num_accepted_steps"]) + 1
    np.testing.assert_allclose(
        np.asarray(sol.ys["y"])[saved, 0], np.exp(-np.asarray(sol.ts)[saved]), atol=3e-7
    )
    # The last one is the event's, found on the interpolant.
    np.testing.assert_allclose(
        np.asarray(sol.ys["z"])[saved, 0][:-1],
        np.exp(-2 * np.asarray(sol.ts)[saved][:-1]),
        atol=3e-7,
    )


@pytest.mark.parametrize("solver", BOTH)
def test_dense_output_between_steps_is_as_good_as_the_steps(solver):
    sol = solve(
        KNOWN, solver, 3.0, exact(0.0), rtol=1e-7, saveat=diffrax.SaveAt(dense=True), max_steps=512
    )
    ts = jnp.linspace(0.0, 3.0, 301)
    error = float(max_norm(jax.vmap(sol.evaluate)(ts) - jax.vmap(exact)(ts)))
    assert error < 1e-5


@pytest.mark.parametrize("solver", EITHER)
def test_backwards_in_time(solver):
    sol = diffrax.diffeqsolve(
        KNOWN,
        solver,
        3.0,
        2.0,
        None,
        exact(3.0),
        stepsize_controller=StepController(rtol=1e-8, atol=1e-8),
        saveat=diffrax.SaveAt(ts=jnp.array([2.5, 2.0])),
    )
    np.testing.assert_allclose(sol.ys, jax.vmap(exact)(sol.ts), atol=1e-5)


@pytest.mark.parametrize("solver", BOTH)
def test_jumps_and_progress(solver, capfd):
    # A source switched on at t = 1: the history before it says nothing about what follows.
    term = MassMatrixTerm(
        lambda t, y, args: jnp.where(t < 1, 0.0, 1.0) - y,
        mass_product=lambda t, y, v, args: v,
    )
    controller = diffrax.ClipStepSizeController(
        StepController(rtol=1e-8, atol=1e-8), jump_ts=jnp.array([1.0])
    )
    sol = solve(
        term,
        solver,
        2.0,
        jnp.zeros(1),
        stepsize_controller=controller,
        progress_meter=diffrax.TextProgressMeter(),
    )
    np.testing.assert_allclose(sol.ys[0, 0], 1 - np.exp(-1.0), atol=1e-7)
    assert "100.00%" in capfd.readouterr().out


# Model of a kinetic equation: B(y) y' = I(y), rates spread over two decades.


def kinetic_model(n):
    x = np.arange(1, n + 1) / n
    kernel = 0.3 / n * np.exp(-20 * np.subtract.outer(x, x) ** 2)
    rates = 1 + 149 * x**3
    mixing = 0.5 / n * np.exp(-50 * np.subtract.outer(x, x) ** 2)
    return {k: jnp.asarray(v) for k, v in dict(k=kernel, r=rates, m=mixing).items()}


def model_product(t, y, v, p):
    return (1 + p["k"] @ y) * v + y * (p["k"] @ v)


def model_mass(t, y, p):
    return jnp.diag(1 + p["k"] @ y) + y[:, None] * p["k"]


def model_rhs(t, y, p):
    return -p["r"] * y + p["r"] * (p["m"] @ (y * (1 - y)))


def model_jacobian(t, y, v, p):
    inflow = p["r"][:, None] * p["m"] * (1 - 2 * y)[None, :]
    moving = v[:, None] * p["k"] + jnp.diag(p["k"] @ v)
    return -jnp.diag(p["r"]) + inflow - moving


MODEL = MassMatrixTerm(model_rhs, model_mass, model_product, model_jacobian)


def model_start(n):
    return 0.2 * jnp.sin(np.pi * jnp.arange(1, n + 1) / n) + 0.1


def test_closed_form_jacobian_of_the_model():
    p, y = kinetic_model(12), model_start(12)
    v = jnp.cos(3 * y)
    plain = MassMatrixTerm(model_rhs, mass_product=model_product)
    a = MODEL.matrix(0.0, y, v, 7.0, p)
    np.testing.assert_allclose(a, plain.matrix(0.0, y, v, 7.0, p), atol=1e-12)
    implicit = ImplicitTerm(lambda t, y, v, p: MODEL.residual(t, y, v, p))
    np.testing.assert_allclose(a, implicit.matrix(0.0, y, v, 7.0, p), atol=1e-12)
    rate = implicit.rate_product(0.0, y, v, v, p)
    np.testing.assert_allclose(rate, model_mass(0.0, y, p) @ v, atol=1e-13)


def diagonal_preconditioner(t, y, ydot, alpha, p):
    diagonal = alpha * (1 + p["k"] @ y) + p["r"]
    return lambda r: r / diagonal


@pytest.mark.parametrize(
    "solver",
    [
        pytest.param(BDF(), id="lu"),
        pytest.param(BDF(linear_solver=DenseLineax()), id="lineax", marks=slow),
        pytest.param(
            BDF(linear_solver=Krylov(diagonal_preconditioner, rtol=1e-2)),
            id="gmres-preconditioned",
            marks=slow,
        ),
        pytest.param(BDF(linear_solver=Krylov(rtol=1e-2)), id="gmres", marks=slow),
        pytest.param(Rodas5P(linear_solver=DenseInverse()), id="inverse"),
        pytest.param(BDF(linear_solver=DenseInverse()), id="bdf-inverse", marks=slow),
        pytest.param(
            Rodas5P(linear_solver=Krylov(diagonal_preconditioner, rtol=1e-8)), id="rodas-gmres"
        ),
    ],
)
def test_linear_solvers_agree_with_an_explicit_method(solver):
    p, y0, reference = explicit_reference()
    sol = solve(MODEL, solver, 1.0, y0, p, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(sol.ys, reference, atol=3e-7)


@ft.cache
def explicit_reference(n=24):
    p, y0 = kinetic_model(n), model_start(n)
    ode = diffrax.ODETerm(lambda t, y, p: jnp.linalg.solve(model_mass(t, y, p), model_rhs(t, y, p)))
    reference = diffrax.diffeqsolve(
        ode,
        diffrax.Dopri8(),
        0.0,
        1.0,
        1e-3,
        y0,
        args=p,
        stepsize_controller=diffrax.PIDController(rtol=1e-11, atol=1e-13),
    )
    return p, y0, reference.ys


@slow
def test_matrix_free_at_large_size():
    # 4096 unknowns: no matrix is formed (it would take 128 MB, and its factor a minute).
    n = 4096
    rates = 1 + 149 * jnp.linspace(0, 1, n) ** 3
    term = MassMatrixTerm(
        lambda t, y, args: -rates * y,
        mass_product=lambda t, y, v, args: (1 + 0.1 * jnp.roll(y, 1)) * v,
    )
    solver = BDF(linear_solver=Krylov(lambda t, y, v, alpha, args: lambda r: r / (alpha + rates)))
    sol = solve(term, solver, 0.5, jnp.ones(n), rtol=1e-5)
    assert sol.result == diffrax.RESULTS.successful
    # The stiffest components are gone, the slowest obeys its own equation closely.
    assert float(jnp.abs(sol.ys[0, -1])) < 1e-4


# Gradients.


def gradient_case(linear_solver=None, method=Rodas5P):
    solver = method() if linear_solver is None else method(linear_solver=linear_solver)
    n = 10
    p, start = kinetic_model(n), model_start(n)
    weights = jnp.cos(jnp.arange(1.0, n + 1))

    def loss(theta, rtol=1e-8, adjoint=None):
        q = dict(p, r=p["r"] * theta[0], k=p["k"] * theta[1])
        sol = solve(
            MODEL,
            solver,
            0.6,
            theta[2] * start,
            q,
            rtol=rtol,
            atol=rtol * 1e-2,
            ts=jnp.array([0.05, 0.3, 0.6]),
            adjoint=diffrax.RecursiveCheckpointAdjoint() if adjoint is None else adjoint,
        )
        return jnp.sum(jnp.sin(sol.ys) @ weights)

    return loss, jnp.array([1.1, 0.8, 1.3])


@pytest.mark.parametrize(
    "method, linear_solver",
    [
        pytest.param(Rodas5P, DenseInverse(), id="rodas", marks=slow),
        pytest.param(Rodas5P, None, id="lu", marks=slow),
        pytest.param(BDF, None, id="bdf", marks=slow),
        pytest.param(BDF, Krylov(diagonal_preconditioner, rtol=1e-4), id="gmres", marks=slow),
    ],
)
def test_gradients(method, linear_solver):
    loss, theta = gradient_case(linear_solver, method)
    reverse = jax.jit(jax.grad(loss))(theta)
    forward = jax.jit(jax.jacfwd(ft.partial(loss, adjoint=diffrax.ForwardMode())))(theta)
    np.testing.assert_allclose(reverse, forward, rtol=1e-9)
    value = jax.jit(ft.partial(loss, rtol=1e-10))
    step = 1e-3
    for i in range(3):
        e = jnp.zeros(3).at[i].set(step)
        difference = (
            8 * (value(theta + e) - value(theta - e)) - value(theta + 2 * e) + value(theta - 2 * e)
        ) / (12 * step)
        assert float(reverse[i]) == pytest.approx(float(difference), rel=1e-6, abs=1e-6)


@slow
@pytest.mark.parametrize("method", [Rodas5P, BDF])
def test_gradients_in_a_batch(method):
    # Lanes end after different numbers of steps; the finished ones must not spoil the others.
    loss, theta = gradient_case(method=method)
    thetas = jnp.stack([theta, theta.at[0].set(3.0), theta.at[0].set(0.1)])
    batch = jax.jit(jax.vmap(jax.grad(loss)))
    together = batch(thetas)
    assert jnp.all(jnp.isfinite(together))
    for i in range(3):
        alone = batch(jnp.stack([thetas[i]] * 3))[0]
        np.testing.assert_allclose(together[i], alone, rtol=1e-9)


@slow
@pytest.mark.parametrize("method", [Rodas5P, BDF])
def test_gradient_of_a_batch(method):
    loss, theta = gradient_case(method=method)
    thetas = jnp.stack([theta, theta.at[0].set(3.0), theta.at[0].set(0.1)])
    inside = jax.jit(jax.vmap(jax.grad(loss)))(thetas)
    outside = jax.jit(jax.grad(lambda x: jnp.sum(jax.vmap(loss)(x))))(thetas)
    single = jax.jit(jax.grad(loss))
    np.testing.assert_allclose(inside, outside, rtol=1e-9)
    for lane, value in zip(thetas, inside, strict=True):
        np.testing.assert_allclose(single(lane), value, rtol=1e-6)


@slow
@pytest.mark.parametrize("method", [Rodas5P, BDF])
def test_gradient_with_respect_to_closed_over_values(method):
    def loss(a):
        term = MassMatrixTerm(lambda t, y, args: -a * y**2, lambda t, y, args: jnp.diag(y))
        return solve(term, method(), 1.0, jnp.ones(1), rtol=1e-9).ys[0, 0]

    np.testing.assert_allclose(jax.grad(loss)(0.7), -np.exp(-0.7), rtol=1e-6)


# Failure is said.


def blow_up(t, y, ydot, args):
    return ydot - y**2


def vanishing_mass(t, y, ydot, args):
    return y * ydot + 1.0


def undefined(t, y, ydot, args):
    return ydot - jnp.sqrt(1.0 - t) * y / (1.0 - t)


# The default run has every failure, and both solvers at one of them.
FAILURES = [
    pytest.param(function, end, solver, id=f"{function.__name__}-{end}-{name}", marks=mark)
    for function, end, mark_of_bdf in (
        (blow_up, 1.0, ()),
        (vanishing_mass, 0.5, slow),
        (undefined, 1.0, slow),
    )
    for solver, name, mark in ((BDF(), "bdf", mark_of_bdf), (Rodas5P(), "rodas", ()))
]


@pytest.mark.parametrize("function, end, solver", FAILURES)
def test_failures_are_reported(function, end, solver):
    run = ft.partial(solve, ImplicitTerm(function), solver, 2.0, jnp.ones(1), max_steps=4000)
    sol = run(throw=False, saveat=diffrax.SaveAt(steps=True))
    assert sol.result != diffrax.RESULTS.successful
    assert sol.result in (
        diffrax.RESULTS.dt_min_reached,
        diffrax.RESULTS.nonlinear_divergence,
        diffrax.RESULTS.nonfinite,
    )
    saved = np.isfinite(np.asarray(sol.ts))
    # The trajectory so far is there, and it goes to the singularity, not past it.
    assert saved.sum() > 10
    assert np.asarray(sol.ts)[saved].max() == pytest.approx(end, abs=2e-3)
    assert np.all(np.isfinite(np.asarray(sol.ys)[saved]))


@pytest.mark.parametrize("solver", EITHER)
def test_failure_raises_by_default(solver):
    with pytest.raises(Exception, match="(?i)step size|diverged|nonfinite"):
        jax.block_until_ready(solve(ImplicitTerm(blow_up), solver, 2.0, jnp.ones(1)).ys)


def test_no_solution_at_all():
    term = ImplicitTerm(lambda t, y, ydot, args: ydot**2 + 1 + y**2)
    for solver in (BDF(), Rodas5P()):
        sol = solve(term, solver, 1.0, jnp.ones(1), throw=False)
        assert sol.result != diffrax.RESULTS.successful


def test_fixed_steps_do_not_hide_a_failure():
    newton = SimplifiedNewton(1e-8, 1e-8, max_norm)
    sol = solve(
        ImplicitTerm(blow_up),
        BDF(max_order=1, root_finder=newton),
        2.0,
        jnp.ones(1),
        stepsize_controller=diffrax.ConstantStepSize(),
        dt0=0.1,
        throw=False,
    )
    assert sol.result != diffrax.RESULTS.successful


def test_misuse():
    with pytest.raises(ValueError, match="min_order"):
        BDF(max_order=6)
    with pytest.raises(ValueError, match="mass_product"):
        MassMatrixTerm(lambda t, y, args: y)
    with pytest.raises(ValueError, match="structure"):
        solve(ImplicitTerm(lambda t, y, ydot, args: (ydot,)), BDF(), 1.0, jnp.ones(1))
    with pytest.raises(ValueError, match="ImplicitTerm"):
        solve(diffrax.ODETerm(lambda t, y, args: -y), Rodas5P(), 1.0, jnp.ones(1))
