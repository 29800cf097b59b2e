#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fits the polynomials of the vector math (ir/math_*.cpp) and prints ir/math_tables.h.

    scripts/fit_math.py > ir/math_tables.h        (needs the Python package mpmath; takes a few seconds)

Each table is the polynomial with the smallest largest relative error of the function it helps to compute
(Remez's exchange: E. Ya. Remez, 1934; see J.-M. Muller, "Elementary Functions", 3rd ed., section 3.3), found
with 60 digits and rounded to the element type. The error beside a table is that of the unrounded polynomial, in
units of 2^-24 (f32) or 2^-53 (f64).
"""

import struct
import sys

from mpmath import cos, erf, expm1, fabs, ln, lu_solve, matrix, mp, mpf, pi, sin, sqrt

mp.dps = 60


def remez(target, weight, count, low, high):
    """The `count` coefficients, lowest first, that minimise max |(p(x) - target(x)) * weight(x)|, and that."""
    low, high = mpf(low), mpf(high)
    grid = 30 * (count + 1)
    xs = [(low + high) / 2 - (high - low) / 2 * cos(pi * i / grid) for i in range(grid + 1)]
    targets = [target(x) for x in xs]
    weights = [weight(x) for x in xs]
    reference = [round(grid * k / count) for k in range(count + 1)]
    while True:
        a, b = matrix(count + 1, count + 1), matrix(count + 1, 1)
        for row, i in enumerate(reference):
            for power in range(count):
                a[row, power] = xs[i] ** power
            a[row, count] = (-1) ** row / weights[i]
            b[row] = targets[i]
        solution = lu_solve(a, b)
        coefficients = [solution[k] for k in range(count)]
        errors = []
        for x, t, w in zip(xs, targets, weights):
            value = mpf(0)
            for c in reversed(coefficients):
                value = value * x + c
            errors.append((value - t) * w)
        largest = max(fabs(e) for e in errors)
        # The largest error of each run of equal sign is the next reference.
        extrema = []
        for i, e in enumerate(errors):
            if extrema and (errors[extrema[-1]] > 0) == (e > 0):
                if fabs(e) > fabs(errors[extrema[-1]]):
                    extrema[-1] = i
            else:
                extrema.append(i)
        while len(extrema) > count + 1:
            extrema.pop(0 if fabs(errors[extrema[0]]) < fabs(errors[extrema[-1]]) else -1)
        if len(extrema) < count + 1:
            raise SystemExit("the error of a fit does not alternate often enough")
        if extrema == reference or largest <= fabs(solution[count]) * mpf("1.000001"):
            return coefficients, largest
        reference = extrema


def rounded(value, bits):
    """The nearest number of that type, as the shortest decimal that reads back as it."""
    number = float(value)
    if bits == 24:
        number = struct.unpack("<f", struct.pack("<f", number))[0]
        return next(text for digits in range(1, 10) for text in ["%.*g" % (digits, number)]
                    if struct.pack("<f", float(text)) == struct.pack("<f", number))
    return repr(number)


def rounded_one_by_one(coefficients, weight, low, high, bits):
    """The coefficients rounded lowest first; those that follow make up for each rounding as well as they can
    (least squares on Chebyshev nodes; in the spirit of N. Brisebarre and S. Chevillard, "Efficient polynomial
    L-infinity-approximations", ARITH 18, 2007)."""
    count = len(coefficients)
    xs = [(low + high) / 2 - (high - low) / 2 * cos(pi * (i + mpf(1) / 2) / (3 * count)) for i in range(3 * count)]
    ws = [weight(x) for x in xs]
    coefficients = list(coefficients)
    for k in range(count):
        value = mpf(rounded(coefficients[k], bits))
        change = coefficients[k] - value
        coefficients[k] = value
        rest = count - k - 1
        if rest == 0:
            break
        a, b = matrix(len(xs), rest), matrix(len(xs), 1)
        for row, (x, w) in enumerate(zip(xs, ws)):
            for j in range(rest):
                a[row, j] = w * x ** (k + 1 + j)
            b[row] = w * change * x**k
        for j, correction in enumerate(lu_solve(a, b)):
            coefficients[k + 1 + j] += correction
    return coefficients


def table(name, comment, bits, coefficients, error=None):
    if error is not None:
        comment += " Error %.2g." % float(error * 2**bits)
    print("\n/// " + comment)
    line = "inline constexpr double k%s%s[] = {" % (name, "F32" if bits == 24 else "F64")
    for i, c in enumerate(coefficients):
        text = rounded(c, bits) + ("};" if i + 1 == len(coefficients) else ",")
        if i > 0 and len(line) + 1 + len(text) > 110:
            print(line)
            line = "    " + text
        else:
            line += text if i == 0 else " " + text
    print(line)


def pieces(value, widths):
    """`value` cut into positive numbers of so many bits each, their sum below it by less than the last's ulp."""
    result = []
    for width in widths:
        unit = mpf(2) ** (int(mp.floor(mp.log(value, 2))) - width + 1)
        result.append(mp.floor(value / unit) * unit)
        value -= result[-1]
    return result


def sinc(z):
    """sin(r)/r, z = r*r."""
    return sin(sqrt(z)) / sqrt(z) if z > 0 else mpf(1)


def sinc_tail(z):
    """(sin(r)/r - 1)/z, z = r*r."""
    r = sqrt(z)
    return (sin(r) / r - 1) / z if z > mpf(10) ** -20 else mpf(-1) / 6


def cosine_tail(z):
    """(cos(r) - 1 + z/2)/(z*z), z = r*r."""
    return (cos(sqrt(z)) - 1 + z / 2) / z**2 if z > mpf(10) ** -12 else mpf(1) / 24


def exp_tail(r):
    """(exp(r) - 1 - r)/(r*r)."""
    return (expm1(r) - r) / r**2 if fabs(r) > mpf(10) ** -20 else mpf(1) / 2


def expm1_tail(r):
    """(expm1(2r) - 2r)/(r*r)."""
    return (expm1(2 * r) - 2 * r) / r**2 if fabs(r) > mpf(10) ** -20 else mpf(2)


def atanh_tail(z):
    """(log((1+s)/(1-s)) - 2s)/(s*z), z = s*s."""
    s = sqrt(z)
    return (ln((1 + s) / (1 - s)) / s - 2) / z if z > mpf(10) ** -20 else mpf(2) / 3


def erf_ratio(t):
    """erf(x)/x, t = x*x."""
    return erf(sqrt(t)) / sqrt(t) if t > mpf(10) ** -40 else 2 / sqrt(pi)


def fit_exp(bits, count, expm1_count):
    half = ln(mpf(2)) * mpf("1.001")
    coefficients, error = remez(exp_tail, lambda r: r**2 / mp.exp(r) + mpf(10) ** -30, count, -half, half)
    table("Exp", "exp(r) for |r| <= ln 2, powers of r.", bits, [mpf(1), mpf(1)] + coefficients, error)
    quarter = ln(mpf(2)) / 4 * mpf("1.001")
    coefficients, error = remez(
        expm1_tail, lambda r: fabs(r / 2) + mpf(10) ** -30, expm1_count, -quarter, quarter)
    table("Expm1Twice", "expm1(2r)/r for |r| <= ln(2)/4, powers of r.", bits, [mpf(2)] + coefficients, error)


def fit_log(bits, count):
    # |s| = |m-1|/(m+1) for sqrt(1/2) <= m <= sqrt(2)
    high = ((sqrt(2) - 1) / (sqrt(2) + 1) * mpf("1.0001")) ** 2
    coefficients, error = remez(atanh_tail, lambda z: z / 2 + mpf(10) ** -30, count, 0, high)
    table("Log", "(log((1+s)/(1-s)) - 2s)/s^3 for (1+s)/(1-s) in [sqrt(1/2), sqrt(2)], powers of s^2.", bits,
          coefficients, error)
    # pow: the first term, 2/3, is a sum of two numbers; see ir/math_pow.cpp
    next_tail = lambda z: (atanh_tail(z) - mpf(2) / 3) / z if z > mpf(10) ** -20 else mpf(2) / 5
    coefficients, error = remez(next_tail, lambda z: z * z / 2 + mpf(10) ** -30, count, 0, high)
    table("LogTail", "The same without its first term, 2/3, divided by s^2.", bits, coefficients, error)
    third = mpf(rounded(mpf(2) / 3, bits))
    table("TwoThirds", "2/3 as a sum.", bits, [third, mpf(2) / 3 - third])


def fit_trigonometric(bits, sine_count, cosine_count):
    high = mpf("0.81") ** 2  # a little beyond pi/4, for the rounding of the quadrant's number
    coefficients, error = remez(
        sinc_tail, lambda z: z / sinc(z) + mpf(10) ** -30, sine_count, 0, high)
    table("Sine", "sin(r)/r for |r| <= pi/4, powers of r^2.", bits, [mpf(1)] + coefficients, error)
    coefficients, error = remez(
        cosine_tail, lambda z: z**2 / cos(sqrt(z)) + mpf(10) ** -30, cosine_count, 0, high)
    table("Cosine", "cos(r) for |r| <= pi/4, powers of r^2.", bits, [mpf(1), mpf(-1) / 2] + coefficients, error)


def fit_erf(bits, degree, last, scale, start):
    # The variable is s = y*y + start, y = x * scale, for y*y in [0, T]. Around the middle of the interval no term
    # is much larger than the sum; among the starts near the middle this one gave the smallest error with rounded
    # coefficients (f32: 4.1 ulp; -13/16 gave 5.4, and -15/16 4.5). Beyond T the variable stays the same, and the result is cut at 1.
    scale, start = mpf(rounded(sqrt(mpf(scale)), bits)), mpf(start)
    last, end = mpf(last), mpf(rounded(mpf(last) * scale**2 + start, bits))
    square = lambda s: fabs(s - start)
    target = lambda s: erf_ratio(square(s) / scale**2) / scale
    weight = lambda s: 1 / target(s)
    coefficients, error = remez(target, weight, degree + 1, start, end)
    coefficients = rounded_one_by_one(coefficients, weight, start, end, bits)
    table("ErfVariable", "y/x; s - y^2; the largest s.", bits, [scale, start, end])
    table("Erf", "erf(x)/y for 0 <= x^2 <= %s, powers of s." % mp.nstr(last, 4), bits, coefficients, error)


def main():
    print("// SPDX-License-Identifier: Apache-2.0")
    print("// Printed by scripts/fit_math.py, which says what the tables are; do not edit. Lowest power first.")
    print("#pragma once\n\n// clang-format off\nnamespace tunesmith::ir {")
    for bits in 24, 53:
        single = bits == 24
        fit_exp(bits, 6 if single else 12, 5 if single else 11)
        fit_log(bits, 3 if single else 7)
        fit_trigonometric(bits, 3 if single else 6, 3 if single else 6)
        fit_erf(bits, *((14, "13.7", "0.125", "-0.875") if single else (36, "34.2", "0.0625", "-1")))
        # The first piece times an exponent (9 and 12 bits) must be exact, also without a fused multiply-add.
        table("LogOfTwo", "ln 2 as a sum; the first times any exponent is exact.", bits,
              pieces(ln(mpf(2)), [15, 24] if single else [41, 53]))
        table("HalfPi", "pi/2 as a sum of full-width pieces, for targets with a fused multiply-add.", bits,
              pieces(pi / 2, [bits] * 3))
        table("HalfPiShort", "pi/2 as a sum whose first three, times a quadrant's number, are exact.", bits,
              pieces(pi / 2, [11, 11, 11, 24] if single else [32, 32, 32, 53]))
    print("\n}  // namespace tunesmith::ir")


if __name__ == "__main__":
    sys.exit(main())
