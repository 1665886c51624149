"""One number, one rule: λ, ω_log, ω_ph and Tc are the same from every way that leads to them."""

import json
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
from typer.testing import CliRunner

import jaxelph as jx
from jaxelph.app.cli import app
from jaxelph.superconductivity.coulomb import check_mu_star
from jaxelph.superconductivity.matsubara import (
    Repulsion,
    matsubara_basis,
    pairing_kernel,
    top_eigenpair,
)
from jaxelph.sweeps.phase_diagram import phase_diagram
from jaxelph.sweeps.screen import screen
from jaxelph.units import KELVIN

HEADER = "# omega(meV) a2F\n"
ROWS = "1 0\n10 .5\n20 .5\n25 0\n"


def by_every_way(path, tmp_path, **options):
    """λ, ω_log (meV), ω_ph (meV), Tc (K) from Python, report, sweep and sensitivities."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spectrum = jx.read_a2f(path, **options)
        python = [
            float(jx.coupling_constant(spectrum)),
            float(jx.log_frequency(spectrum)),
            float(jx.phonon_edge(spectrum)),
            float(jx.transition_temperature(spectrum) / KELVIN),
        ]
        found = jx.report(spectrum, [60.0])
        told = found.to_dict()
        report = [
            told["spectrum"]["lambda"],
            told["spectrum"]["omega_log_K"] * KELVIN,
            told["mu_star"]["omega_ph_meV"],
            told["Tc_K"]["eliashberg"],
        ]
        s = jx.sensitivities(spectrum, 60 * KELVIN, ["lambda", "omega-log", "omega-ph", "tc"])
        slopes = [s[name].value for name in ("lambda", "omega-log", "omega-ph", "tc")]
        slopes[-1] /= KELVIN
        swept = screen([path], ["lambda", "omega-log", "tc"], 60 * KELVIN, **options)
        sweep = [swept[key].item() for key in ("lambda", "omega_log", "omega_ph", "tc")]
    return np.array([python, report, sweep, slopes])


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", "100 0\n", "25.5 0\n40 0\n60 0\n"])
def test_zero_rows_change_nothing_whichever_way(tmp_path, more):
    path = tmp_path / "a.dat"
    path.write_text(HEADER + ROWS + more)
    found = by_every_way(path, tmp_path)
    np.testing.assert_allclose(found, found[:1].repeat(4, 0), rtol=1e-11)
    # The area is 8.5 meV, of which the last .085 lie above 25 - √(2·.085/.1) meV.
    assert found[0, 2] == pytest.approx(25 - np.sqrt(1.7), rel=1e-12)
    # Every Matsubara frequency written out below a sharp cutoff, as in
    # `test_limit_of_the_cutoff`, with λ(ν) by Gauss's rule between the rows: 14.645701 K.
    assert found[0, 3] == pytest.approx(14.645701, rel=3e-6)


@pytest.mark.slow
def test_every_real_file_has_one_tc(shared, tmp_path):
    seen = 0
    for path in sorted((shared / "a2f").iterdir()):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                jx.read_a2f(path)
        except jx.SpectrumFileError:
            continue
        found = by_every_way(path, tmp_path)
        np.testing.assert_allclose(found, found[:1].repeat(4, 0), rtol=1e-10, err_msg=path.name)
        seen += 1
    assert seen >= 8


@pytest.mark.slow
def test_a_report_has_one_coupling(tmp_path):
    # What the file states differs from the trapezoidal sum by 7e-4.
    told = jx.Provenance("a", "epw", "EPW", "meV", 1, coupling=0.5, stated_coupling=0.5)
    w = np.linspace(1.0, 20.0, 30)
    s = jx.TabulatedSpectrum(w, 0.3 * np.exp(-(((w - 10) / 4) ** 2)), provenance=told)
    found = jx.report(s, [60.0])
    assert f"λ of the table = {found.coupling:.6g}, λ of the file = 0.5" in found.source
    assert found.coupling == float(jx.coupling_constant(s))


# ---------------------------------------------------------------- ω_ph


def table(seed, rows=60):
    rng = np.random.default_rng(seed)
    omega = np.cumsum(0.1 + rng.random(rows))
    return omega, np.append(rng.random(rows - 1), 0.0)


def test_edge_is_compiled_for_few_lengths():
    from jaxelph.spectra import moments

    jx.phonon_edge(jx.TabulatedSpectrum(*table(0, 260)))
    compiled = moments._phonon_edge._cache_size()
    for rows in range(257, 384, 9):
        omega, a2f = table(rows, rows)
        edge = float(jx.phonon_edge(jx.TabulatedSpectrum(omega, a2f)))
        below = scipy.integrate.cumulative_trapezoid(a2f, omega, initial=0)
        row = np.searchsorted(below, 0.99 * below[-1])
        assert omega[row - 1] <= edge <= omega[row]
        # The same to the last digit where it is traced.
        assert edge == float(jax.jit(jx.phonon_edge)(jx.TabulatedSpectrum(omega, a2f)))
    assert moments._phonon_edge._cache_size() <= compiled + 1  # traced it is another


@pytest.mark.parametrize("seed", range(4))
def test_edge_of_tables(seed):
    omega, a2f = table(seed)
    edge = float(jx.phonon_edge(jx.TabulatedSpectrum(omega, a2f)))
    # By an integral of its own: α²F linear between rows, sampled finely.
    x = np.unique(np.concatenate([np.linspace(omega[0], omega[-1], 200_001), omega]))
    y = np.interp(x, omega, a2f)
    below = scipy.integrate.cumulative_trapezoid(y, x, initial=0)
    assert edge == pytest.approx(np.interp(0.99 * below[-1], below, x), abs=1e-5)
    # Rows on the same line, zeros behind the last row: nothing moves.
    more = np.sort(np.append(omega, (omega[3:9] + omega[4:10]) / 2))
    finer = jx.TabulatedSpectrum(more, np.interp(more, omega, a2f))
    assert float(jx.phonon_edge(finer)) == pytest.approx(edge, rel=1e-13)
    zeros = np.append(omega, [omega[-1] + 1, 500.0]), np.append(a2f, [0.0, 0.0])
    assert float(jx.phonon_edge(jx.TabulatedSpectrum(*zeros))) == edge
    # A faint tail moves it by its share of the area over α²F there, and no more.
    tail = np.append(omega, omega[-1] + np.arange(1, 21)), np.append(a2f, np.full(20, 1e-6))
    assert float(jx.phonon_edge(jx.TabulatedSpectrum(*tail))) == pytest.approx(edge, abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_edge_is_differentiable(seed):
    omega, a2f = table(seed, 20)

    def edge(values):
        return jx.phonon_edge(jx.TabulatedSpectrum(omega, values))

    slope, direction = jax.grad(edge)(a2f), np.random.default_rng(9).normal(size=20)
    h = 1e-6
    assert float(slope @ direction) == pytest.approx(
        float(edge(a2f + h * direction) - edge(a2f - h * direction)) / (2 * h), rel=1e-5
    )
    peaks = [jnp.array([13.2, 21.5]), jnp.array([3.0, 1.6]), jnp.array([0.76, 0.18])]
    by_peaks = jax.grad(lambda p: jx.phonon_edge(jx.GaussianPeaks(*p)))(peaks)
    for k in range(3):
        moved = [
            jx.phonon_edge(
                jx.GaussianPeaks(
                    *[x.at[0].add(s * h) if i == k else x for i, x in enumerate(peaks)]
                )
            )
            for s in (1, -1)
        ]
        assert float(by_peaks[k][0]) == pytest.approx(
            float(moved[0] - moved[1]) / (2 * h), rel=1e-5
        )
    assert jax.hessian(lambda x: jx.phonon_edge(jx.GaussianPeaks([5.0], [1.0], x)))(
        jnp.ones(1)
    ) == pytest.approx(0.0, abs=1e-9)  # λ of the only peak does not matter


def test_edge_of_other_kinds():
    assert float(jx.phonon_edge(jx.EinsteinModes([5.0, 3.0], [0.5, 0.7]))) == 5.0
    # A mode that holds less than 1 % of the area decides nothing.
    assert float(jx.phonon_edge(jx.EinsteinModes([3.0, 90.0], [1.0, 1e-4]))) == 3.0
    assert float(jx.phonon_edge(jx.DebyeSpectrum(10.0, 0.5))) == pytest.approx(10 * 0.99 ** (1 / 3))
    assert float(jx.phonon_edge(jx.EinsteinModes([3.0], [0.0]))) == 0.0


# ---------------------------------------------------------------- the limit of the cutoff


@pytest.mark.parametrize(
    ("coupling", "off"), [(1.0, 1.427e-3), (3.0, 3.381e-3), (10.0, 1.378e-2), (100.0, 8.656e-2)]
)
def test_limit_of_the_cutoff(coupling, off):
    mode = jx.EinsteinModes([1.0], [coupling])
    limit = float(jx.transition_temperature(mode, 0.1))
    # What ten times ω is off by, as the docstring says.
    assert float(jx.transition_temperature(mode, 0.1, cutoff=10.0)) / limit - 1 == pytest.approx(
        off, rel=1e-3
    )

    # Every Matsubara frequency written out below a sharp cutoff at N: μ(N) flows with
    # ln N = Σ 1/ν + ψ(½), and what is left falls as N⁻².
    def sharp(n):
        i, nu = np.arange(n), np.arange(n) + 0.5

        def top(log_t):
            step = 2 * np.pi * np.exp(log_t)
            c = coupling / (1 + (step * np.arange(2 * n + 1.0)) ** 2)
            kernel = (c[abs(i[:, None] - i)] + c[i[:, None] + i + 1]) / 2
            kernel[i, i] -= c[0] / 2 + np.append(0, np.cumsum(c[1:n]))
            log = np.sum(1 / nu) - 1.9635100260214235  # ln N
            kernel -= 0.1 / (1 + 0.1 * (-np.log(step) - log))
            kernel /= np.sqrt(nu[:, None] * nu)
            last = n - 1
            return scipy.linalg.eigh(kernel, eigvals_only=True, subset_by_index=[last, last])[0] - 1

        start = np.log(limit)
        return np.exp(scipy.optimize.brentq(top, start - 0.05, start + 0.05, xtol=1e-12))

    few, many = sharp(200), sharp(400)
    assert many + (many - few) / 3 == pytest.approx(limit, rel=3e-6)


def test_limit_equals_far_cutoffs():
    metal = jx.example("niobium").scaled(1.5)
    limit = float(jx.transition_temperature(metal, 0.12))
    edge = float(jx.phonon_edge(metal))
    errors = [
        abs(float(jx.transition_temperature(metal, 0.12, cutoff=k * edge)) / limit - 1)
        for k in (100, 1000)
    ]
    assert errors[0] < 5e-5 and errors[1] < errors[0] / 50
    # The gap beyond the phonons is a constant, negative for repulsion.
    far = jx.gap_function(metal, 0.12, index=np.array([0, 3000, 30000])).gap
    assert far[1] < 0 and far[2] == pytest.approx(float(far[1]), rel=1e-3)


def test_mu_star_at_the_cutoff_is_on_the_same_flow():
    metal, at = jx.EinsteinModes([1.0, 2.0], [0.6, 0.6]), 40.0
    moved = 0.12 / (1 + 0.12 * np.log(2.0 / at))
    tc = jx.transition_temperature(metal, moved, cutoff=at, mu_star_at="cutoff")
    assert float(tc) == pytest.approx(
        float(jx.transition_temperature(metal, 0.12, cutoff=at)), rel=1e-12
    )


def test_basis_of_the_limit_is_linear_in_the_spectrum():
    basis = matsubara_basis()
    repulsion = Repulsion(0.0, None, 1.0)
    one = pairing_kernel(basis, jnp.array([1.0]), jnp.array([0.5]), 0.1, repulsion)[0]
    assert float(top_eigenpair(one)[0]) == pytest.approx(
        float(jx.pairing_eigenvalue(jx.EinsteinModes([1.0], [1.0]), 0.1, 0.0)), rel=1e-13
    )


# ---------------------------------------------------------------- wide peaks


@pytest.mark.parametrize(("omega", "width"), [(6.5, 5.1), (1.0, 5.0), (12.0, 3.0), (40.0, 5.0)])
def test_peaks_do_not_depend_on_their_order(omega, width):
    def numbers(spectrum):
        moments = (jx.log_frequency, jx.rms_frequency, jx.spectral_area, jx.phonon_edge)
        return [float(f(spectrum)) for f in moments]

    def a2f(x):
        return np.exp(-0.5 * ((x - omega) / width) ** 2) * -np.expm1(-2 * (x / width) ** 2)

    def integral(function):
        low, high = max(0.0, omega - 8 * width), omega + 8 * width
        return scipy.integrate.quad(function, low, high, epsrel=1e-13, epsabs=0, limit=400)[0]

    total = integral(lambda x: 2 * a2f(x) / x)
    log = np.exp(integral(lambda x: 2 * a2f(x) / x * np.log(x)) / total)
    rms = np.sqrt(integral(lambda x: 2 * a2f(x) * x) / total)
    for order in (64, 128, 256, 1024):
        found = numbers(jx.GaussianPeaks([omega], [width], [1.0], order))
        assert found[:3] == pytest.approx([log, rms, integral(a2f) / total], rel=1e-10)
        finer = jx.GaussianPeaks([omega], [width], [1.0], order).resolved(width / 40)
        assert numbers(finer) == pytest.approx(found, rel=1e-10)
    # α²F itself: vanishing as ω², of the coupling asked for.
    peak = jx.GaussianPeaks([omega], [width], [1.0])
    x = np.array([1e-3, 2e-3]) * width
    low = np.asarray(peak.a2f(jnp.asarray(x)))
    assert low[1] == 0 if omega > 8 * width else low[1] / low[0] == pytest.approx(4, rel=1e-2)
    assert 2 * integral(lambda w: float(peak.a2f(jnp.array([w]))[0]) / w) == pytest.approx(
        1, rel=1e-8
    )


def test_tc_of_wide_peaks_does_not_depend_on_their_order():
    found = [
        float(jx.transition_temperature(jx.GaussianPeaks([6.5], [5.1], [1.0], order)))
        for order in (64, 1024)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-9)


@pytest.mark.slow
def test_what_a_table_leaves_out_is_told():
    w = np.linspace(1.0, 20.0, 40)
    a2f = 0.3 * (w / 20) ** 2
    assert jx.report(jx.TabulatedSpectrum(w, a2f), [60.0]).warnings == ()
    (told,) = jx.report(jx.TabulatedSpectrum(w, 0.1 + a2f), [60.0]).warnings
    assert "below it α²F is taken as 0" in told and "larger by 0.101" in told


# ---------------------------------------------------------------- what is refused

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: jx.TabulatedSpectrum([3.0, 2.0, 1.0], [0.1, 0.2, 0.3]), "omega must ascend"),
        (lambda: jx.TabulatedSpectrum([1.0, 2.0, 2.0], [0.1, 0.2, 0.3]), "ascend.*place 3 of 3"),
        (lambda: jx.TabulatedSpectrum([0.0, 1.0], [0.0, 0.2]), "omega must be positive, got 0"),
        (lambda: jx.TabulatedSpectrum([-1.0, 1.0], [0.0, 0.2]), "omega must be positive"),
        (lambda: jx.TabulatedSpectrum([1.0, NAN], [0.0, 0.2]), "omega must be finite, got nan"),
        (lambda: jx.TabulatedSpectrum([1.0, 2.0], [0.0, NAN]), "a2f must be finite, got nan"),
        (lambda: jx.EinsteinModes([1.0, 0.0], [0.1, 0.2]), "omega must be positive, got 0"),
        (lambda: jx.EinsteinModes([1.0], [INF]), "coupling must be finite, got inf"),
        (lambda: jx.GaussianPeaks([1.0], [0.0], [1.0]), "width must be positive"),
        (lambda: jx.GaussianPeaks([-1.0], [0.1], [1.0]), "omega must be positive"),
        (lambda: jx.DebyeSpectrum(0.0, 1.0), "cutoff must be positive"),
        (lambda: jx.DebyeSpectrum(1.0, NAN), "coupling must be finite"),
        (lambda: jx.example("niobium").scaled(NAN), "coupling must be finite"),
        (lambda: jx.coupling_constant(np.ones(3)), "spectrum must be an Eliashberg function"),
        (lambda: jx.transition_temperature(np.ones(3)), "spectrum must be an Eliashberg"),
        (lambda: jx.pairing_eigenvalue(jx.example("lead"), NAN), "temperature must be finite"),
        (lambda: jx.report(jx.example("niobium"), [20.0], omega_ph=NAN), "omega_ph nan must be"),
    ],
)
def test_what_cannot_be_meant_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_traced_values_pass_and_nan_stays_nan():
    tables = jax.vmap(lambda w: jx.log_frequency(jx.TabulatedSpectrum(w, jnp.ones(3))))
    assert np.all(np.isfinite(tables(jnp.array([[1.0, 2.0, 3.0], [1.0, 2.0, 2.0]]))))

    def tc(a2f, mu_star):
        return jx.transition_temperature(jx.TabulatedSpectrum([1.0, 2.0, 3.0], a2f), mu_star)

    value, slopes = jax.jit(jax.value_and_grad(tc, (0, 1)))(jnp.array([0.5, NAN, 0.5]), 0.1)
    assert np.isnan(value) and np.all(np.isnan(slopes[0])) and np.isnan(slopes[1])
    assert np.isnan(jax.jit(tc)(jnp.array([0.5, 0.5, 0.5]), NAN))
    for method in (jx.mcmillan, jx.allen_dynes):
        assert np.isnan(jax.jit(lambda m, f=method: f(jx.example("lead"), m))(NAN))
    swept = jx.sweep(
        lambda factor: jx.transition_temperature(jx.example("table1").scaled(factor)),
        jx.sweeps.points(factor=np.array([1.0, NAN])),
    )
    assert np.isfinite(swept["value"].values[0]) and np.isnan(swept["value"].values[1])
    meanings = swept["status"].attrs["flag_meanings"].split()
    assert [meanings[k] for k in swept["status"].values] == ["finished", "not_a_number"]


@pytest.mark.parametrize("mu_star", [-1.0, NAN, 5.0, INF])
def test_one_check_of_mu_star(mu_star, tmp_path):
    metal = jx.example("table1")
    path = tmp_path / "a.dat"
    path.write_text(HEADER + ROWS)
    peak = jx.GaussianPeaks([10.0], [0.5], [1.0])
    data = jx.inverse.data.HeatData(np.array([1.0, 2.0]), np.ones(2), np.full(2, 0.1))
    ways = [
        lambda: check_mu_star(mu_star),
        lambda: jx.transition_temperature(metal, mu_star),
        lambda: jx.mcmillan(metal, mu_star),
        lambda: jx.gap_function(metal, mu_star),
        lambda: jx.report(metal, [200.0], mu_star=mu_star),
        lambda: jx.sensitivities(metal, 20.0, ["tc"], mu_star=mu_star),
        lambda: screen([path], ["tc"], 5.0, mu_star=mu_star),
        lambda: phase_diagram(metal, np.array([1.0]), np.array([200.0]), mu_star=mu_star),
        lambda: jx.fit_spectrum(data, peak, mu_star=mu_star),
        lambda: jx.inverse.design.maximise(peak, mu_star=mu_star),
        lambda: jx.inverse.design.trade_off(peak, None, [0.1], mu_star=mu_star),
    ]
    for way in ways:
        with pytest.raises(
            ValueError, match="mu_star must (not be negative|be (below 1|a number))"
        ):
            way()


def test_one_check_of_a_cutoff_beside_the_spectrum(tmp_path):
    """Refused where it is known, NaN where it is traced: no Tc of a μ* that cannot be."""
    metal = jx.example("table1")
    path = tmp_path / "a.dat"
    path.write_text(HEADER + ROWS)
    for given, message in (
        ({"cutoff": 5.0}, "cutoff 5 must exceed the top of the spectrum"),
        ({"cutoff": 5.0, "mu_star_at": "cutoff"}, "cutoff 5 must exceed the top"),
        ({"cutoff": 1e6, "mu_star": 0.9}, "mu_star 0.9 is too large for this cutoff"),
    ):
        options = {"mu_star": 0.1} | given
        for way in (
            lambda options=options: jx.transition_temperature(metal, **options),
            lambda options=options: jx.report(metal, [200.0], **options),
            lambda options=options: jx.superconductor(metal, **options),
            lambda options=options: jx.sensitivities(metal, 20.0, ["tc"], **options),
            lambda options=options: phase_diagram(
                metal, np.array([1.0]), np.array([200.0]), **options
            ),
        ):
            with pytest.raises(ValueError, match=message):
                way()
        assert message in screen([path], ["tc"], 5.0, **options)["error"].item()

        def tc(factor, options=options):
            return jx.transition_temperature(metal.scaled(factor), **options)

        assert np.all(np.isnan(jax.jit(jax.value_and_grad(tc))(1.0)))


@pytest.mark.slow
def test_weak_coupling_has_a_report():
    weak = jx.EinsteinModes([10.0], [0.08])
    found = jx.report(weak, [60.0], mu_star=0.15)
    assert set(found.tc.values()) == {0.0}
    assert found.margin[0] > 0 and np.isfinite(found.critical["kinetic"][0])
    assert "does not superconduct" in found.verdict


# ---------------------------------------------------------------- where a spectrum came from


@pytest.mark.slow
def test_provenance_stays_with_its_own_spectrum(tmp_path):
    spectra = []
    for name, scale in (("first", 0.5), ("second", 0.8)):
        path = tmp_path / f"{name}.dat"
        w = np.linspace(1.0, 20.0, 40)
        rows = zip(w, scale * 0.4 * np.sin(np.pi * w / 20.0) ** 2, strict=True)
        path.write_text(HEADER + "".join(f"{a} {b}\n" for a, b in rows))
        spectra.append(jx.read_a2f(path))
    grid, times = jx.EnergyGrid(5.0, 24), np.array([0.0, 0.01])
    ways = {
        "evolve": lambda s: jx.evolve(s, 8.0, 7.0, grid, times).spectrum,
        "relax": lambda s: jx.relax(s, 95.0, 90.0, points=3).evolution.spectrum,
        "report": lambda s: jx.report(s, [90.0]).spectrum,
        "sensitivities": lambda s: jx.sensitivities(s, 8.0, ["lambda"]).at,
        "resolved": lambda s: s.resolved(0.1),
        "jit": jax.jit(lambda s: s),
        "scaled": lambda s: s.scaled(2.0),
    }
    for name, way in ways.items():
        for spectrum in spectra:
            told = way(spectrum).provenance
            # Its own, or none where a compiled function or another α²F comes back.
            if name in ("jit", "scaled"):
                assert told is None
            else:
                assert told is not None and told.path == spectrum.provenance.path, name
    runs = [jx.evolve(s, 8.0, 7.0, grid, times).spectrum for s in spectra]
    sources = [jx.report(s, [90.0]).source for s in runs]
    assert "first.dat" in sources[0] and "second.dat" in sources[1]
    assert jax.tree.structure(spectra[0]) == jax.tree.structure(spectra[1])


# ---------------------------------------------------------------- the command line


def invoke(*arguments):
    return CliRunner().invoke(app, [str(x) for x in arguments])


@pytest.mark.slow
def test_options_of_tc_on_the_command_line(tmp_path):
    path = tmp_path / "a.dat"
    path.write_text(HEADER + ROWS)
    options = ["--mu-star", "0.2", "--cutoff", "200", "--mu-star-at", "cutoff"]
    found = json.loads(invoke("report", path, "-T", "60", "--json", *options).stdout)
    spectrum = jx.read_a2f(path)
    expected = jx.transition_temperature(spectrum, 0.2, cutoff=200.0, mu_star_at="cutoff") / KELVIN
    assert found["Tc_K"]["eliashberg"] == pytest.approx(float(expected), rel=1e-12)
    assert found["mu_star"]["quoted_at"] == "cutoff" and found["mu_star"]["cutoff_meV"] == 200
    told = json.loads(
        invoke("sensitivities", path, "-T", "60", "--quantities", "tc", "--json", *options).stdout
    )
    assert told["quantities"]["tc"]["value"] == pytest.approx(float(expected), rel=1e-12)
    table_file = tmp_path / "out.csv"
    assert (
        invoke("sweep", path, "-T", 60, "-o", table_file, "--quantity", "tc", *options).exit_code
        == 0
    )
    header, row = table_file.read_text().splitlines()[:2]
    swept = dict(zip(header.split(","), row.split(","), strict=True))
    assert float(swept["tc [K]"]) == pytest.approx(float(expected), rel=1e-11)
    assert float(swept["omega_ph [meV]"]) == pytest.approx(25 - np.sqrt(1.7), rel=1e-12)


@pytest.mark.parametrize("command", ["report", "sensitivities", "map", "sweep", "fit", "design"])
def test_every_command_that_prints_tc_takes_its_options(command):
    told = invoke(command, "--help").stdout
    for option in ("--omega-ph", "--cutoff", "--mu-star-at"):
        assert option in told


@pytest.mark.slow
def test_what_tc_refers_to_stands_beside_it(tmp_path):
    path = tmp_path / "a.dat"
    path.write_text(HEADER + ROWS)
    told = invoke("report", path, "-T", "60", "--no-figure").stdout
    assert "μ* = 0.1 at ω_ph = 23.7 meV, ω_c → ∞" in told
    told = invoke("sensitivities", path, "-T", "60", "--quantities", "tc", "--no-figure").stdout
    assert "μ* = 0.1 at ω_ph = 23.7 meV, ω_c → ∞" in told
